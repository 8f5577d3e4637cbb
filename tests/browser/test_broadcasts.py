"""A real browser at the room of notices: written, checked, approved by a second person, and watched while it runs."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from werkzeug.serving import make_server

from bot.notices.delivery import Channel, DeliveryState, Reason
from bot.notices.scene import Halt
from bot.staff.policy import Role
from bot.use_cases.manage_broadcasts import NoticeRules
from bot.use_cases.run_broadcasts import run_broadcasts
from handlers.staff.notice_door import NoticeDoor
from handlers.wechat.rendering import render
from tests.browser.page import Page
from tests.handlers.staff.stage import PASSWORD, ConsoleStage, raised

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
CHANNELS = frozenset({Channel.SERVICE, Channel.TEMPLATE, Channel.MASS})
WIDTHS: tuple[tuple[int, Callable[[Page], None]], ...] = ((360, Page.as_phone), (1280, Page.as_desk))


@dataclass(frozen=True)
class School:
    """The console of a school behind a real server."""

    stage: ConsoleStage
    url: str

    def send(self, *ends: tuple[DeliveryState, Reason | None, Channel | None]) -> None:
        """Let the deliveries that are due end so, one after the other, as a worker would."""
        now = self.stage.now
        with self.stage.installation.work.writing() as uow:
            ids = uow.ledger.claim("worker", now + timedelta(minutes=1), now, len(ends))
            for id_, (state, reason, channel) in zip(ids, ends, strict=False):
                scene = uow.ledger.scene(id_, "worker", now)
                assert scene
                after = replace(scene.delivery, state=state, reason=reason, channel=channel, sending_at=now, why="测试")
                uow.ledger.move(after, DeliveryState.LEASED, "worker")
            uow.beats.beat(now)
            uow.commit()


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with raised(tmp_path_factory.mktemp("notices")) as stage:
        NoticeDoor(NoticeRules(10), CHANNELS, render).attach(stage.app)
        server = make_server("127.0.0.1", 0, stage.app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield School(stage, f"http://127.0.0.1:{server.port}")
        finally:
            server.shutdown()


def log_in(page: Page, school: School, role: Role) -> None:
    page.chrome.delete_all_cookies()
    page.as_desk()
    page.open(f"{school.url}/staff/login")
    page.all("#login")[0].send_keys(role.name.lower())
    page.all("#password")[0].send_keys(PASSWORD + Keys.ENTER)
    page.reads("退出", ".bar")


def presses(page: Page, words: str) -> None:
    """Press the button or follow the link with exactly these words."""

    def found() -> bool:
        for each in page.all("main button, main a, main summary"):
            if each.text == words and each.is_displayed():
                page.chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", each)
                each.click()
                return True
        return False

    page.wait(found, words)


def looks(page: Page, name: str) -> None:
    """Take a picture at both widths, whole pages; nothing may stick out."""
    for width, turn in WIDTHS:
        turn(page)
        height = int(page.chrome.execute_script("return document.documentElement.scrollHeight"))
        assert page.fits(width), f"{name} at {width}"
        page.chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        page.photographs(f"notices-{name}-{width}")
    page.as_desk()


def writes(page: Page, school: School) -> None:
    """Write a notice to all who have not confirmed, and send it to a second person."""
    page.open(f"{school.url}/staff/broadcasts")
    looks(page, "empty")
    presses(page, "写通知")
    page.all("#title")[0].send_keys("确认截止提醒")
    for words, variable in (("你好，", "{姓名}"), ("！去向登记确认还剩 ", "{剩余天数}"), (" 天。\n", "{下一步}")):
        page.all("#text")[0].send_keys(words)
        presses(page, variable)
    assert page.all("#text")[0].get_property("value") == "你好，{姓名}！去向登记确认还剩 {剩余天数} 天。\n{下一步}"
    page.reads("字", "[data-size]")
    looks(page, "form")
    # A college lists its majors at once, and keeps what was typed.
    Select(page.all("select[name=college]")[0]).select_by_value("文学院")
    page.wait(lambda: page.all("select[name=major]"), "the majors")
    Select(page.all("select[name=college]")[0]).select_by_value("")
    page.wait(lambda: not page.all("select[name=major]"), "the majors to go")
    assert page.all("#title")[0].get_property("value") == "确认截止提醒"
    presses(page, "看看会发给谁")
    page.reads("钱华晨！去向登记确认还剩 5 天", ".bubble")
    looks(page, "check")
    presses(page, "送审")
    page.reads("已送审", ".flash")
    looks(page, "awaiting-own")


def approves(page: Page, school: School) -> None:
    """Approve what waits."""
    page.open(f"{school.url}/staff/broadcasts")
    looks(page, "list-awaiting")
    presses(page, "去审批")
    page.reads("批准", "main")
    looks(page, "awaiting")
    presses(page, "批准，立即发送")
    page.reads("已批准", ".flash")
    page.reads("马上开始", ".work")


def test_a_notice_is_written_checked_approved_by_another_and_watched(page: Page, school: School) -> None:
    log_in(page, school, Role.OFFICE)
    page.complaints()
    writes(page, school)
    log_in(page, school, Role.ADMINISTRATOR)
    approves(page, school)
    run_broadcasts(school.stage.installation.office)  # begins, and writes the audience down
    page.reads("正在发送", ".kicker")
    page.reads("待发 14", ".legend")
    # The bar moves by itself, and a state that is new stands there too.
    sent = (DeliveryState.ACCEPTED, None, Channel.TEMPLATE)
    school.send(sent, sent, sent, (DeliveryState.FAILED_TEMP, Reason.BUSY, Channel.TEMPLATE))
    page.reads("已发出 3", ".legend")
    page.reads("未送达，可重试", ".states")
    looks(page, "running")
    school.send(sent, (DeliveryState.UNKNOWN, Reason.NO_ANSWER, Channel.SERVICE), sent)
    page.reads("已发出 5", ".legend")
    presses(page, "暂停")
    page.reads("已暂停", ".kicker")
    looks(page, "paused")
    presses(page, "未送达，可重试")
    page.reads("微信一直繁忙", ".results")
    looks(page, "results-few")
    assert page.complaints() == []


def test_every_page_of_the_room_fits_a_phone_and_a_desk(page: Page, school: School) -> None:
    log_in(page, school, Role.OFFICE)
    now = school.stage.now
    with school.stage.installation.work.writing() as uow:
        uow.halts.put(Halt(Channel.TEMPLATE, now + timedelta(hours=9), 45009, "模板消息今天的次数用完了", now))
        uow.halts.put(Halt(None, None, 0, "数据库好像恢复过备份：先核对通知，再点“恢复发送”。", now))
        uow.commit()
        newest = uow.broadcasts.newest("2023", 1)
    page.open(f"{school.url}/staff/broadcasts")
    looks(page, "list")
    page.open(f"{school.url}/staff/broadcasts/planned")
    looks(page, "planned")
    if newest:
        page.open(f"{school.url}/staff/broadcasts/{newest[0].id}/results")
        looks(page, "results")
    page.open(f"{school.url}/staff/broadcasts/new")
    presses(page, "看看会发给谁")
    page.reads("请填写标题", ".refusal")
    looks(page, "form-refused")
    log_in(page, school, Role.COUNSELLOR)
    page.open(f"{school.url}/staff/broadcasts")
    looks(page, "list-counsellor")
    page.chrome.delete_all_cookies()


@pytest.fixture(autouse=True)
def _own_cookies(page: Page, pictures: Path) -> Iterator[None]:
    assert pictures.is_dir()
    yield
    page.chrome.delete_all_cookies()
