"""What /readyz says in every kind of trouble, and that it always says it within a second."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, event, make_url, text

from bot.notices.delivery import Channel
from bot.notices.scene import Halt
from handlers.installation import Installation
from handlers.watching import checks
from storage.access_token import SqlTokens, Token
from storage.migrating import known_revisions, migrate
from storage.tables import access_token, limit_count
from tests.conftest import SERVERS
from tests.handlers.watching.conftest import House

Open = Callable[..., House]


def report(installation: Installation, age: timedelta = timedelta()) -> None:
    with installation.work.writing() as uow:
        uow.beats.beat(datetime.now(UTC) - age)
        uow.commit()


def stand_at(house: House, revision: str) -> None:
    with house.installation.engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


def test_everything_is_well_on_every_database(open_house: Open, database_url: str) -> None:
    house = open_house(database_url)
    report(house.installation)
    status, told = house.looks()
    assert status == 200
    assert json.loads(told)["state"] == "ok", told
    assert house.checks().keys() == {"database", "migrations", "worker", "access_token", "sending", "disk"}


def test_trying_to_write_leaves_no_row_behind(open_house: Open, database_url: str) -> None:
    house = open_house(database_url)
    for _ in range(3):
        assert house.checks()["database"] == ("ok", "")
    with house.installation.engine.connect() as connection:
        assert connection.execute(limit_count.select()).all() == []


def test_a_database_that_only_reads_is_not_ready(house: House) -> None:
    def only_read(connection: object, *_: object) -> None:
        connection.execute("PRAGMA query_only=ON")  # type: ignore[attr-defined]  # SQLite's own connection

    event.listen(Engine, "connect", only_read)
    try:
        status, told = house.looks()
    finally:
        event.remove(Engine, "connect", only_read)
    assert status == 503
    assert "写不进去" in told


def test_sqlite_written_by_somebody_else_for_long_is_busy_and_not_broken(house: House) -> None:
    report(house.installation)
    with house.installation.work.writing():
        status, told = house.looks()
    assert status == 200
    assert "长时间写入" in told
    assert house.checks()["database"][0] == "ok"


def test_tables_of_older_code_are_not_ready_and_of_newer_code_are(house: House) -> None:
    report(house.installation)
    url, older = str(house.installation.engine.url), known_revisions()[-2]
    stand_at(house, "9999")
    status, told = house.looks()
    assert status == 200, "a deploy migrates first, and the old processes serve on"
    assert "比这个程序新" in told
    stand_at(house, known_revisions()[-1])
    migrate(url, older)
    status, told = house.looks()
    assert status == 503
    assert f"数据库在版本 {older}，程序需要 {known_revisions()[-1]}：请运行 quxiang migrate" in told
    migrate(url, "base")
    status, told = house.looks()
    assert status == 503
    assert "数据库在版本 空" in told


def test_no_worker_for_a_while_is_told_and_keeps_nobody_from_being_answered(house: House) -> None:
    assert "还没有后台报到过" in house.checks()["worker"][1]
    report(house.installation, timedelta(minutes=5))
    status, told = house.looks()
    assert status == 200
    assert json.loads(told)["state"] == "degraded"
    assert "300 秒前报到" in told or "301 秒前报到" in told
    report(house.installation)
    assert house.checks()["worker"][0] == "ok"


def test_a_token_is_missed_only_by_those_who_wait_for_one(house: House) -> None:
    assert house.checks()["access_token"] == ("ok", "现在没有有效的 access_token，下次要用时再取")
    installation, now = house.installation, datetime.now(UTC)
    tokens, name = SqlTokens(installation.engine, access_token), f"wechat:{installation.settings.wechat.app_id}"
    tokens.claim(name, "me", now, now)
    tokens.save(name, Token("a-very-secret-token", now + timedelta(hours=1)))
    state, said = house.checks()["access_token"]
    assert state == "ok"
    assert "有效" in said
    assert "a-very-secret-token" not in house.looks()[1]
    signs = SimpleNamespace(oldest_due=now - timedelta(minutes=3))
    assert checks.token(now - timedelta(1), signs, now).state is checks.State.DEGRADED  # type: ignore[arg-type]  # all it looks at


def test_halts_are_named_without_what_the_platform_said(house: House) -> None:
    now = datetime.now(UTC)
    with house.installation.work.writing() as uow:
        uow.halts.put(Halt(Channel.TEMPLATE, None, 45009, "words of the platform", now))
        uow.halts.put(Halt(Channel.SERVICE, now - timedelta(1), 45009, "over", now))
        uow.commit()
    state, said = house.checks()["sending"]
    assert state == "degraded"
    assert Channel.TEMPLATE.value in said
    assert Channel.SERVICE.value not in said
    assert "words" not in said


@pytest.mark.parametrize(("free", "state"), [(50, "ok"), (9, "degraded"), (1, "failed")])
def test_a_disk_that_fills_up_is_told(house: House, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=free, f_blocks=100))
    assert house.checks()["disk"][0] == state


def test_lost_redis_degrades_and_never_fails(open_house: Open, sqlite_url: str) -> None:
    house = open_house(sqlite_url, QUXIANG_REDIS__URL="redis://127.0.0.1:1/0")
    report(house.installation)
    status, told = house.looks()
    assert status == 200
    assert json.loads(told)["checks"]["redis"]["state"] == "degraded"


@pytest.mark.redis
def test_redis_that_is_there_is_asked_for_the_token(open_house: Open, sqlite_url: str) -> None:
    house = open_house(sqlite_url, QUXIANG_REDIS__URL=SERVERS["redis"])
    assert house.checks()["redis"][0] == "ok"


class Line:
    """A line to a server that can be frozen: nothing passes, nothing is refused."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Let nothing pass any more."""
        self._flows.clear()

    def thaw(self) -> None:
        """Let everything pass again, what was held up first."""
        self._flows.set()

    def close(self) -> None:
        """Take no more calls."""
        self.thaw()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                self._flows.wait(60)
                sink.sendall(piece)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                end.close()


