"""Choices (选项): parsers for steps that offer some."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from bot.conversation.facts import Facts
from bot.conversation.flow import Bad, Kept, Ok
from bot.conversation.texts import label
from bot.conversation.understanding import choose, fold, phrases


@cache
def words(step: str, option: str) -> tuple[str, ...]:
    """Return the folded phrases that mean a choice: its label and the ones people use instead."""
    return (fold(label(step, option)), *phrases().get(step, {}).get(option, ()))


def meanings(step: str, options: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return option → folded phrases for the options of a step."""
    return {option: words(step, option) for option in options}


def always(*keys: str) -> Callable[[Kept, Facts], tuple[str, ...]]:
    """Return an ``options`` function that shows the same choices whatever the facts."""
    return lambda _kept, _facts: keys


def pick(
    step: str, options: Callable[[Kept, Facts], tuple[str, ...]], *, whole: bool = False
) -> Callable[[str, Kept, Facts], Ok | Bad]:
    """Return a parser that takes one of the choices of ``step``, by tap, number or words.

    Args:
        step: full name "flow.step".
        options: the choices shown.
        whole: for agreements: the whole text must be one of the phrases.
    """

    def parse(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
        shown = options(kept, facts)
        hit = choose(text, shown, meanings(step, shown), whole=whole)
        return Bad("unclear.agree" if whole else "unclear.choose") if hit is None else Ok(hit, hit)

    return parse
