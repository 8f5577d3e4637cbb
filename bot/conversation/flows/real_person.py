"""The real-person flow (实人验证, N12): a link to CHSI; the state comes by callback or by asking again."""

from bot.conversation.effects import VerifyPerson
from bot.conversation.facts import Facts
from bot.conversation.flow import NEXT, Bad, Flow, Kept, Need, Ok, Step
from bot.conversation.options import always, pick
from bot.ports import ChsiAnswer

_OPTIONS = always("done")


def _parse(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    got = pick("real_person.check", _OPTIONS)(text, kept, facts)
    if isinstance(got, Bad):
        return got
    if facts.real_person is None or facts.real_person.answer is ChsiAnswer.UNKNOWN:
        return Ok("", "unavailable")
    return Ok("", "done" if facts.real_person.answer is ChsiAnswer.YES else "pending")


def _needs(text: str, kept: Kept, facts: Facts) -> str | None:
    wanted = facts.real_person is None and isinstance(pick("real_person.check", _OPTIONS)(text, kept, facts), Ok)
    return Need.REAL_PERSON if wanted else None


FLOW = Flow(
    "real_person",
    (
        Step(
            "check",
            {"done": NEXT, "pending": "check", "unavailable": "check"},
            _parse,
            samples=("1", "我已完成"),
            options=_OPTIONS,
            effects={"done": lambda _kept, _facts: VerifyPerson()},
            needs=_needs,
        ),
    ),
)
