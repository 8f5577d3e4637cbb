"""Faults that can be injected (故障注入): each waits until the place it is meant for asks, or strikes by chance."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handlers.sandbox.account import SandboxError

PUSH_FAULTS = ("duplicate", "delay", "drop")
CHSI_FAULTS = ("chsi-down", "chsi-hang")
# Faults of an API call that are no errcodes: the answer is slow, or everything is done and no answer comes.
CALL_FAULTS = ("hang", "lost")
MESSAGES = "message/"
# Where a code can occur on the real platform; a code without an entry occurs at any call that carries a token.
TOKEN_CODES = frozenset({"-1", "40164", "40125", "40243", "89503", "45009", "45011", "hang"})
ONLY_AT = {
    "43101": ("message/subscribe/bizsend",),
    "43117": ("message/template/send",),
    "45015": ("message/custom/send",),
    "45047": ("message/custom/send",),
    "45028": ("message/mass/sendall", "message/mass/send"),
}
TOKEN_PATHS = frozenset({"token", "stable_token"})


@dataclass(slots=True)
class Fault:
    """One injected fault.

    Attributes:
        name: an errcode as text (``40001``, ``-1``), ``hang``, ``lost``, ``duplicate``, ``delay``, ``drop``,
            ``chsi-down`` or ``chsi-hang``.
        times: how often it still strikes.
        seconds: how long ``hang``, ``lost``, ``delay`` and ``chsi-hang`` last.
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
        if self.name == "lost":
            return path.startswith(MESSAGES)
        if path in TOKEN_PATHS:
            return self.name in TOKEN_CODES
        return path in ONLY_AT.get(self.name, (path,))


class Faults:
    """The injected faults in the order of injection. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._chances: tuple[tuple[str, float], ...] = ()
        self._chance_seconds = 0.0
        self._dice = random.Random()  # noqa: S311 - chaos that can be repeated, no secret

    def add(self, fault: Fault) -> None:
        """Arm a fault.

        Raises:
            SandboxError: there is no fault of this name.
        """
        known = fault.name in (*PUSH_FAULTS, *CHSI_FAULTS) or _strikes_calls(fault.name)
        if not known or fault.times < 1 or fault.seconds < 0:
            raise SandboxError("unknown fault, or a senseless count or duration")
        with self._lock:
            self._waiting.append(fault)

    def strike(self, name: str) -> Fault | None:
        """The fault of this name if one is armed, used up once."""
        return self._take(lambda fault: fault.name == name)

    def strike_call(self, path: str) -> Fault | None:
        """The first armed fault that can strike at this API path, used up once; else one that strikes by chance."""
        return self._take(lambda fault: fault.fits(path)) or self._by_chance(path)

    def set_chances(self, rates: Mapping[str, float], seed: int, seconds: float = 0.0) -> None:
        """Let faults strike calls that send messages by chance (随机故障); no rates, no chance.

        Args:
            rates: fault to its probability; together at most 1.
            seed: the same seed gives the same faults, if the calls come in the same order.
            seconds: how long ``hang`` and ``lost`` last.

        Raises:
            SandboxError: a name that is no fault of a call, or a senseless rate.
        """
        chances = tuple(rates.items())
        sane = all(_strikes_calls(name) and rate >= 0 for name, rate in chances)
        if not sane or sum(rates.values()) > 1 or seconds < 0:
            raise SandboxError("unknown fault, or a senseless rate or duration")
        with self._lock:
            self._chances, self._chance_seconds = chances, seconds
            self._dice = random.Random(seed)  # noqa: S311 - as above

    def waiting(self) -> tuple[Fault, ...]:
        """What is still armed."""
        with self._lock:
            return tuple(self._waiting)

    def clear(self) -> None:
        """Disarm everything."""
        with self._lock:
            self._waiting.clear()

    def _by_chance(self, path: str) -> Fault | None:
        with self._lock:
            if not self._chances or not path.startswith(MESSAGES):
                return None
            roll = self._dice.random()
            for name, rate in self._chances:
                if roll < rate:
                    fault = Fault(name, seconds=self._chance_seconds)
                    return fault if fault.fits(path) else None
                roll -= rate
        return None

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fits(fault):
                    fault.times -= 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None


def _strikes_calls(name: str) -> bool:
    return name in CALL_FAULTS or name.removeprefix("-").isdigit()
