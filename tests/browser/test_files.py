"""The file check in a real browser: choose a file on ``/verify``, send it, read the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.page import Page
from tests.handlers.files import tampering as tamper
from tests.handlers.files.built import Built, built
from tests.journeys.stage import serving

pytestmark = pytest.mark.browser


@contextmanager
def served(folder: Path) -> Iterator[tuple[Built, str]]:
    """Serve the whole application."""
    with built(folder) as made, serving(made.web) as url:
        yield made, url


def send(page: Page, url: str, file: Path) -> str:
    """Send a file through the form and return the headline of the answer."""
    page.open(f"{url}/verify")
    page.wait(lambda: page.all("#file"), "the form")
    page.all("#file")[0].send_keys(str(file))
    page.all("form[enctype] button")[0].click()
    page.wait(lambda: page.all("section.verdict h1"), "the answer")
    return page.all("section.verdict h1")[0].text


def test_an_original_and_a_changed_file_through_the_form(page: Page, tmp_path: Path) -> None:
    with served(tmp_path) as (made, url):
        original, changed, large = (tmp_path / name for name in ("original.pdf", "changed.pdf", "large.pdf"))
        original.write_bytes(made.pdf)
        changed.write_bytes(tamper.rewritten(made.pdf, tamper.copied("学院", "档案接收单位")))
        large.write_bytes(made.pdf + b"0" * 20_000_000)
        assert send(page, url, original) == "原件，报告生效中"
        assert send(page, url, changed) == "文件被改动过"
        marks = [mark.text for mark in page.all("tr.different .mark")]
        assert marks == ["不一致"]
        assert send(page, url, large) == "无法检查"
