"""The budgets of misses (查错限额): how often a wrong pair of number and name is let through, over all processes.

Arithmetic. Of 9 × 10⁷ numbers 50,000 are live, so a number guessed is live once in 1,800 times; a full name fits it
once in 10,000 (assumed), the commonest surname once in 12. Misses an hour in total bound a day of guessing, from
however many addresses: 1,000 an hour are 24,000 a day and 24,000 ÷ 1,800 ÷ 10,000 = 0.0013 hits; if names were as easy
as surnames it would be one. Honest people stay far below: 1,000 look-ups in a busy hour with every twentieth mistyped
are 50 misses. The block's budget keeps one network from using up what all share; the number's keeps whoever knows a
number from trying names at it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour
from limits.errors import StorageError
from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from bot.errors import QuxiangError
from bot.ports import Clock

_SPACE = "verify"


class AwayError(QuxiangError):
    """Where the counts are kept cannot be reached (计数不可用); nobody may guess uncounted, so nobody may look up."""


class Heat(Enum):
    """How many misses the whole site has in this hour (全站压力)."""

    CALM = auto()
    PAUSE = auto()  # more than honest people make: everybody pauses before a lookup
    CLOSED = auto()


@dataclass(frozen=True, slots=True)
class Bounds:
    """The budgets (限额), in misses.

    Attributes:
        per_block: of one address block in an hour.
        per_number: of one number in a day, whether it exists or not.
        in_total: of everybody in an hour.
        pause_above: of everybody in an hour, after which every lookup needs a pause.
    """

    per_block: int = 30
    per_number: int = 10
    in_total: int = 1000
    pause_above: int = 200


@dataclass(frozen=True, slots=True)
class Attempt:
    """One lookup's place in the books (一次尝试): its counts, so that a hit gives back to where it was taken.

    Attributes:
        block: unguessable name of the address block.
        counts: each budget with the name of its count.
    """

    block: str = field(repr=False)
    counts: tuple[tuple[RateLimitItem, tuple[str, ...]], ...] = field(repr=False)


class Budgets:
    """Counts misses (限额计数) on storage that all processes share.

    An attempt is charged before anything is looked up and paid back if it was a hit: of any number of attempts at
    once exactly as many go through as the budget has left. Windows begin with the hour and the day of UTC.

    Args:
        storage: see ``shared_storage``; wraps its exceptions.
        bounds: the budgets.
        clock: the present moment.
        secret: makes addresses and numbers unguessable in the storage; there are few enough of both to try them all.

    Raises:
        AwayError: from every method but ``attempt``, if the storage cannot be reached.
    """

    def __init__(self, storage: Storage, bounds: Bounds, clock: Clock, secret: bytes) -> None:
        self._storage = storage
        self._limiter = FixedWindowRateLimiter(storage)
        self._bounds = bounds
        self._clock = clock
        self._secret = secret
        self._everybody = self._blind("everybody")
        self._per_block = RateLimitItemPerHour(bounds.per_block, 1, _SPACE)
        self._per_number = RateLimitItemPerDay(bounds.per_number, 1, _SPACE)
        self._in_total = RateLimitItemPerHour(bounds.in_total, 1, _SPACE)

    def heat(self) -> Heat:
        """Return how the site stands (全站压力)."""
        with _told():
            item, names = self._count(self._in_total, self._everybody)
            misses = self._storage.get(item.key_for(*names))
        if misses >= self._bounds.in_total:
            return Heat.CLOSED
        return Heat.PAUSE if misses >= self._bounds.pause_above else Heat.CALM

    def attempt(self, address: str, number: str) -> Attempt:
        """Return the attempt (一次尝试) of a remote address at what was typed as a number; nothing is counted yet."""
        block = self._blind(f"block {block_of(address)}")
        counts = (
            self._count(self._per_block, block),
            self._count(self._per_number, self._blind(f"number {number}")),
            self._count(self._in_total, self._everybody),
        )
        return Attempt(block, counts)

    def has_room(self, attempt: Attempt) -> bool:
        """Return whether all budgets have something left (是否还有额度), taking nothing."""
        with _told():
            return all(self._limiter.test(item, *names) for item, names in attempt.counts)

    def charge(self, attempt: Attempt) -> bool:
        """Take one from each budget (扣额度), block first; False at the first that has nothing left.

        What was refused stays counted where it was refused, and before: it looks like a miss, so it costs one.
        """
        with _told():
            return all(self._limiter.hit(item, *names) for item, names in attempt.counts)

    def pay_back(self, attempt: Attempt) -> None:
        """Give back what a hit was charged (退额度)."""
        with _told():
            for item, names in attempt.counts:
                self._limiter.hit(item, *names, cost=-1)

    def spend(self, ticket: str, seconds: int) -> bool:
        """Use up a ticket that lives so many seconds (核销); False if it was used before, by any process."""
        with _told():
            return self._storage.incr(f"{_SPACE}/ticket/{ticket}", seconds) == 1

    def _count(self, item: RateLimitItem, name: str) -> tuple[RateLimitItem, tuple[str, ...]]:
        # The window is part of the name: what is paid back late cannot make the next window larger.
        window = int(self._clock().timestamp()) // item.get_expiry()
        return item, (name, str(window))

    def _blind(self, text: str) -> str:
        return hmac.digest(self._secret, text.encode(), hashlib.sha256).hex()


def shared_storage(redis_url: str, otherwise: Storage) -> Storage:
    """Return where all processes count (共享计数): Redis if there is an address, else the storage given."""
    if not redis_url:
        return otherwise
    return RedisStorage(
        redis_url, key_prefix="quxiang", wrap_exceptions=True, socket_timeout=0.5, socket_connect_timeout=0.5
    )


def block_of(address: str) -> str:
    """Return the block of an address (地址段): IPv4 /24, IPv6 /48; IPv4 written as IPv6 is IPv4; "" if it is none."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        kind = type(error.storage_error).__name__
    else:
        return
    raise AwayError(f"the counts of misses cannot be reached: {kind}")
