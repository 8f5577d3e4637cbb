"""Walking (办理): graduates on their way all at once, each message pushed several times, some pushes at one moment."""

import random
from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep, time

from handlers.installation import Installation
from tests.journeys.people import is_said
from tests.load.journey import SCRIPT
from tests.load.line import BROKEN, Line
from tests.load.pushes import Answer, Message, Post, text_in
from tests.load.school import openid_of

REMEMBERED = 6
"""A message is pushed again while at most so many newer ones were handled: two fewer than a talk keeps answers of."""

PATIENCE = 30.0
"""Seconds after which a message that nobody answers is lost; only where servers are killed does it take any."""


FRESH = 300.0
"""Seconds for which an envelope is pushed again as it is; one of ten minutes is refused as a replay, and rightly so."""


@dataclass(frozen=True)
class Habits:
    """How messages are pushed.

    Attributes:
        most: pushes of one message, at most; at least one.
        may_break: whether a push may stay without an answer, because servers are killed.
    """

    most: int
    may_break: bool = False


@dataclass
class Findings:
    """What was seen on the way; safe to add to from many threads."""

    pushes: int = 0
    broken: int = 0
    messages: int = 0
    faults: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def add(self, pushes: int, broken: int) -> None:
        """Count the pushes of one message."""
        with self.lock:
            self.messages += 1
            self.pushes += pushes
            self.broken += broken

    def fault(self, text: str) -> None:
        """Note what must not happen."""
        with self.lock:
            self.faults.append(text)


@dataclass
class _Said:
    """A message that was answered, and what else is to be pushed of it later."""

    message: Message
    request: bytes
    heard: bytes
    later: int
    sealed_at: float


class Walker:
    """One graduate on the way (在办毕业生)."""

    def __init__(self, number: int, habits: Habits, seed: int) -> None:
        self.number = number
        self.place = 0
        self._habits = habits
        self._chance = random.Random(f"{seed}-{number}")
        self._said: deque[_Said] = deque(maxlen=REMEMBERED)

    @property
    def is_there(self) -> bool:
        """Whether the script is over."""
        return self.place == len(SCRIPT)

    def step(self, lines: tuple[Line, Line], post: Post, findings: Findings, office: Installation) -> None:
        """Say the next line, push it as often as chance will, push older ones again, and let others do their part."""
        line = SCRIPT[self.place]
        serial = self.number * len(SCRIPT) + self.place
        message = Message.text(openid_of(self.number), line.says(self.number), serial, int(time()))
        step = _Step(lines, post, findings, self._habits)
        wanted = self._chance.randint(1, self._habits.most)
        at_once = 2 if wanted > 1 and self._chance.random() < 0.3 else 1
        later = self._chance.randint(0, wanted - at_once)
        said = step.first(message, at_once, later)
        for _ in range(wanted - at_once - later):
            step.again(said, is_same=self._chance.random() < 0.5)
        self._push_older(step)
        if not is_said(line.hears, text_in(said.heard)):
            findings.fault(f"graduate {self.number}, line {self.place}: not {line.hears}")
        findings.add(step.pushes, step.broken)
        self._said.append(said)
        if line.after is not None:
            line.after(office, self.number)
        self.place += 1

    def _push_older(self, step: "_Step") -> None:
        """Push some earlier messages again, in any order; whoever is about to be forgotten, in any case."""
        older = list(self._said)
        self._chance.shuffle(older)
        for each in older:
            is_due = self.place == len(SCRIPT) - 1 or (len(self._said) == REMEMBERED and each is self._said[0])
            while each.later and (is_due or self._chance.random() < 0.3):
                each.later -= 1
                step.again(each, is_same=self._chance.random() < 0.5)


@dataclass
class _Step:
    """The pushes of one step, on two lines at most."""

    lines: tuple[Line, Line]
    post: Post
    findings: Findings
    habits: Habits
    pushes: int = 0
    broken: int = 0

    def first(self, message: Message, at_once: int, later: int) -> _Said:
        """Push a message until somebody answers, at two places at one moment if so wished."""
        request, sealed_at = self.post.request(message, is_alone=True), monotonic()
        while True:
            lines = self.lines[:at_once]
            for line in lines:
                line.send(request)
            heard = [self._opened(message, self._counted(line.hear())) for line in lines]
            answers = {each for each in heard if each is not None}
            if len(answers) > 1:
                self.findings.fault("two answers to one message")
            if answers or not self.habits.may_break or monotonic() > sealed_at + PATIENCE:
                break
            sleep(0.05)
        if not answers:
            self.findings.fault("a message without an answer")
        return _Said(message, request, next(iter(answers), b""), later, sealed_at)

    def again(self, said: _Said, *, is_same: bool) -> None:
        """Push a message again, in the same envelope or another; what comes back must be the same."""
        is_fresh = monotonic() - said.sealed_at < FRESH
        request = said.request if is_same and is_fresh else self.post.request(said.message, is_alone=True)
        heard = self._opened(said.message, self._counted(self.lines[0].ask(request)))
        if heard is not None and heard != said.heard:
            was, now = text_in(said.heard), text_in(heard)
            self.findings.fault(f"another answer to a message pushed again: {was[:40]!r}, then {now[:40]!r}")

    def _counted(self, answer: Answer) -> Answer:
        self.pushes += 1
        if answer is BROKEN:
            self.broken += 1
            if not self.habits.may_break:
                self.findings.fault("a push without an answer")
        return answer

    def _opened(self, message: Message, answer: Answer) -> bytes | None:
        if answer is BROKEN:
            return None
        try:
            xml = self.post.opened(message, answer)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with an answer is what is looked for
            self.findings.fault(f"{type(error).__name__}: {error}")
            return None
        if not xml:
            self.findings.fault("silence")
        return xml
