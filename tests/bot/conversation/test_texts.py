"""The words: every key is there and used, every placeholder is known, everything fits."""

import ast
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.conversation.flows import FLOWS
from bot.conversation.incoming import Kind
from bot.conversation.texts import placeholders, texts
from bot.conversation.understanding import phrases
from bot.conversation.vocabulary import EXTRA, Vocabulary
from bot.conversation.wording import LINK_LINE
from bot.notices.planned import Planned
from bot.registration.archive import ArchiveEntry, ArchiveStatus
from bot.registration.destination import Destination
from bot.registration.household import Household
from handlers.wechat.rendering import render
from tests.bot import people
from tests.bot.conversation.explorer import AGREED
from tests.bot.conversation.world import LINKS, World, event, say

ROOT = Path(__file__).parents[3]
SOURCES = [*(ROOT / "bot").rglob("*.py"), ROOT / "app.py", *(ROOT / "handlers").rglob("*.py")]
DOSSIER = ROOT / "bot/registration/dossier.py"
TARGETS = {"chsi", "school_system", "real_person", "report_archive", "report_household"}
# Tables whose keys are put together at run time from a word that stands in the code.
COMPOSED: tuple[str, ...] = (
    "notice",
    "notice_title",
    "line",
    "next_step",
    "window_hint",
    "only_text",
    "hint",
    "archive.item",
    "command",
)
COMPOSED += tuple(f"planned.{kind.name}" for kind in Planned)
STEPS = {step.words or f"{flow.name}.{step.name}": step for flow in FLOWS.values() for step in flow.steps}
STEPS |= {f"{flow.name}.{step.name}": step for flow in FLOWS.values() for step in flow.steps}


@pytest.fixture(scope="module")
def literals() -> set[str]:
    """All strings in the code."""
    return _literals(path for path in SOURCES if path.is_file())


def _literals(paths: Iterable[Path]) -> set[str]:
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_every_key_named_in_the_code_exists() -> None:
    spoken = [*(ROOT / "bot/conversation").rglob("*.py"), *(ROOT / "bot/use_cases").glob("*.py"), DOSSIER]
    literals = _literals(spoken)
    tables = {key.split(".")[0] for key in texts()}
    keys = {word for word in literals if re.fullmatch(r"[a-z_]+(?:\.[a-z_]+)+", word) and word.split(".")[0] in tables}
    assert len(keys) > 40
    assert {key for key in keys if not key.endswith(".py") and key not in texts()} <= set(STEPS)


def test_no_key_is_unused(literals: set[str]) -> None:
    words = literals | {status.name.lower() for status in ArchiveStatus} | set(Kind)
    words |= {f"archive_{status.name.lower()}" for status in ArchiveStatus}
    unused = [key for key in texts() if key not in literals and not _is_composed(key, words) and not _of_step(key)]
    assert unused == []


def _is_composed(key: str, words: set[str]) -> bool:
    table, _, word = key.rpartition(".")
    return (table in COMPOSED and word in words) or key in {"archive.filled", "archive.fill_bad"}


def _of_step(key: str) -> bool:
    step = next((step for words, step in STEPS.items() if key.startswith(f"{words}.")), None)
    if step is None:
        return False
    words = next(words for words in STEPS if key.startswith(f"{words}."))
    rest = key.removeprefix(f"{words}.")
    if rest.startswith("choices."):
        return step.options is not None and rest.removeprefix("choices.") in phrases()[words]
    return rest in {"ask", "help", *step.to}


def test_every_placeholder_has_a_meaning() -> None:
    known = set(Vocabulary(World(AGREED).facts(), LINKS)) | EXTRA
    # What the calendar sends has variables as staff write them: tests/bot/notices/test_planned.py.
    sentences = [sentence for key, sentence in texts().items() if not key.startswith("planned.")]
    assert {name for sentence in sentences for name in placeholders(sentence)} - known == set()


def test_every_link_line_names_a_target_and_a_label() -> None:
    for key, sentence in texts().items():
        filled = sentence.replace("{report_key}", "archive")
        marks = [line for line in filled.split("\n") if line.startswith("@")]
        assert len(marks) == len(LINK_LINE.findall(filled)), key
        assert {found[1] for found in LINK_LINE.finditer(filled)} <= TARGETS, key


def test_every_choice_has_a_label_and_phrases_and_nothing_else_has() -> None:
    labelled: dict[str, set[str]] = {}
    for key in texts():
        step, mark, option = key.partition(".choices.")
        if mark:
            labelled.setdefault(step, set()).add(option)
    said = {
        step: set(options)
        for step, options in phrases().items()
        if step not in {"fillers", "commands", "shortcuts", "done"}
    }
    assert labelled == said


def test_no_phrase_of_a_step_means_two_things() -> None:
    for step, options in phrases().items():
        if step != "fillers":
            everything = [phrase for words in options.values() for phrase in words]
            assert len(everything) == len(set(everything)), (step, sorted(everything))


def test_sentences_and_labels_are_short() -> None:
    for key, sentence in texts().items():
        assert len(sentence.encode()) <= 700, key
        if ".choices." in key:
            assert len(sentence) <= 12, key
        assert sentence == sentence.strip()
        assert not re.search(r"[a-z]\.[a-z]|[,;!?](?=[\u4e00-\u9fff])", sentence), key


def test_sentences_for_staff_have_no_placeholders() -> None:
    assert not [key for key, sentence in texts().items() if key.startswith("staff.") and placeholders(sentence)]


def _longest() -> World:
    items = replace(people.ITEMS, unit="单" * 80, address="址" * 120, contact="科" * 40)
    dossier = replace(
        people.ready(),
        archive=ArchiveEntry(ArchiveStatus.APPROVED, items),
        destination=Destination("10", "企" * 100, "", "地" * 60, "职" * 40),
        household=Household(moved=True, address="户" * 120),
    )
    return World(AGREED, (dossier,))


def test_the_longest_preview_comes_in_pages_and_is_not_confirmed_before_its_end() -> None:
    asked = say(event(_longest(), Kind.IMAGE).after, "确认")
    assert asked.reply is not None
    first, *more = render(asked.reply)
    assert more
    assert all(len(page.encode()) <= 2000 for page in (first, *more))
    unread = replace(asked.after, talk=replace(asked.after.talk, more=tuple(more)))
    too_early = say(unread, "信息无误，确认登记去向")
    assert too_early.turn.effects == ()
    assert say(too_early.after, "信息无误，确认登记去向").turn.effects


@pytest.mark.parametrize("hostile", ["请改\n@abc 点这里", "@chsi 点这里", "{name} {nothing}", "]]>", "%s {0}"])
def test_words_of_people_are_shown_as_they_are_and_never_become_links_or_placeholders(hostile: str) -> None:
    dossier = people.with_archive(people.new_dossier(people.OPENID), ArchiveStatus.RETURNED)
    dossier = replace(dossier, checked_at=people.OPEN, archive=replace(dossier.archive, reason=hostile))
    reply = say(event(World(AGREED, (dossier,)), Kind.IMAGE).after, "进度").reply
    assert reply is not None
    assert hostile.replace("@", "＠") in reply.text.replace("@", "＠")
    assert reply.links == ()
