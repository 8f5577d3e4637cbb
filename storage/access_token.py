"""The platform's access token (access_token): one for all threads and processes, fetched by one of them at a time.

SQL is the embedded default; Redis spares the database where there is one and may vanish at any moment. The token lies
there in clear: it lives two hours and is worth nothing outside the platform's IP whitelist.
"""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import BigInteger, Column, Engine, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.ports import Clock

_log = logging.getLogger(__name__)

# A token this close to its end is fetched anew. The platform may grant as little as five minutes (it renews five
# minutes early and keeps the old token as long), so a longer margin would fetch on every call.
_MARGIN = timedelta(seconds=60)
# Longer than any fetch with its time-outs takes; after it a dead process's claim is void.
_LEASE = timedelta(seconds=20)
_PAUSE = 0.05
_LEFT_ALONE = 2.0  # seconds for which a Redis that failed is not asked


@dataclass(frozen=True, slots=True)
class Token:
    """An access token (凭证) and when it ends."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as the platform grants it (凭证与有效期)."""

    value: str = field(repr=False)
    lifetime: timedelta


class TokenStore(Protocol):
    """Where tokens lie (凭证存储), seen by every process; names tell several accounts apart."""

    def read(self, name: str) -> Token | None:
        """The stored token, whether still good or not; None before the first."""

    def save(self, name: str, token: Token) -> None:
        """Store the token."""

    def claim(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take the right to fetch, if nobody holds it; it ends at ``until`` by itself."""

    def release(self, name: str, owner: str) -> None:
        """Give the right back, if ``owner`` still holds it."""


class AccessTokens:
    """Hands out the token in force (取凭证), fetching it at most once at a time over all threads and processes."""

    def __init__(self, store: TokenStore, clock: Clock, wait_seconds: float = 10) -> None:
        self._store = store
        self._clock = clock
        self._wait_seconds = wait_seconds
        self._flight = threading.Lock()

    def token(self, name: str, fetch: Callable[[], Grant], refused: str = "") -> str:
        """The token in force.

        Args:
            name: which token, at most 64 characters.
            fetch: asks the platform; what it raises passes through, and the next caller may try.
            refused: a token the platform has just refused; it is not returned from the store. If another caller has
                replaced it meanwhile, nothing is fetched.
        """
        cached = self._cached(name, refused)
        if cached:
            return cached
        # The threads of one process queue here, so that only one of them polls the store.
        with self._flight:
            return self._fly(name, fetch, refused)

    def _cached(self, name: str, refused: str) -> str:
        token = self._store.read(name)
        if token is None or token.value == refused or token.expires_at - self._clock() <= _MARGIN:
            return ""
        return token.value

    def _fly(self, name: str, fetch: Callable[[], Grant], refused: str) -> str:
        owner = secrets.token_hex(16)
        patience_ends = time.monotonic() + self._wait_seconds
        while time.monotonic() < patience_ends:
            now = self._clock()
            if self._store.claim(name, owner, now, now + _LEASE):
                try:
                    # The previous owner may have saved between our look and our claim: look again.
                    return self._cached(name, refused) or self._fetch(name, fetch)
                finally:
                    self._store.release(name, owner)
            time.sleep(_PAUSE)
            cached = self._cached(name, refused)
            if cached:
                return cached
        # Somebody fetches for too long. stable_token gives everybody the same token, so asking twice does no harm.
        return self._fetch(name, fetch)

    def _fetch(self, name: str, fetch: Callable[[], Grant]) -> str:
        asked_at = self._clock()
        grant = fetch()
        self._store.save(name, Token(grant.value, asked_at + grant.lifetime))
        return grant.value


def access_token_table(metadata: MetaData) -> Table:
    """The table ``access_token`` (凭证表), attached to ``metadata`` once; times are whole seconds since the epoch."""
    existing = metadata.tables.get("access_token")
    if existing is not None:
        return existing
    return Table(
        "access_token",
        metadata,
        Column("name", String(64), primary_key=True),
        # The platform asks for room for 512 characters at least.
        Column("value", String(1024), nullable=False),
        Column("expires_at", BigInteger, nullable=False),
        Column("lock_owner", String(32), nullable=False),
        Column("lock_until", BigInteger, nullable=False),
    )


class SqlTokens:
    """Tokens in the database (数据库凭证存储)."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self._table = table

    def read(self, name: str) -> Token | None:
        """The stored token; None before the first."""
        columns = self._table.c
        with self._engine.connect() as connection:
            row = connection.execute(select(columns.value, columns.expires_at).where(columns.name == name)).first()
        return Token(row.value, datetime.fromtimestamp(row.expires_at, UTC)) if row and row.value else None

    def save(self, name: str, token: Token) -> None:
        """Store the token; the row is there already, because ``claim`` made it."""
        values = {"value": token.value, "expires_at": int(token.expires_at.timestamp())}
        with self._engine.begin() as connection:
            connection.execute(update(self._table).where(self._table.c.name == name).values(values))

    def claim(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take the right to fetch by a conditional update: the row count says who won."""
        columns = self._table.c
        mine = {"lock_owner": owner, "lock_until": int(until.timestamp())}
        free = update(self._table).where(columns.name == name, columns.lock_until <= int(now.timestamp()))
        with self._engine.begin() as connection:
            if connection.execute(free.values(mine)).rowcount == 1:
                return True
            if connection.execute(select(columns.name).where(columns.name == name)).first():
                return False
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(self._table).values(name=name, value="", expires_at=0, **mine))
        except IntegrityError:
            return False  # somebody else made the first row, and owns it
        return True

    def release(self, name: str, owner: str) -> None:
        """Give the right back, if still held."""
        held = update(self._table).where(self._table.c.name == name, self._table.c.lock_owner == owner)
        with self._engine.begin() as connection:
            connection.execute(held.values(lock_owner="", lock_until=0))


class RedisTokens:
    """Tokens in Redis (Redis 凭证存储); when Redis is away, each process keeps its own and fetches without a lock."""

    # Compare and delete in one step: a claim that ran out may be somebody else's by now.
    _RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"

    def __init__(self, client: Redis, prefix: str = "quxiang:access_token:") -> None:
        self._client = client
        self._prefix = prefix
        self._own: dict[str, Token] = {}
        self._asked_again_at = 0.0

    @classmethod
    def at(cls, url: str) -> "RedisTokens":
        """Over a client of its own, whose time-outs are short because Redis may be lost at any moment.

        It tries twice, because a connection kept open may have died with the Redis of yesterday. Left to itself, the
        client would try eleven times, and a frozen Redis would cost six seconds instead of one.
        """
        once_more = Retry(NoBackoff(), 1)
        return cls(Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5, retry=once_more))

    def read(self, name: str) -> Token | None:
        """The stored token; this process's own when Redis is away or has lost it."""
        stored = self._ask(lambda: self._client.get(self._prefix + name))
        if not isinstance(stored, (bytes, str)):
            return self._own.get(name)
        value, expires_at = json.loads(stored)
        return Token(value, datetime.fromtimestamp(expires_at, UTC))

    def save(self, name: str, token: Token) -> None:
        """Store the token until it ends."""
        self._own[name] = token
        ends = int(token.expires_at.timestamp())
        self._ask(lambda: self._client.set(self._prefix + name, json.dumps([token.value, ends]), exat=ends))

    def claim(self, name: str, owner: str, now: datetime, until: datetime) -> bool:
        """Take the right to fetch; without Redis everybody has it."""
        lease = max(1, int((until - now).total_seconds()))
        lock = f"{self._prefix}{name}:lock"
        return bool(self._ask(lambda: self._client.set(lock, owner, nx=True, ex=lease), otherwise=True))

    def release(self, name: str, owner: str) -> None:
        """Give the right back, if still held."""
        self._ask(lambda: self._client.eval(self._RELEASE, 1, f"{self._prefix}{name}:lock", owner))

    def _ask(self, question: Callable[[], object], *, otherwise: object = None) -> object:
        """Ask Redis; once it has failed, not again for some seconds, or every message we send would wait for it."""
        if time.monotonic() < self._asked_again_at:
            return otherwise
        try:
            return question()
        except RedisError as error:
            self._asked_again_at = time.monotonic() + _LEFT_ALONE
            # Its text may hold the address, the class says enough.
            _log.warning("Redis is away, this process keeps its own access token: %s", type(error).__name__)
            return otherwise
