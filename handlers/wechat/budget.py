"""The five seconds (五秒之内): what a push may cost, and what is said, or not said, when that is not enough.

The platform gives a push up after five seconds and pushes the same message again, three times in all; a graduate to
whom nobody answered sees its fault banner. So nothing here takes longer than the budget: whoever works on a message
has a patience, the work has a number of seats, and when the answer is not there in time,

* we say nothing as long as another push is to come: a database that was away for some seconds has the real answer by
  then. Nothing is really nothing, a connection that stays open: an early error page would be shown as a fault.
* we say so in a short sentence on the last push, when the trouble has outlasted all pushes of a message, and when we
  have been silent for too often, because a platform that is left waiting by many pushes shuts the door to everybody.

Nothing of what was stored before is lost either way; the sentence asks to send the last message once more.
"""

import errno
import os
import socket
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Semaphore
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from bot.conversation.incoming import Incoming
from bot.errors import QuxiangError
from bot.ports import Clock
from handlers.wechat.answer import Answer
from storage.patience import Patience

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

WITHIN = timedelta(minutes=5)
"""In which time the platform counts faults; at 30 of them it alarms the school, and may close the door for a minute."""
SILENCES, REPUSHES = 20, 9
"""How often all processes together may say nothing, and may refuse a report so that it is pushed again."""
_MOST_SILENCES, _MOST_REPUSHES = 8, 5
"""How often one process may, however few there are: each silence keeps a connection open."""
FORGOTTEN = timedelta(minutes=1)
"""Trouble of which nothing is heard for so long is over."""
STUCK = 0.5
"""Seconds in which nobody came or went while all seats were taken: whatever they wait for does not answer."""
HELD = 5.5
"""Seconds for which an unanswered connection is kept; the platform lets go of it after five."""
_REMEMBERED = 256

LATE = Counter("quxiang_wechat_late", "Pushes whose answer was not there in time, by what was done.", ["done"])


