"""A reviewer who leaves the mouse alone: the keys of the review room in a real browser, and the look at both widths."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from werkzeug.serving import make_server

from bot.registration.archive import ArchiveStatus
from bot.staff.policy import Role
from tests.browser.page import Page
from tests.handlers.staff.stage import PASSWORD, ConsoleStage, raised

pytestmark = pytest.mark.browser
WAITING = ("2019000005", "2019000015", "2019000025", "2019000035", "2019000045")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ConsoleStage]:
    """A school with five entries that wait."""
    with raised(tmp_path, 50) as stage:
        yield stage


@pytest.fixture
def room(stage: ConsoleStage, page: Page) -> Iterator[str]:
    """The address of the room, with the office logged in."""
    server = make_server("127.0.0.1", 0, stage.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/staff"
    page.as_desk()
    page.open(f"{address}/login")
    page.all("#login")[0].send_keys(stage.accounts[Role.OFFICE].login)
    page.all("#password")[0].send_keys(PASSWORD + Keys.ENTER)
    page.wait(lambda: "/login" not in page.chrome.current_url, "the login")
    page.complaints()
    yield f"{address}/reviews"
    page.chrome.delete_all_cookies()
    server.shutdown()
    thread.join()
    server.server_close()


def press(page: Page, *keys: str) -> None:
    """Press keys wherever the focus is."""
    for key in keys:
        page.chrome.switch_to.active_element.send_keys(key)


def statuses(stage: ConsoleStage) -> list[ArchiveStatus]:
    return [stage.dossier(number).archive.status for number in WAITING]


def test_entries_are_decided_by_keys_one_after_the_other(stage: ConsoleStage, room: str, page: Page) -> None:
    page.open(room)
    press(page, "j", "j", "k", Keys.ENTER)
    page.reads(WAITING[0], "h1")
    press(page, "j")
    page.reads(WAITING[1], "h1")
    press(page, "k")
    page.reads(WAITING[0], "h1")
    press(page, "a")
    page.reads(WAITING[1], "h1")
    page.reads("已通过", ".flash")
    press(page, "1", "r", "aj x", Keys.CONTROL + Keys.ENTER)
    page.reads(WAITING[2], "h1")
    page.reads("已退回", ".flash")
    assert statuses(stage)[:3] == [ArchiveStatus.APPROVED, ArchiveStatus.RETURNED, ArchiveStatus.SUBMITTED]
    assert stage.dossier(WAITING[1]).archive.reason.endswith("；aj x")
    press(page, "?")
    page.reads("回到队列", "[data-keys] p")
    press(page, "u")
    page.reads("审核档案信息", "h1")
    assert page.complaints() == []


def test_chosen_entries_are_decided_together_by_keys(stage: ConsoleStage, room: str, page: Page) -> None:
    page.open(room)
    press(page, "a")
    page.reads("请先勾选", ".refusal")
    press(page, "j", "x", "j", "j", "x", "a")
    page.reads("通过了 2 份", "h1")
    assert statuses(stage) == [
        ArchiveStatus.APPROVED,
        ArchiveStatus.SUBMITTED,
        ArchiveStatus.APPROVED,
        ArchiveStatus.SUBMITTED,
        ArchiveStatus.SUBMITTED,
    ]


def test_nothing_sticks_out_on_a_phone(stage: ConsoleStage, room: str, page: Page) -> None:
    page.as_phone()
    for name, path in {"queue": "", "entry": f"/{stage.dossier(WAITING[0]).id}", "reasons": "/reasons"}.items():
        page.open(f"{room}{path}")
        assert page.fits(360), name
        page.photographs(f"reviews-{name}-phone")
    page.as_desk()
    assert page.complaints() == []
