"""Reports (任务完成事件): what the platform tells later about a message, on time, early, late, twice or never."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from handlers.sandbox.account import SandboxError
from handlers.sandbox.markup import Value

MODES = ("prompt", "early", "held", "lost")
PAUSE = 0.05  # a prompt report must not overtake the answer of the call that caused it
WORKERS = 4

Fields = Mapping[str, Value]


class Reports:
    """Delivers reports nobody waits for, a few at a time. Safe for threads.

    Args:
        deliver: pushes one event; its answer shows nowhere.
    """

    def __init__(self, deliver: Callable[[Fields], object]) -> None:
        self._deliver = deliver
        self._mode = "prompt"
        self._held: list[Fields] = []
        self._waiting: deque[tuple[float, Fields]] = deque()
        self._change = threading.Condition()
        self._busy = 0
        self._workers = 0
        self._closed = False

    @property
    def mode(self) -> str:
        """``prompt``: soon after the answer; ``early``: before it; ``held``: when released; ``lost``: never."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        if mode not in MODES:
            raise SandboxError("reports are prompt, early, held or lost")
        self._mode = mode

    def tell(self, fields: Fields) -> None:
        """Report what became of a message, in the way of the mode."""
        if self._mode == "early":
            self._deliver(fields)
        elif self._mode == "held":
            with self._change:
                self._held.append(fields)
        elif self._mode == "prompt":
            self._queue([fields], PAUSE)

    def release(self, seed: int | None = None, double: float = 0.0) -> int:
        """Deliver what was held and return how many reports that are.

        Args:
            seed: shuffles them; None keeps their order.
            double: the share of them that comes twice.
        """
        dice = random.Random(seed)  # noqa: S311 - chaos that can be repeated, no secret
        with self._change:
            held, self._held = self._held, []
        told = [*held, *(fields for fields in held if dice.random() < double)]
        if seed is not None:
            dice.shuffle(told)
        self._queue(told, 0.0)
        return len(told)

    def settle(self, seconds: float) -> bool:
        """Wait until all that is under way has been delivered; False when nothing moves for so many seconds."""
        with self._change:
            while self._waiting or self._busy:
                if not self._change.wait(seconds):
                    return False
            return True

    def close(self) -> None:
        """Drop what has not gone out and send the workers home."""
        with self._change:
            self._closed = True
            self._waiting.clear()
            self._held.clear()
            self._change.notify_all()

    def _queue(self, told: list[Fields], pause: float) -> None:
        due = time.monotonic() + pause
        with self._change:
            if self._closed:
                return
            self._waiting.extend((due, fields) for fields in told)
            self._change.notify_all()
            while self._workers < min(WORKERS, len(self._waiting) + self._busy):
                self._workers += 1
                threading.Thread(target=self._work, daemon=True, name="sandbox-report").start()

    def _work(self) -> None:
        try:
            while (task := self._next()) is not None:
                due, fields = task
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    self._deliver(fields)
                finally:
                    with self._change:
                        self._busy -= 1
                        self._change.notify_all()
        finally:
            with self._change:
                self._workers -= 1

    def _next(self) -> tuple[float, Fields] | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._busy += 1
            return self._waiting.popleft()
