from datetime import datetime, timedelta

import pytest

from handlers.report.tokens import ReportLinks
from tests.handlers.report.sample import NOW

SECRET = "invented-secret-of-thirty-two-chars"


def links(now: datetime = NOW, *secrets: str) -> ReportLinks:
    return ReportLinks(secrets or (SECRET,), lambda: now, "https://bys.example.edu.cn/")


def test_a_link_leads_back_to_its_verification() -> None:
    url = links().url("v-archive")
    assert url.startswith("https://bys.example.edu.cn/r/")
    assert links().read(url.rsplit("/", 1)[1]) == "v-archive"


def test_a_link_works_seven_days_and_not_a_second_longer() -> None:
    token = links().token("v-archive")
    assert links(NOW + timedelta(days=7)).read(token) == "v-archive"
    assert links(NOW + timedelta(days=7, seconds=1)).read(token) is None


def test_a_link_from_the_future_is_refused() -> None:
    assert links(NOW - timedelta(seconds=1)).read(links().token("v-archive")) is None


def test_every_changed_character_is_refused() -> None:
    token = links().token("v-archive")
    for position, right in enumerate(token[:-1]):  # the last one has two spare bits in base64
        wrong = "A" if right != "A" else "B"
        assert links().read(token[:position] + wrong + token[position + 1 :]) is None


@pytest.mark.parametrize("junk", ["", "x", "a.b.c", "去", "." * 500])
def test_junk_is_no_link(junk: str) -> None:
    assert links().read(junk) is None


def test_an_older_secret_is_read_during_rotation_and_refused_afterwards() -> None:
    token = links().token("v-archive")
    assert links(NOW, SECRET, "the-new-secret-of-thirty-two-chars").read(token) == "v-archive"
    assert links(NOW, "the-new-secret-of-thirty-two-chars").read(token) is None


def test_the_secret_does_not_show_when_written_to_a_log() -> None:
    assert SECRET not in repr(links())
