"""The unbind flow (解除绑定): withdraw the consent; the chat is forgotten, the registration stays with the school."""

from bot.conversation.effects import Unbind
from bot.conversation.flow import BOARD, NEXT, Flow, Step
from bot.conversation.options import always, pick

_OPTIONS = always("yes", "no")

FLOW = Flow(
    "unbind",
    (
        Step(
            "sure",
            {"yes": NEXT, "no": BOARD},
            pick("unbind.sure", _OPTIONS, whole=True),
            samples=("1", "2"),
            options=_OPTIONS,
            effects={"yes": lambda _kept, _facts: Unbind()},
        ),
    ),
)
