"""The slots (发送时刻) of one process: its threads share what was reserved from the pace of all processes."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.notices.pacing import LATE
from bot.notices.ports import Pace
from bot.ports import Clock

_PATIENCE = timedelta(seconds=1)


@dataclass(slots=True)
class Slots:
    """Hands out slots, one for one call (排队发送); safe for threads.

    Attributes:
        pace: reserves slots for all processes.
        clock: the present moment.
        pause: waits so many seconds; True if it is time to stop.
        most: how many to reserve at a time; as many as there are threads.
    """

    pace: Pace
    clock: Clock
    pause: Callable[[float], bool]
    most: int = 4
    _slots: deque[datetime] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def my_turn(self) -> bool:
        """Wait for the next slot (等待时刻); False if there is none within a second, or it is time to stop.

        A slot that has passed by the time one is awake is thrown away: two calls in one slot's time would be a crowd.
        """
        while True:
            slot = self._next()
            if slot is None:
                return False
            wait = (slot - self.clock()).total_seconds()
            if wait > 0 and self.pause(wait):
                return False
            if self.clock() - slot <= LATE:
                return True

    def _next(self) -> datetime | None:
        with self._lock:
            now = self.clock()
            while self._slots and now - self._slots[0] > LATE:
                self._slots.popleft()
            if not self._slots:
                self._slots.extend(self.pace.reserve(now, self.most))
            if self._slots[0] - now > _PATIENCE:
                return None  # it stays for whoever comes later
            return self._slots.popleft()
