"""The inquiry (探询): asks something that may never answer, in a thread of its own, and waits no longer than told."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Said = TypeVar("Said")


class NoAnswerError(Exception):
    """Nobody answered in time (没有回答)."""


class Question(Generic[Said]):
    """A question under way (提问); several may wait for the same one."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._is_over = threading.Event()
        self._said: list[Said] = []
        self._error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is an answer (已有回答)."""
        return self._is_over.is_set()

    def put(self, ask: Callable[[], Said]) -> None:
        """Ask, here and now (发问)."""
        try:
            self._said.append(ask())
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            self._error = error
        finally:
            self._is_over.set()

    def answer(self, until: float) -> Said:
        """Wait for the answer (等回答), as long as ``time.monotonic`` says; what asking raised is raised here.

        Raises:
            NoAnswerError: there was none in time.
        """
        if not self._is_over.wait(max(0.0, until - time.monotonic())):
            raise NoAnswerError
        if self._error is not None:
            raise self._error
        return self._said[0]


class Inquiry(Generic[Said]):
    """Asks one thing for everybody who wants to know at the same moment (探询); safe for threads.

    A question without an answer is left alone: its thread ends when the system asked wakes up. After ``give_up``
    seconds another one may be asked, so that a connection that will never answer does not hide that a new one would;
    there are never more than ``most``, however often and for how long nobody answers.

    Args:
        ask: returns the answer, or raises.
        name: of the threads.
        give_up: seconds after which a question counts as lost.
        most: questions under way at once.
    """

    def __init__(self, ask: Callable[[], Said], name: str, give_up: float = 10.0, most: int = 3) -> None:
        self._ask = ask
        self._name = name
        self._give_up = give_up
        self._most = most
        self._open: list[Question[Said]] = []
        self._lock = threading.Lock()

    def ask(self) -> Question[Said]:
        """Ask, or join the question somebody is just asking (发问)."""
        with self._lock:
            self._open = [question for question in self._open if not question.is_over]
            is_fresh = bool(self._open) and time.monotonic() - self._open[-1].began < self._give_up
            if is_fresh or len(self._open) >= self._most:
                return self._open[-1]
            question = Question[Said]()
            self._open.append(question)
        threading.Thread(target=question.put, args=(self._ask,), name=self._name, daemon=True).start()
        return question
