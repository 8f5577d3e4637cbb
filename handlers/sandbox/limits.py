"""What the platform allows (调用额度与频率): calls of a path in a day and in a second; counted in memory only."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from handlers.sandbox.account import SandboxError

USUAL_QUOTA = 100_000  # what is told of a path nobody set a quota for
QUOTA_CODE, RATE_CODE = 45009, 45011
DAY, SHANGHAI = 86400, 8 * 3600  # the platform's day begins at midnight in China
MOST_TIMES = 200_000


@dataclass(slots=True)
class _Path:
    """One path's limits and counts."""

    daily: int | None = None
    used: int = 0
    per_second: int | None = None
    code: int = RATE_CODE
    passed: deque[float] = field(default_factory=deque)  # calls let through in the last second
    arrived: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_TIMES))
    answers: Counter[str] = field(default_factory=Counter)


class Limits:
    """Quotas, hidden rate limits and a count of all calls, by path. Safe for threads.

    Args:
        clock: the platform's clock; a quota begins anew with its day. A second is a real second.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paths: defaultdict[str, _Path] = defaultdict(_Path)
        self._day = 0

    def set_quota(self, path: str, daily: int | None) -> None:
        """Allow so many calls a day (每日额度); None for no limit. What was used today stays used."""
        if daily is not None and daily < 0:
            raise SandboxError("a quota is not negative")
        with self._lock:
            self._paths[path].daily = daily

    def limit_rate(self, path: str, per_second: int | None, code: int = RATE_CODE) -> None:
        """Let so many calls through in any second (频率限制), refuse the others with the code; None for no limit."""
        if per_second is not None and per_second < 1:
            raise SandboxError("a rate is at least one a second")
        with self._lock:
            self._paths[path].per_second, self._paths[path].code = per_second, code

    def arrive(self, path: str) -> None:
        """Note that somebody calls, whatever comes of it."""
        with self._lock:
            self._paths[path].arrived.append(time.monotonic())

    def admit(self, path: str) -> int:
        """Let a call through, 0, or tell the code it is refused with; only what is let through counts."""
        now = time.monotonic()
        with self._lock:
            self._turn_day()
            each = self._paths[path]
            if each.daily is not None and each.used >= each.daily:
                return QUOTA_CODE
            if each.per_second is not None:
                while each.passed and now - each.passed[0] >= 1:
                    each.passed.popleft()
                if len(each.passed) >= each.per_second:
                    return each.code
                each.passed.append(now)
            each.used += 1
            return 0

    def answered(self, path: str, how: str) -> None:
        """Note what a call came to: its errcode as text, or ``lost``."""
        with self._lock:
            self._paths[path].answers[how] += 1

    def quota(self, path: str) -> tuple[int, int]:
        """How many calls a day are allowed, and how many were made today."""
        with self._lock:
            self._turn_day()
            each = self._paths[path]
            return USUAL_QUOTA if each.daily is None else each.daily, each.used

    def clear_quota(self) -> None:
        """Forget what was used today, of every path (清零调用次数)."""
        with self._lock:
            for each in self._paths.values():
                each.used = 0

    def tally(self, path: str) -> Counter[str]:
        """How often a call of this path came to which errcode, or was ``lost``."""
        with self._lock:
            return Counter(self._paths[path].answers)

    def busiest_second(self, path: str) -> int:
        """The most calls of this path that arrived within any second, refused ones included."""
        with self._lock:
            times = tuple(self._paths[path].arrived)
        most, first = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
        return most

    def _turn_day(self) -> None:
        day = int(self._clock() + SHANGHAI) // DAY
        if day != self._day:
            self._day = day
            for each in self._paths.values():
                each.used = 0
