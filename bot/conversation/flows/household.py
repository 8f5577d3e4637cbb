"""The household flow (户口信息登记, N8): shown only; changes go through counsellor or office."""

from bot.conversation.flow import BOARD, Flow, Step
from bot.conversation.options import always, pick

_OPTIONS = always("right", "wrong")

FLOW = Flow(
    "household",
    (
        Step(
            "show",
            {"right": BOARD, "wrong": "@correction"},
            pick("household.show", _OPTIONS, whole=True),
            samples=("1", "2"),
            options=_OPTIONS,
        ),
    ),
)
