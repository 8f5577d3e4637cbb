"""The consent flow (知情同意): the first contact; what is stored, why, how long."""

from bot.conversation.effects import Consent
from bot.conversation.flow import NEXT, Flow, Step
from bot.conversation.options import always, pick

VERSION = 1
"""Version of the consent text; raising it asks everybody again."""

_OPTIONS = always("yes", "no")

FLOW = Flow(
    "consent",
    (
        Step(
            "agree",
            {"yes": NEXT, "no": "agree"},
            pick("consent.agree", _OPTIONS, whole=True),
            samples=("1", "同意", "不同意"),
            options=_OPTIONS,
            effects={"yes": lambda _kept, _facts: Consent()},
        ),
    ),
)
