"""Flows (流程) as data: steps, outcomes, and where a talk stands when its answers are replayed over today's graph."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from bot.conversation.effects import Effect
from bot.conversation.facts import Facts
from bot.conversation.talk import Answer

BOARD = "@board"
"""Target of an outcome that ends the flow and returns to the progress board (进度)."""
NEXT = "@next"
"""Target of an outcome that ends the flow and opens whatever comes next in the journey."""
AGAIN = "@again"
"""Target of an outcome that starts the same flow over, without its answers."""
GIVEN = "given"
"""The revision of an answer the facts give; such an answer is never stored."""

Kept = Mapping[str, str]
"""The answers given so far in a flow: step name → canonical value."""


@dataclass(frozen=True, slots=True)
class Ok:
    """A parser accepts (接受): the canonical value and one of the step's outcomes."""

    value: str
    out: str = "ok"


@dataclass(frozen=True, slots=True)
class Bad:
    """A parser refuses (没看懂): the key of the sentence that says what is wrong and how to answer.

    Attributes:
        why: key of texts.zh.toml.
        detail: fills the placeholder {detail} of that sentence.
    """

    why: str
    detail: str = field(default="", repr=False)


class Need:
    """What a step must know from outside before it can judge an answer (外部信息)."""

    CANDIDATE = "candidate"
    BINDING = "binding"
    REAL_PERSON = "real_person"
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class Step:
    """One question (问题) of a flow.

    Attributes:
        name: unique in the flow; texts are found under ``flow.name.*``.
        to: outcome → step of the same flow, or "@flow", BOARD, NEXT. A step on the way here: its answer is withdrawn.
        parse: (text, kept, facts) → Ok | Bad; must accept its own canonical values.
        samples: texts for the exhaustive exploration, at least one for each outcome.
        options: (kept, facts) → keys of the choices shown, in order; their labels are ``flow.name.choices.*``.
        effects: outcome → builder of what is to be done, one effect or several.
        seal: (kept, facts) → what exactly is being agreed to; an answer counts only for that.
        given: (kept, facts) → the answer the facts already give, or None.
        needs: (text, kept, facts) → what must be known first, or None.
        live: its stored answer is judged anew by the present facts each time, not only after a deploy.
        was: former names, so that a renamed step keeps its answers.
        words: prefix of the step's sentences when several steps share them; else "flow.name".
    """

    name: str
    to: Mapping[str, str]
    parse: Callable[[str, Kept, Facts], Ok | Bad]
    samples: tuple[str, ...] = ()
    options: Callable[[Kept, Facts], tuple[str, ...]] | None = None
    effects: Mapping[str, Callable[[Kept, Facts], Effect | tuple[Effect, ...]]] = field(default_factory=dict)
    seal: Callable[[Kept, Facts], str] | None = None
    given: Callable[[Kept, Facts], Ok | None] | None = None
    needs: Callable[[str, Kept, Facts], str | None] | None = None
    live: bool = False
    was: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A small dialogue (流程) about one thing.

    Attributes:
        name: unique; the board and ``@name`` targets use it.
        steps: in reading order; the first one opens the flow.
        gate: facts → None when open, else the key of the sentence that says why not.
        prefill: facts → values a newly opened flow starts with (a returned entry keeps what was typed, N7).
        fill: text → (step, raw value) pairs when one message answers many questions, else nothing.
        strict: later answers stand on earlier ones: whoever takes one back takes back all after it.
    """

    name: str
    steps: tuple[Step, ...]
    gate: Callable[[Facts], str | None] = lambda _facts: None
    prefill: Callable[[Facts], Mapping[str, str]] = lambda _facts: {}
    fill: Callable[[str], tuple[tuple[str, str], ...]] = lambda _text: ()
    strict: bool = False

    def step(self, name: str) -> Step | None:
        """Return the step of this name or former name, or None."""
        return next((s for s in self.steps if s.name == name or name in s.was), None)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a talk stands in a flow (位置), derived by replay.

    Attributes:
        flow, step: the question to be answered.
        path: the answers on the way here, given ones included.
        rest: answers to later steps, kept for when the way leads there again.
    """

    flow: Flow
    step: Step
    path: tuple[Answer, ...]
    rest: tuple[Answer, ...]

    @property
    def words(self) -> str:
        """The prefix of the step's sentences in texts.zh.toml."""
        return self.step.words or f"{self.flow.name}.{self.step.name}"

    @property
    def kept(self) -> Kept:
        """The answers on the way here, by step name."""
        return {a.step: a.value for a in self.path}

    def question(self, facts: Facts) -> int:
        """Return the number of this question; an answer counts only for the number that was asked."""
        about = self.step.seal(self.kept, facts) if self.step.seal else ""
        return zlib.crc32(f"{self.flow.name}.{self.step.name}|{about}".encode()) & 0x7FFFFFFF or 1


@cache
def revision() -> str:
    """Return a short hash of the code that judges answers; another value means: judge stored answers anew."""
    digest = hashlib.sha256()
    for package, names in (
        ("bot.conversation.flows", None),
        ("bot.conversation", {"understanding.py", "days.py", "options.py", "phrases.zh.toml", "flow.py"}),
        ("bot.registration", {"particulars.py", "archive.py", "correction.py"}),
    ):
        for file in sorted(files(package).iterdir(), key=lambda file: file.name):
            if file.is_file() and (names is None or file.name in names):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def where(flow: Flow, answers: tuple[Answer, ...], facts: Facts) -> Position:
    """Derive the position by replaying the answers over today's graph (pure).

    An answer of another revision is judged by today's parser; one it refuses is asked again, later ones stay.
    """
    left = {known.name: a.under(known.name) for a in answers if (known := flow.step(a.step)) is not None}
    step = flow.steps[0]
    path: tuple[Answer, ...] = ()
    while True:
        kept = {a.step: a.value for a in path}
        given = step.given(kept, facts) if step.given else None
        stored = left.pop(step.name, None)
        if given is not None:
            answer: Answer | None = Answer(step.name, given.value, given.out, GIVEN)
        else:
            answer = _judged(step, stored, kept, facts)
        target = step.to.get(answer.out, BOARD) if answer else BOARD
        passed = {a.step for a in path} | {step.name}
        if answer is None or target.startswith("@") or target in passed:
            return Position(flow, step, path, tuple(left.values()))
        path = (*path, answer)
        step = next(s for s in flow.steps if s.name == target)


def _judged(step: Step, answer: Answer | None, kept: Kept, facts: Facts) -> Answer | None:
    if answer is None or step.seal is not None:
        return None
    if answer.rev == revision() and not step.live:
        return answer
    got = step.parse(answer.value, kept, facts)
    return None if isinstance(got, Bad) else Answer(step.name, got.value, got.out, revision())
