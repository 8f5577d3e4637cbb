"""Readiness (就绪检查): every check within one second, whatever hangs."""

import time
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from bot.errors import QuxiangError
from bot.ports import Clock
from handlers.settings import Settings
from handlers.watching import checks
from handlers.watching.checks import Finding, Findings, State
from handlers.watching.inquiry import Inquiry, NoAnswerError, Question
from handlers.wechat.calls import token_name
from storage.access_token import RedisTokens
from storage.engine import Timeouts
from storage.migrating import known_revisions
from storage.vital_signs import VitalSigns, read_vital_signs, try_to_write

BUDGET: Final = 0.8
"""Seconds for all checks together."""

PATIENCE: Final = Timeouts(connect=1.0, statement=0.6, lock=0.3, busy=0.3)
_AT_ONCE: Final = 3
CONNECTIONS: Final = _AT_ONCE * 2
"""Enough for questions that write and that read, also when some of them are lost."""

_UNSEEN: Final = Finding(State.DEGRADED, "数据库没有回答，看不到")
_SILENT: Final = Finding(State.FAILED, f"数据库在 {BUDGET} 秒内没有回答：请查它和到它的网络")
_NO_DISK: Final = Finding(State.DEGRADED, "磁盘没有回答：请查数据和密钥目录所在的磁盘")
_NO_REDIS: Final = Finding(State.DEGRADED, "Redis 连不上：办理不受影响，按编号查询会暂停；请查 Redis")

_Said = TypeVar("_Said")
_Other = TypeVar("_Other")


class _Seen(NamedTuple):
    revision: str | None
    signs: VitalSigns | None


class Readiness:
    """Answers whether this installation can serve (就绪检查); safe for threads.

    What the code needs is noted when it is made: new files laid beside a running process are not what that runs.

    Args:
        settings: checked settings.
        engine: of its own, with ``PATIENCE`` and ``CONNECTIONS``.
        clock: the time.
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Clock) -> None:
        self._clock = clock
        self._known = known_revisions()
        self._engine = engine
        self._token_name = token_name(settings.wechat.app_id)
        folders = _folders(engine, settings.keys.folder)
        self._writing = Inquiry(self._write, "readyz-write", most=_AT_ONCE)
        self._reading = Inquiry(self._read, "readyz-read", most=_AT_ONCE)
        self._disk = Inquiry(lambda: checks.disk(folders), "readyz-disk", most=_AT_ONCE)
        self._redis = _redis_inquiry(settings.redis.url.get_secret_value(), self._token_name)

    @property
    def revision(self) -> str:
        """Where the tables must stand for this code (所需版本)."""
        return self._known[-1]

    def look(self) -> Findings:
        """Run all checks at once (检查一遍)."""
        until = time.monotonic() + BUDGET
        writing, reading, disk = self._writing.ask(), self._reading.ask(), self._disk.ask()
        redis = self._redis.ask() if self._redis else None
        findings = {"database": _answer(writing, until, _SILENT)}
        token: datetime | None = None
        if redis is not None:
            found = _answer(redis, until, _NO_REDIS)
            findings["redis"] = found if isinstance(found, Finding) else Finding(State.OK)
            token = found if isinstance(found, datetime) else None
        findings |= self._judged(_answer(reading, until, None), token)
        return findings | {"disk": _answer(disk, until, _NO_DISK)}

    def _judged(self, seen: _Seen | None, token: datetime | None) -> Findings:
        if seen is None:
            return dict.fromkeys(("migrations", "worker", "access_token", "sending"), _UNSEEN)
        findings = {"migrations": checks.revision(seen.revision, self._known)}
        if (signs := seen.signs) is not None:
            now = self._clock()
            findings["worker"] = checks.worker(signs, now)
            findings["access_token"] = checks.token(token or signs.token_ends, signs, now)
            findings["sending"] = checks.sending(signs.halts)
        return findings

    # -- asked in threads of their own -----------------------------------------------------------------

    def _write(self) -> Finding:
        try:
            try_to_write(self._engine, self._clock())
        except QuxiangError as error:
            return checks.written(error)
        return checks.written(None)

    def _read(self) -> _Seen:
        return _Seen(*read_vital_signs(self._engine, self._clock(), self._token_name, self._known[:-1]))


def _redis_inquiry(url: str, token_name: str) -> Inquiry[datetime | None] | None:
    if not url:
        return None
    client = Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)

    def ask() -> datetime | None:
        client.ping()
        token = RedisTokens(client).read(token_name)
        return token.expires_at if token else None

    return Inquiry(ask, "readyz-redis", most=_AT_ONCE)


def _answer(question: Question[_Said], until: float, otherwise: _Other) -> _Said | _Other:
    try:
        return question.answer(until)
    except (NoAnswerError, QuxiangError, RedisError):
        return otherwise


def _folders(engine: Engine, keys: Path) -> tuple[Path, ...]:
    """Return where we write: the keys' folder, and the one of a database that is a file."""
    name = engine.url.database
    is_file = engine.dialect.name == "sqlite" and name not in {None, "", ":memory:"}
    return (keys, Path(str(name)).absolute().parent) if is_file else (keys,)
