from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.engine import open_engine
from storage.migrating import EncodingError, current_revision, head_revision, migrate
from storage.schema import metadata
from tests.load.own_database import own_database


def test_empty_to_head_equals_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert current_revision(engine) == head_revision() is not None


def test_everything_can_be_taken_back_and_done_again(engine: Engine, database_url: str) -> None:
    migrate(database_url, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert current_revision(engine) is None
    migrate(database_url)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_processes_that_start_at_once_migrate_once(engine: Engine, database_url: str) -> None:
    migrate(database_url, "base")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, [database_url] * 3))
    assert current_revision(engine) == head_revision()


# MariaDB commits each change of a table by itself.
@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
def test_a_migration_that_fails_leaves_nothing_behind(engine: Engine, database_url: str) -> None:
    migrate(database_url, "base")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE footstep (in_the_way INTEGER)"))
    with pytest.raises(DBAPIError):
        migrate(database_url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version", "footstep"}
    with engine.connect() as connection:
        connection.execute(text("DROP TABLE footstep"))
    migrate(database_url)
    assert current_revision(engine) == head_revision()


@pytest.mark.postgresql
@pytest.mark.usefixtures("postgresql_url")
def test_a_database_that_cannot_hold_chinese_is_refused_with_what_to_do() -> None:
    # As a PostgreSQL set up without a locale makes them.
    with own_database("ascii", "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'") as url:
        with pytest.raises(EncodingError, match=r"SQL_ASCII.*createdb --template=template0 --encoding=UTF8"):
            migrate(url)
        engine = open_engine(url)
        assert inspect(engine).get_table_names() == []
        engine.dispose()