@contextmanager
def line_to(url: str) -> Iterator[tuple[Line, str]]:
    place = make_url(url)
    line = Line(place.host or "127.0.0.1", place.port or (3306 if "my" in place.drivername else 5432))
    try:
        yield line, place.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    finally:
        line.close()


@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)],
    indirect=True,
)
def test_a_frozen_database_is_told_within_a_second_however_often_one_asks(open_house: Open, database_url: str) -> None:
    with line_to(database_url) as (line, url):
        house = open_house(url)
        report(house.installation)
        assert json.loads(house.looks()[1])["state"] == "ok"
        line.freeze()
        took = []
        for _ in range(4):
            began = time.monotonic()
            status, told = house.looks()
            took.append(time.monotonic() - began)
            assert status == 503
            assert "没有回答" in told
        assert max(took) < 1.0
        assert sum(thread.name.startswith("readyz") for thread in threading.enumerate()) <= 6
        line.thaw()
        end = time.monotonic() + 15
        while house.looks()[0] != 200:
            assert time.monotonic() < end, "it did not notice that the database is back"
            time.sleep(0.2)


def test_health_asks_nothing_and_nobody(open_house: Open, tmp_path: Path) -> None:
    house = open_house(f"sqlite:///{tmp_path}/nowhere/at/all.db")
    assert house.looks("/healthz", at="203.0.113.9") == (200, "ok")
    assert house.looks()[0] == 503


def test_who_is_not_of_our_networks_finds_nothing_there(open_house: Open, sqlite_url: str) -> None:
    house = open_house(sqlite_url, QUXIANG_SERVER__METRICS_FROM="127.0.0.1/32, 10.1.0.0/16,2001:db8::/32")
    for path in ("/readyz", "/metrics"):
        for address in ("127.0.0.1", "10.1.200.3", "::ffff:10.1.2.3", "2001:db8::1"):
            assert house.looks(path, at=address)[0] == 200, address
        for address in ("10.2.0.1", "203.0.113.9", "2001:db9::1", "::1", ""):
            assert house.looks(path, at=address)[0] == 404, address
        assert "页面" in house.looks(path, at="203.0.113.9")[1], "it looks like any address that nobody has"


def test_an_address_a_visitor_made_up_is_not_believed(open_house: Open, sqlite_url: str) -> None:
    """Our own proxy is the last to add to X-Forwarded-For; what stands before was written by the visitor."""
    one = open_house(sqlite_url, QUXIANG_SERVER__PROXIES="1")
    assert one.looks(forwarded="127.0.0.1, 203.0.113.9")[0] == 404, "through the proxy"
    assert one.looks(at="203.0.113.9", forwarded="127.0.0.1")[0] == 404, "past the proxy"
    assert one.looks(forwarded="203.0.113.9, 127.0.0.1")[0] == 200
    assert one.looks()[0] == 200, "Prometheus on this machine goes past the proxy"
    two = open_house(sqlite_url, QUXIANG_SERVER__PROXIES="2")
    assert two.looks(forwarded="127.0.0.1, 203.0.113.9, 127.0.0.1")[0] == 404
    none = open_house(sqlite_url, QUXIANG_SERVER__PROXIES="0")
    assert none.looks(forwarded="203.0.113.9")[0] == 200, "without a proxy the header counts for nothing"
    assert none.looks(at="203.0.113.9", forwarded="127.0.0.1")[0] == 404
