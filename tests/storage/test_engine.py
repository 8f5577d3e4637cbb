import pytest
from sqlalchemy import Engine, text

from bot.errors import BadValueError, MovedError
from bot.registration.season import Season
from storage.cipher import FieldCipher
from storage.engine import Timeouts, open_engine
from storage.faults import StoreError
from storage.seasons import SqlSeasons
from storage.transaction import Transaction
from storage.unit_of_work import SqlWork


@pytest.mark.parametrize("url", ["", "nonsense", "oracle://scott:tiger@h/x", "sqlite"])
def test_a_url_of_no_database_of_ours_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(BadValueError) as caught:
        open_engine(url)
    assert "tiger" not in str(caught.value)


def test_a_server_that_is_not_there_is_a_store_error_without_its_address(cipher: FieldCipher) -> None:
    engine = open_engine("postgresql://someone:topsecret@127.0.0.1:1/none", timeouts=Timeouts(connect=1))
    with pytest.raises(StoreError) as caught, SqlWork(engine, cipher).reading():
        pass
    assert "topsecret" not in str(caught.value)
    assert caught.value.__context__ is None


def test_missing_tables_are_a_store_error_that_names_the_remedy(cipher: FieldCipher) -> None:
    with SqlWork(open_engine("sqlite://"), cipher).reading() as unit, pytest.raises(StoreError, match="migrations"):
        unit.seasons.current()


def test_a_writer_that_holds_on_for_too_long_moves_the_others_away(engine: Engine, season: Season) -> None:
    impatient = open_engine(engine.url.render_as_string(hide_password=False), timeouts=Timeouts(lock=1, busy=0.1))
    with engine.connect() as holder, impatient.connect() as other:
        holding, waiting = Transaction(holder), Transaction(other)
        holding.begin()
        SqlSeasons(holding).save(season)
        with pytest.raises(MovedError):
            _save(waiting, season)
        waiting.end()
        holding.end()
    impatient.dispose()


def _save(transaction: Transaction, season: Season) -> None:
    transaction.begin()
    SqlSeasons(transaction).save(season)


def test_a_reader_does_not_wait_for_a_writer(work: SqlWork, season: Season) -> None:
    with work.writing() as writer:
        writer.seasons.save(season)
        with work.reading() as reader:
            assert reader.seasons.current() == season


_SLEEP = {"postgresql": "SELECT pg_sleep(5)", "mysql": "SELECT SLEEP(5) FROM season"}


# SQLite runs inside the process: it has no statement limit and no server that could restart.
on_servers = pytest.mark.parametrize(
    "database_url",
    [
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
    indirect=True,
)


@on_servers
@pytest.mark.usefixtures("season")
def test_a_statement_that_takes_too_long_is_stopped(engine: Engine) -> None:
    impatient = open_engine(engine.url.render_as_string(hide_password=False), timeouts=Timeouts(statement=0.2))
    with impatient.connect() as connection, pytest.raises(StoreError):
        Transaction(connection).row(text(_SLEEP[engine.name]))
    impatient.dispose()


_KILL = {
    "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "KILL",
}


@on_servers
def test_connections_that_died_while_idle_are_replaced_unnoticed(engine: Engine, work: SqlWork, season: Season) -> None:
    for unit_of in (work.reading, work.writing):
        with unit_of() as unit:
            unit.seasons.current()
        _kill_all_others(engine)
        with unit_of() as unit:
            assert unit.seasons.current() == season


def _kill_all_others(engine: Engine) -> None:
    killer = open_engine(engine.url.render_as_string(hide_password=False))
    with killer.connect() as connection:
        if engine.name == "postgresql":
            connection.execute(text(_KILL["postgresql"]))
        else:
            listed = text(
                "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
            )
            for id_ in connection.execute(listed).scalars().all():
                connection.execute(text(f"KILL {id_}"))
    killer.dispose()


@on_servers
def test_a_connection_that_breaks_inside_a_unit_loses_the_whole_unit(
    engine: Engine, work: SqlWork, season: Season
) -> None:
    with work.writing() as unit:
        unit.seasons.save(season)
        _kill_all_others(engine)
        with pytest.raises(StoreError):
            unit.commit()
    with work.reading() as unit:
        assert unit.seasons.current() == season  # version 1: the second save did not happen


def test_times_are_utc_and_transactions_read_committed(engine: Engine) -> None:
    words = {
        "sqlite": ("PRAGMA journal_mode", "wal"),
        "postgresql": ("SHOW transaction_isolation", "read committed"),
        "mysql": ("SELECT @@tx_isolation", "READ-COMMITTED"),
    }
    statement, expected = words[engine.name]
    with engine.connect() as connection:
        assert connection.execute(text(statement)).scalar() == expected
