"""The tries (登录次数): how often passwords and codes may be tried, over all processes; a right one is given back.

A try is charged before anything is compared, so that of any number of tries at once exactly as many go through as are
left. Windows begin with the clock (UTC), so that the wait told is the wait there is. Arithmetic: 30 tries an hour at
one name are 720 a day, from however many addresses; a code has a million values of which three are good, and 5 tries
in 15 minutes, which need the password first, are 480 a day: 0.0015 hits.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from bot.errors import QuxiangError
from bot.ports import Clock
from handlers.typed.budgets import block_of

_SPACE = "staff"


class TooManyError(QuxiangError):
    """There were too many tries (试得太多); the text says how long to wait."""


class UncountedError(QuxiangError):
    """Where tries are counted cannot be reached (计数不可用); nobody may guess uncounted, so nobody gets in."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds (限额): tries that were wrong, and minutes.

    Attributes:
        near: at one login name from one address block, so that a stranger elsewhere does not shut a colleague out.
        name: at one login name, from everywhere.
        block: from one address block, at all names; a campus may be one block.
        code: at the code (动态口令) of one account.
    """

    near: tuple[int, int] = (10, 15)
    name: tuple[int, int] = (30, 60)
    block: tuple[int, int] = (60, 60)
    code: tuple[int, int] = (5, 15)


@dataclass(frozen=True, slots=True)
class Charged:
    """A try that was charged (已计一次), with its counts, to be given back to where it was taken."""

    counts: tuple[tuple[RateLimitItem, tuple[str, str]], ...] = field(repr=False)


class Tries:
    """Counts tries (登录限次).

    Args:
        storage: shared by all processes; wraps its exceptions.
        clock: the present moment.
        secret: makes names and addresses unguessable in the storage.
        bounds: see Bounds.
    """

    def __init__(self, storage: Storage, clock: Clock, secret: bytes, bounds: Bounds | None = None) -> None:
        self._limiter = FixedWindowRateLimiter(storage)
        self._clock = clock
        self._secret = secret
        bounds = bounds or Bounds()
        of = (bounds.near, bounds.name, bounds.block, bounds.code)
        self._near, self._name, self._block, self._code = (
            RateLimitItemPerMinute(tries, minutes, _SPACE) for tries, minutes in of
        )

    def password(self, login: str, address: str) -> Charged:
        """Charge a try at a password (试密码), whether anybody has the login name or not.

        Raises:
            TooManyError: there is none left.
            UncountedError: the counts are away.
        """
        block = block_of(address)
        return self._charge(
            (self._near, f"near {block} {login}"), (self._block, f"block {block}"), (self._name, f"name {login}")
        )

    def code(self, account_id: str) -> Charged:
        """Charge a try at the code of an account (试动态口令).

        Raises:
            TooManyError: there is none left.
            UncountedError: the counts are away.
        """
        return self._charge((self._code, f"code {account_id}"))

    def give_back(self, charged: Charged) -> None:
        """Give a try back (退还) that was right; if the counts are away now, it stays charged."""
        try:
            for item, names in charged.counts:
                self._limiter.hit(item, *names, cost=-1)
        except StorageError:
            return

    def _charge(self, *wanted: tuple[RateLimitItem, str]) -> Charged:
        # The narrowest comes first: what it refuses costs the wider ones nothing.
        moment = int(self._clock().timestamp())
        counts = []
        for item, name in wanted:
            length = item.get_expiry()
            # The window is part of the name: what is given back late cannot make the next window larger.
            names = (hmac.digest(self._secret, name.encode(), hashlib.sha256).hex(), str(moment // length))
            if not self._hit(item, names):
                raise TooManyError(_wait(length - moment % length))
            counts.append((item, names))
        return Charged(tuple(counts))

    def _hit(self, item: RateLimitItem, names: tuple[str, str]) -> bool:
        try:
            return self._limiter.hit(item, *names)
        except StorageError:
            is_away = True
        if is_away:  # outside the except: the error of the storage quotes its address
            raise UncountedError("现在数不了登录次数，为了安全暂时不能登录。请过几分钟再试；一直这样请联系管理员。")
        return False


def _wait(seconds: int) -> str:
    return f"试错的次数太多了，请过 {-(-seconds // 60)} 分钟再试。忘记密码或换了手机，请找本校管理员重置。"
