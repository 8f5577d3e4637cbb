"""The pause while the whole site is under attack: honest, short, bound to the block, good once."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from handlers.typed.challenge import LIFETIME, Pause
from handlers.typed.words import words
from tests.handlers.report.sample import NOW
from tests.handlers.typed.stage import MANY, NAME, NUMBER, Stage, opened_stage

LANGUAGES = ("zh", "en")


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose site has just had more misses than honest people make."""
    with opened_stage(tmp_path, replace(MANY, pause_above=5)) as stage:
        stage.miss(5)
        yield stage


def hidden(page: TestResponse) -> dict[str, str]:
    """Return the hidden fields of the pause page."""
    assert page.status_code == 429
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))


def again(stage: Stage, page: TestResponse) -> TestResponse:
    """Press 继续."""
    return stage.ask(**hidden(page))


def is_found(page: TestResponse) -> bool:
    """Tell whether the report is shown."""
    return page.status_code == 200 and "V0</span>" in page.text


def test_as_long_as_misses_are_few_nobody_pauses(tmp_path: Path) -> None:
    with opened_stage(tmp_path, replace(MANY, pause_above=5)) as stage:
        stage.miss(4)
        assert is_found(stage.ask())


def test_under_attack_a_right_pair_pauses_and_is_then_found_without_typing_it_again(attacked: Stage) -> None:
    page = attacked.ask(department="示例市人才服务中心")
    assert hidden(page).items() >= {"number": NUMBER, "name": NAME, "department": "示例市人才服务中心"}.items()
    attacked.now += timedelta(seconds=10)
    assert is_found(again(attacked, page))
    assert [look.department for look in attacked.looks()] == ["示例市人才服务中心"]


def test_a_right_and_a_wrong_pair_pause_alike(attacked: Stage) -> None:
    right, wrong = attacked.ask(), attacked.ask("99999999", "没有人")

    def without_what_was_typed(page: TestResponse) -> str:
        return re.sub(r'value="[^"]*"', "", page.text)

    assert without_what_was_typed(right) == without_what_was_typed(wrong)
    assert right.status_code == wrong.status_code
    attacked.now += timedelta(seconds=10)
    miss = attacked.ask(**hidden(wrong))
    assert miss.status_code == 200
    assert words("zh")["miss"]["heading"] in miss.text


def test_whoever_continues_too_early_keeps_the_ticket_and_is_told_the_rest(attacked: Stage) -> None:
    page = attacked.ask()
    attacked.now += timedelta(seconds=7)
    early = again(attacked, page)
    assert hidden(early)["ticket"] == hidden(page)["ticket"]
    assert 'data-wait="3"' in early.text
    assert early.headers["Retry-After"] == "3"
    attacked.now += timedelta(seconds=3)
    assert is_found(again(attacked, early))


def test_a_ticket_is_good_once(attacked: Stage) -> None:
    page = attacked.ask()
    attacked.now += timedelta(seconds=10)
    assert is_found(again(attacked, page))
    second = again(attacked, page)
    assert hidden(second)["ticket"] != hidden(page)["ticket"]


def test_a_ticket_of_another_block_is_worth_nothing_and_one_of_the_same_block_is(attacked: Stage) -> None:
    page = attacked.ask()
    attacked.now += timedelta(seconds=10)
    attacked.address = "198.51.100.1"
    assert again(attacked, page).status_code == 429
    attacked.address = "203.0.113.250"
    assert is_found(again(attacked, page))


def test_a_ticket_ends(attacked: Stage) -> None:
    page = attacked.ask()
    attacked.now += timedelta(seconds=LIFETIME)
    assert is_found(again(attacked, page))
    page = attacked.ask()
    attacked.now += timedelta(seconds=LIFETIME + 1)
    assert again(attacked, page).status_code == 429


@pytest.mark.parametrize("ticket", ["", "x", "x.y", ".", "W10.AAAA", "é\x00", "x" * 5000])
def test_a_forged_ticket_is_worth_nothing(attacked: Stage, ticket: str) -> None:
    attacked.now += timedelta(seconds=10)
    assert attacked.ask(ticket=ticket).status_code == 429


def test_a_ticket_signed_by_somebody_else_is_worth_nothing(attacked: Stage) -> None:
    block = attacked.budgets.attempt(attacked.address, "").block
    forged = Pause("another secret", lambda: NOW - timedelta(seconds=30)).issue(block).text
    own = Pause(attacked.secret, lambda: NOW - timedelta(seconds=30)).issue(block).text
    assert attacked.ask(ticket=forged).status_code == 429
    assert is_found(attacked.ask(ticket=own))


def test_under_attack_the_empty_form_brings_its_ticket_so_that_who_types_has_waited(attacked: Stage) -> None:
    found = re.search(r'name="ticket" value="([^"]+)"', attacked.open().text)
    assert found
    attacked.now += timedelta(seconds=10)
    assert is_found(attacked.ask(ticket=found[1]))


def test_the_pause_ends_with_the_hour_of_the_attack(attacked: Stage) -> None:
    assert attacked.ask().status_code == 429
    attacked.now += timedelta(hours=1)
    assert is_found(attacked.ask())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_what_happens_and_how_long(attacked: Stage, language: str) -> None:
    page = attacked.ask(query=f"?lang={language}")
    said = words(language)["pause"]
    for sentence in (said["heading"].format(seconds=10), said["sentence"], said["next"].format(seconds=10)):
        assert sentence in page.text
    assert 'src="/static/pause.js"' in page.text
    assert f'action="/verify{"?lang=en" if language == "en" else ""}"' in page.text


def test_what_is_kept_over_the_pause_cannot_break_out_of_its_field(attacked: Stage) -> None:
    page = attacked.ask('"><script>alert(1)</script>', "<b>'\"王")
    assert "<script>alert" not in page.text
    assert "<b>" not in page.text


@pytest.mark.parametrize("microsecond", [0, 1, 499, 500, 501, 999_501, 999_999])
def test_whoever_waits_exactly_as_long_as_the_page_says_has_waited_long_enough(microsecond: int) -> None:
    now = NOW.replace(microsecond=microsecond)
    ticket = Pause("secret", lambda: now).issue("block")
    read = Pause("secret", lambda: now + timedelta(seconds=ticket.wait)).read(ticket.text, "block")
    early = Pause("secret", lambda: now + timedelta(seconds=ticket.wait, milliseconds=-2)).read(ticket.text, "block")
    assert read is not None
    assert early is not None
    assert (read.wait, early.wait) == (0, 1)
