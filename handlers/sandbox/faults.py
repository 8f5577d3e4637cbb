"""Faults that can be injected (故障注入): each waits here until the place it is meant for asks."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from handlers.sandbox.account import SandboxError

PUSH_FAULTS = ("duplicate", "delay", "drop")
CHSI_FAULTS = ("chsi-down", "chsi-hang")
# Where a code can occur on the real platform; a code without an entry occurs at any call that carries a token.
TOKEN_CODES = frozenset({"-1", "40164", "40125", "40243", "89503", "45009", "45011", "hang"})
ONLY_AT = {
    "45015": ("message/custom/send",),
    "45047": ("message/custom/send",),
    "45028": ("message/mass/sendall", "message/mass/send"),
}
TOKEN_PATHS = frozenset({"token", "stable_token"})


@dataclass(slots=True)
class Fault:
    """One injected fault.

    Attributes:
        name: an errcode as text (``40001``, ``-1``), ``hang``, ``duplicate``, ``delay``, ``drop``, ``chsi-down``
            or ``chsi-hang``.
        times: how often it still strikes.
        seconds: how long ``hang``, ``delay`` and ``chsi-hang`` last.
        path: the API path it is limited to, "" = everywhere it can occur.
    """

    name: str
    times: int = 1
    seconds: float = 0.0
    path: str = ""

    def fits(self, path: str) -> bool:
        """Whether the fault can strike at this API path (``message/custom/send``)."""
        if self.name in PUSH_FAULTS + CHSI_FAULTS:
            return False
        if self.path:
            return self.path == path
        if path in TOKEN_PATHS:
            return self.name in TOKEN_CODES
        return path in ONLY_AT.get(self.name, (path,))


class Faults:
    """The injected faults in the order of injection. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault.

        Raises:
            SandboxError: there is no fault of this name.
        """
        known = fault.name in (*PUSH_FAULTS, *CHSI_FAULTS, "hang") or fault.name.lstrip("-").isdigit()
        if not known or fault.times < 1 or fault.seconds < 0:
            raise SandboxError("unknown fault, or a senseless count or duration")
        with self._lock:
            self._waiting.append(fault)

    def strike(self, name: str) -> Fault | None:
        """The fault of this name if one is armed, used up once."""
        return self._take(lambda fault: fault.name == name)

    def strike_call(self, path: str) -> Fault | None:
        """The first armed fault that can strike at this API path, used up once."""
        return self._take(lambda fault: fault.fits(path))

    def waiting(self) -> tuple[Fault, ...]:
        """What is still armed."""
        with self._lock:
            return tuple(self._waiting)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._waiting.clear()

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fits(fault):
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None
