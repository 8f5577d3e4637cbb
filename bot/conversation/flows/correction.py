"""The error-report flow (信息有误, N11): which items are wrong, what is right for each, read back, send."""

from collections.abc import Callable

from bot.conversation.effects import Report
from bot.conversation.facts import Facts
from bot.conversation.flow import AGAIN, BOARD, Bad, Flow, Kept, Ok, Step
from bot.conversation.options import always, meanings, pick
from bot.conversation.understanding import several
from bot.registration.correction import Item
from bot.registration.particulars import clean_line

ITEMS = {item.name.lower(): item for item in Item}
READ_BACK = "read_back"


def _options(_kept: Kept, facts: Facts) -> tuple[str, ...]:
    return tuple(name for name in ITEMS if name != "household" or facts.own.household.moved)


def _items(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    shown = _options(kept, facts)
    found = tuple(text.split()) if all(part in shown for part in text.split()) else None
    found = found or several(text, shown, meanings("correction.items", shown))
    return Ok(" ".join(found), found[0]) if found else Bad("correction.items.bad")


def _right(name: str) -> Callable[[str, Kept, Facts], Ok | Bad]:
    def parse(text: str, kept: Kept, _facts: Facts) -> Ok | Bad:
        value = clean_line(text)
        if not 1 <= len(value) <= 200:
            return Bad("correction.right.bad")
        wrong = kept.get("items", "").split()
        later = wrong[wrong.index(name) + 1 :] if name in wrong else []
        return Ok(value, later[0] if later else READ_BACK)

    return parse


def _pairs(kept: Kept) -> tuple[tuple[Item, str], ...]:
    return tuple((ITEMS[name], kept[f"right_{name}"]) for name in kept["items"].split())


def _targets(name: str) -> dict[str, str]:
    names = list(ITEMS)
    return {later: f"right_{later}" for later in names[names.index(name) + 1 :]} | {READ_BACK: READ_BACK}


_READ_BACK_OPTIONS = always("send", "again")

FLOW = Flow(
    "correction",
    (
        Step(
            "items",
            {name: f"right_{name}" for name in ITEMS},
            _items,
            samples=(*(item.value for item in Item), "姓名、专业", "1 8 12", "1 2"),
            options=_options,
        ),
        *(
            Step(
                f"right_{name}",
                _targets(name),
                _right(name),
                samples=("应为另一个值",),
                words="correction.right",
            )
            for name in ITEMS
        ),
        Step(
            READ_BACK,
            {"send": BOARD, "again": AGAIN},
            pick("correction.read_back", _READ_BACK_OPTIONS, whole=True),
            samples=("1", "2"),
            options=_READ_BACK_OPTIONS,
            effects={"send": lambda kept, _facts: Report(_pairs(kept))},
            seal=lambda kept, _facts: repr(sorted(kept.items())),
        ),
    ),
)
