"""The commands (口令): words understood wherever the talk is, such as 进度, 返回 or 帮助."""

from functools import cache

from bot.conversation.understanding import fold, phrases, stripped


@cache
def _said() -> dict[str, tuple[int, str]]:
    """Return phrase → (place in the list, command)."""
    table: dict[str, tuple[int, str]] = {}
    for place, (name, said) in enumerate(phrases()["commands"].items()):
        for phrase in said:
            table.setdefault(phrase, (place, name))
    return table


def command_of(text: str) -> str | None:
    """Return the command (口令) a text means, or None; of two it may mean, the one listed first."""
    folded = fold(text)
    forms = (folded, stripped(folded), text.strip())
    found = [hit for form in forms if (hit := _said().get(form)) is not None]
    return min(found)[1] if found else None
