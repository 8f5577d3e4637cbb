"""The typed lookup in a real browser: what the form takes, and a pause that counts down by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from handlers.typed.words import words
from tests.browser.page import Page
from tests.handlers.typed.stage import MANY, NAME, NUMBER, Stage, opened_stage
from tests.journeys.stage import serving

pytestmark = pytest.mark.browser


@contextmanager
def served(folder: Path, pause_above: int) -> Iterator[tuple[Stage, str]]:
    """Serve the typed lookup, which is under attack from so many misses on."""
    with opened_stage(folder) as base:
        stage = Stage(base.engine, base.work, base.dossier, replace(MANY, pause_above=pause_above), seconds=2)
        with serving(stage.app) as url:
            yield stage, url


def fill(page: Page, number: str, name: str) -> None:
    """Type number and name."""
    page.wait(lambda: page.all("#number"), "the form")
    page.all("#number")[0].send_keys(number)
    page.all("#name")[0].send_keys(name)


@pytest.mark.parametrize(
    ("number", "takes"),
    [
        ("23127150", True),
        ("２３１２７１５０", True),
        ("2312-7150", True),
        (" 2312 7150 ", True),
        ("2312—7150", True),
        ("2312715", False),
        ("231271500", False),
        ("2312715a", False),
        ("", False),
    ],
)
def test_the_browser_itself_notices_a_number_of_another_length(
    page: Page, tmp_path: Path, number: str, takes: bool
) -> None:
    with served(tmp_path, pause_above=10**9) as (_, url):
        page.open(f"{url}/verify")
        fill(page, number, NAME)
        assert page.chrome.execute_script("return document.getElementById('number').checkValidity()") is takes


def test_a_pair_typed_on_a_phone_under_attack_is_shown_after_a_countdown_nobody_has_to_watch(
    page: Page, tmp_path: Path
) -> None:
    page.as_phone()
    with served(tmp_path, pause_above=0) as (stage, url):
        page.open(f"{url}/verify")
        page.photographs("typed-form")
        assert page.fits(360)
        fill(page, NUMBER, NAME)
        page.click("form[action='/verify'] button")
        page.reads("继续", "button[data-wait]")
        page.photographs("typed-pause")
        assert page.fits(360)
        assert not page.all("button[data-wait]")[0].is_enabled()
        stage.now += timedelta(seconds=2)
        page.reads("V0", ".verdict")
        assert page.fits(360)
        assert page.chrome.current_url == f"{url}/verify"
        assert not [said for said in page.complaints() if "Content Security" in said]


def test_a_miss_on_a_phone_says_what_to_look_at_and_keeps_nothing(page: Page, tmp_path: Path) -> None:
    page.as_phone()
    with served(tmp_path, pause_above=10**9) as (_, url):
        page.open(f"{url}/verify?lang=en")
        fill(page, NUMBER, "王小明")
        page.click("form[action='/verify?lang=en'] button")
        page.reads(words("en")["miss"]["heading"], ".verdict")
        assert page.fits(360)
        assert page.all("#number")[0].get_attribute("value") == ""
