"""The personal-data flow (核对个人信息, N4)."""

from bot.conversation.effects import Check
from bot.conversation.flow import BOARD, Flow, Step
from bot.conversation.options import always, pick

_OPTIONS = always("right", "wrong")

FLOW = Flow(
    "personal",
    (
        Step(
            "check",
            {"right": BOARD, "wrong": "@correction"},
            pick("personal.check", _OPTIONS, whole=True),
            samples=("1", "2"),
            options=_OPTIONS,
            effects={"right": lambda _kept, _facts: Check()},
            seal=lambda _kept, facts: facts.own.digest,
        ),
    ),
)
