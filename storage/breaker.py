"""The breaker (熔断): a database that does not answer is asked by one caller at a time, the others hear so at once.

Without it every thread of the server would stand in front of a frozen database until its own time ran out, and
nobody would be left to tell people so. It counts nothing and opens by itself: the first answer lets everybody in.
"""

from threading import Condition
from time import monotonic

from storage.faults import AwayError
from storage.patience import seconds_left

BREAKER = "quxiang_breaker"
"""The execution option of an engine under which its breaker is found."""

LEASE = 2.0
"""Seconds after which another caller may ask too: the first may hang on a connection that will never speak again."""
MOMENT = 0.3
"""Seconds the others wait for what that caller hears: when the database is back, nobody should be sent away."""


class Breaker:
    """Lets one caller at a time ask a database that is away (熔断器); shared by all threads of an engine."""

    __slots__ = ("_asked_until", "_heard", "_is_away")

    def __init__(self) -> None:
        self._heard = Condition()
        self._is_away = False
        self._asked_until = 0.0

    def admit(self) -> None:
        """Let the caller ask the database (放行).

        Raises:
            AwayError: it did not answer the last one who asked, and somebody is asking it again.
        """
        if not self._is_away:
            return
        with self._heard:
            until = monotonic() + seconds_left(MOMENT)
            while self._is_away:
                now = monotonic()
                if now >= self._asked_until:
                    self._asked_until = now + LEASE
                    return
                if now >= until:
                    raise AwayError("the database does not answer; somebody is asking it again")
                self._heard.wait(min(until, self._asked_until) - now)

    def failed(self) -> None:
        """It did not answer (无应答): from now on one caller at a time."""
        with self._heard:
            self._is_away, self._asked_until = True, 0.0
            self._heard.notify()

    def worked(self) -> None:
        """It answered (已恢复)."""
        if self._is_away:
            with self._heard:
                self._is_away = False
                self._heard.notify_all()
