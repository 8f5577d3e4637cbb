"""The words of the landing page (核验页文案), Chinese and English, from the data file beside this module."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from bot.registration.report import ABSENT, Event, Happening, PublicView, Standing, moment_text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the page says first (核验结论).

    Attributes:
        code: stable, V0 to V6, or L0 while the register cannot be asked.
        tone: good, wait or bad; colour never stands alone, the word says the same.
        word: e.g. 生效中.
        sentence: what it means.
        moment: the moment named in the sentence, or ""; pages keep it on one line.
        next: what to do now.
    """

    code: str
    tone: str
    word: str
    sentence: str
    moment: str
    next: str


@cache
def words(language: str) -> Mapping[str, Any]:
    """Return all words of a language (文案), "zh" or "en"; any other language reads Chinese."""
    table = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))
    chosen: Mapping[str, Any] = table["en" if language == "en" else "zh"]
    return chosen


def verdict(view: PublicView | None, language: str) -> Verdict:
    """Return the verdict (核验结论) on what was looked up; None is what nobody issued."""
    standing = view.standing if view else Standing.UNKNOWN
    state = words(language)["states"][standing.value]
    data = {
        "valid_until": moment_text(view.valid_until) if view else "",
        "ended_at": moment_text(view.ended_at) if view and view.ended_at else ABSENT,
    }
    prefix = "replaced_" if standing is Standing.CLOSED and view and _is_replaced(view.history) else ""
    sentence = state[f"{prefix}sentence"]
    named = [data[name] for name in data if f"{{{name}}}" in sentence]
    return Verdict(
        code=standing.value,
        tone=state["tone"],
        word=state["verdict"],
        sentence=sentence.format(**data),
        moment=named[0] if named else "",
        next=state[f"{prefix}next"],
    )


def outage_verdict(language: str) -> Verdict:
    """Return what is said of a genuine code while the register cannot be asked (真实性已确认，状态未知)."""
    outage = words(language)["outage"]
    return Verdict(outage["code"], outage["tone"], outage["verdict"], outage["sentence"], "", outage["next"])


def history_line(event: Event, language: str) -> str:
    """Return a line of the history (经过) without its moment."""
    line: str = words(language)["history"][event.happening.value]
    return line.format(until=moment_text(event.until) if event.until else "")


def _is_replaced(history: tuple[Event, ...]) -> bool:
    return any(event.happening is Happening.REPLACED for event in history)