class CrowdedError(QuxiangError):
    """All seats are taken by messages that wait for something (忙不过来)."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What the answer to one push may cost (一次推送的预算).

    Attributes:
        seconds: for everything, from the request to the answer.
        seats: how many messages are worked on at once; some threads must be left to answer the others.
        silences, repushes: how often this process may say nothing, and may ask to have a report again.
    """

    seconds: float = 4.5
    seats: int = 12
    silences: int = _MOST_SILENCES
    repushes: int = _MOST_REPUSHES

    @classmethod
    def of(cls, seconds: float, threads: int, processes: int) -> "Budget":
        """Return the budget of one of so many processes: a quarter of its threads never works on messages.

        What the platform bears is shared out, at least one for each: from ten processes on, all silences and all
        refused reports together could reach it.
        """
        return cls(
            seconds,
            max(1, threads - max(2, threads // 4)),
            max(1, min(_MOST_SILENCES, SILENCES // processes)),
            max(1, min(_MOST_REPUSHES, REPUSHES // processes)),
        )


class Seats:
    """The seats of a process (席位). A seat comes with the patience of the budget.

    Raises:
        CrowdedError: on entering, when no seat gets free in half a second, or none has for that long already.
    """

    __slots__ = ("_free", "_moved_at", "_seconds")

    def __init__(self, budget: Budget) -> None:
        self._free = Semaphore(budget.seats)
        self._seconds = budget.seconds
        self._moved_at = 0.0

    def taken(self) -> "_Seat":
        """Take a seat for the ``with`` that follows (就座)."""
        return _Seat(self, self._seconds)

    def take(self) -> None:
        """Wait for a seat; quick while there are any."""
        if not self._free.acquire(blocking=False):
            pause = self._moved_at + STUCK - monotonic()
            if pause <= 0 or not self._free.acquire(timeout=pause):
                raise CrowdedError("every seat is taken by a message that waits")
        self._moved_at = monotonic()

    def leave(self) -> None:
        """Give the seat back."""
        self._moved_at = monotonic()
        self._free.release()


class _Seat(Patience):
    __slots__ = ("_seats",)

    def __init__(self, seats: Seats, seconds: float) -> None:
        super().__init__(seconds)
        self._seats = seats

    def __enter__(self) -> None:
        self._seats.take()
        super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self._seats.leave()


class Turns:
    """How often something may be done in a stretch of time (次数); threads may let one too many through.

    Args:
        clock: the present moment.
        most: how often.
        within: in which time.
    """

    def __init__(self, clock: Clock, most: int, within: timedelta) -> None:
        self._clock = clock
        self._within = within
        self._taken: deque[datetime] = deque(maxlen=most)

    def take(self) -> bool:
        """Take one more, if there is one."""
        now = self._clock()
        if len(self._taken) == self._taken.maxlen and now - self._taken[0] < self._within:
            return False
        self._taken.append(now)
        return True


class Lateness:
    """Decides between silence and a sentence (沉默或说明) for a message whose answer is not there in time."""

    def __init__(self, clock: Clock, budget: Budget) -> None:
        self._two_pushes = timedelta(seconds=2 * budget.seconds)
        self._silences = Turns(clock, budget.silences, WITHIN)
        self._trouble: tuple[datetime, datetime] | None = None  # since when, last noticed when
        self._unanswered: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def over(self) -> None:
        """A message was answered (恢复): the trouble, if there was any, is over."""
        self._trouble = None

    def is_silent(self, incoming: Incoming, came_at: datetime) -> bool:
        """Tell whether to say nothing to a push that came at that moment, so that the message is pushed again."""
        with self._lock:
            since = self._trouble[0] if self._trouble and came_at - self._trouble[1] < FORGOTTEN else came_at
            self._trouble = since, came_at
            is_hopeful = came_at - since < self._two_pushes and not self._is_last(incoming, came_at.timestamp())
            is_silent = is_hopeful and self._silences.take()
            if is_silent:
                self._unanswered[incoming.key] = self._unanswered.get(incoming.key, 0) + 1
                if len(self._unanswered) > _REMEMBERED:
                    self._unanswered.popitem(last=False)
        LATE.labels("silence" if is_silent else "sentence").inc()
        return is_silent

    def _is_last(self, incoming: Incoming, came_at: float) -> bool:
        """Two pushes are known to have passed, or the message was older than it can be at the second."""
        return came_at - incoming.at >= self._two_pushes.total_seconds() or self._unanswered.get(incoming.key, 0) >= 2


class Hold:
    """Connections that are not answered (不应答的连接): taken from the server, and kept open until nobody listens."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, socket.socket]] = deque(maxlen=_MOST_SILENCES)
        self._lock = Lock()

    def let_go(self) -> None:
        """Close what the platform has let go of by now; cheap, and called with every push."""
        while self._kept and self._kept[0][0] < monotonic():
            with self._lock:
                if self._kept and self._kept[0][0] < monotonic():
                    self._kept.popleft()[1].close()

    def keep(self, connection: socket.socket) -> None:
        """Take the connection away from the server, and leave it one whose other end has gone to close instead."""
        own = socket.socket(fileno=os.dup(connection.fileno()))
        blank, gone = socket.socketpair()
        gone.close()
        os.dup2(blank.fileno(), connection.fileno(), inheritable=False)
        blank.close()
        with self._lock:
            if len(self._kept) == _MOST_SILENCES:
                self._kept.popleft()[1].close()
            self._kept.append((monotonic() + HELD, own))


_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer at all (不应答), where the server gives its socket away; else 503 without a word."""

    hold: Hold
    status: int = 503

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Take the connection away, or answer."""
        for name in _SOCKETS:
            if name in environ:
                self.hold.keep(environ[name])
                # Both servers take this for a client that has gone, and write nothing.
                raise ConnectionResetError(errno.ECONNRESET, "the push is left unanswered")
        return Answer("", self.status)(environ, start_response)
