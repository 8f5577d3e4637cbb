"""The bank of phrasings (说法库): no refusal or doubt is taken for a yes, and nearly everything else is understood."""

import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.conversation.days import read_day
from bot.conversation.flow import Bad
from bot.conversation.flows import FLOWS
from bot.conversation.incoming import Kind
from bot.ports import ChsiAnswer
from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from tests.bot import people
from tests.bot.conversation.explorer import AGREED, known, position
from tests.bot.conversation.world import World, event, say

BANK = tomllib.loads(Path(__file__).with_name("phrasings.toml").read_text("utf-8"))
QUESTIONS = {step: options for step, options in BANK.items() if step not in {"several", "days"}}
AGREEMENTS = {step for step, options in QUESTIONS.items() if "doubt" in options}
YES = {"yes", "right", "submit", "send"}


def _on_board(dossier: Dossier) -> World:
    return event(World(AGREED, (dossier,)), Kind.IMAGE).after


def _board_for(option: str) -> World:
    """Return a board on which the entry is open."""
    dossier = {
        "archive": people.with_archive(people.ready(), ArchiveStatus.MISSING),
        "household": replace(people.ready(), household=people.MOVED),
        "real_person": people.confirmed(people.ready()),
        "verification": people.verified(),
    }.get(option, people.ready())
    return _on_board(dossier)


@pytest.fixture(scope="module")
def asked(states: list[World]) -> dict[str, World]:
    """For each question, a world in which it is asked."""
    moved = [w for w in states if w.own is None or w.own.household.moved or position(w).step.name != "subject"]
    found = {position(world).words: replace(world, binding=ChsiAnswer.YES) for world in moved}
    full = [w for w in states if len(position(w).kept) == 7 and position(w).kept.get("receiving_type") == "trustee"]
    actions = [w for w in states if position(w).words == "verification.action"]
    longest = max(actions, key=lambda w: len(_options(w)))
    return found | {"archive.read_back": full[0], "verification.action": longest}


def _options(world: World) -> tuple[str, ...]:
    at = position(world)
    return at.step.options(at.kept, known(world)) if at.step.options else ()


def understood(world: World, text: str) -> str:
    """Return the option a text was taken for, or "none"."""
    at, outcome = position(world), say(world, text).turn.outcome
    if at.words in {"login.chsi", "real_person.check"}:
        return "none" if outcome.startswith("unclear") else _options(world)[0]
    return outcome if outcome in at.step.to else "none"


def _cases() -> list[tuple[str, str, str]]:
    return [
        (step, option, text) for step, options in QUESTIONS.items() for option, said in options.items() for text in said
    ]


def _taken(asked: dict[str, World], step: str, option: str, text: str) -> str:
    return understood(_board_for(option) if step == "board.menu" else asked[step], text)


def test_the_bank_is_large_and_names_only_real_options() -> None:
    texts = [(step, text) for step, _, text in _cases()]
    assert len(texts) == len(set(texts))
    assert len(texts) + len(BANK["several"]) + len(BANK["days"]) >= 800
    for step, options in QUESTIONS.items():
        flow, _, name = step.partition(".")
        outcomes = set(FLOWS[flow].step(name).to)  # type: ignore[union-attr]  # the bank names real steps
        assert set(options) - {"doubt", "none", "again", "done"} <= outcomes


def test_no_refusal_doubt_or_question_is_taken_for_a_yes(asked: dict[str, World]) -> None:
    agreed = [
        (step, text)
        for step, option, text in _cases()
        if step in AGREEMENTS and option not in YES and _taken(asked, step, option, text) in YES
    ]
    assert agreed == []


def test_nearly_everything_else_is_understood(asked: dict[str, World]) -> None:
    cases = [(step, option, text) for step, option, text in _cases() if option != "doubt"]
    wrong = [
        (step, option, text, got)
        for step, option, text in cases
        if (got := _taken(asked, step, option, text)) != option
    ]
    assert len(wrong) <= len(cases) * 0.02, wrong


def test_doubts_about_an_agreement_do_nothing_at_all(asked: dict[str, World]) -> None:
    for step, options in QUESTIONS.items():
        for text in options.get("doubt", ()):
            assert say(asked[step], text).turn.effects == (), (step, text)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        (text, "gate.checked")
        for text in ("信息正确", "信息正确。", "老师，信息无误", "我的信息正确", "个人信息", "核对个人信息")
    ]
    + [(text, "unclear.board") for text in ("信息不正确", "信息正确吗", "好的", "信息")],
)
def test_who_finds_the_personal_data_right_once_more_hears_that_it_is_done(text: str, outcome: str) -> None:
    turn = say(_on_board(people.ready()), text).turn
    assert (turn.outcome, turn.effects) == (outcome, ())


def test_several_items_are_picked() -> None:
    world = _on_board(people.ready())
    world = say(world, "信息有误").after
    at = position(world)
    wrong = []
    for text, expected in BANK["several"].items():
        got = at.step.parse(text, at.kept, known(world))
        if (found := "" if isinstance(got, Bad) else got.value) != expected:
            wrong.append((text, expected, found))
    assert wrong == []


def test_days_and_periods_are_read() -> None:
    today = date(2023, 7, 5)
    wrong = []
    for text, expected in BANK["days"].items():
        got = read_day(text, today)
        if (got.isoformat() if got else "") != expected:
            wrong.append((text, expected, str(got)))
    assert wrong == []
