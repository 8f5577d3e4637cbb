"""The confirmation flow (去向登记确认, N9): a preview of everything, then 信息无误 or 信息有误."""

from bot.conversation.effects import Confirm
from bot.conversation.flow import NEXT, Flow, Step
from bot.conversation.options import always, pick

_OPTIONS = always("yes", "no")

FLOW = Flow(
    "confirmation",
    (
        Step(
            "preview",
            {"yes": NEXT, "no": "@correction"},
            pick("confirmation.preview", _OPTIONS, whole=True),
            samples=("1", "2"),
            options=_OPTIONS,
            effects={"yes": lambda _kept, _facts: Confirm()},
            seal=lambda _kept, facts: facts.own.digest,
        ),
    ),
)
