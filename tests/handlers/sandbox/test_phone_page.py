"""A real browser uses the phone page: it must work by touch, stay safe, and fit a small screen."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.handlers.sandbox.stage import CHSI_SECRET, Stage, text_reply

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.browser
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --window-size=1280,860"
)
SMALL = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
HOSTILE = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'><a href=\"javascript:pwned=1\">x</a>"


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    driver = shutil.which("chromedriver")
    if driver is None:
        if "browser" in os.environ.get("QUXIANG_REQUIRE", "").split(","):
            pytest.fail("browser: chromedriver is not installed", pytrace=False)
        pytest.skip("browser: chromedriver is not installed; QUXIANG_REQUIRE=browser makes this a failure")
    options = webdriver.ChromeOptions()
    profile: Path = tmp_path_factory.mktemp("profile")
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


class Page:
    """The page in the browser, in the words of a person."""

    def __init__(self, chrome: webdriver.Chrome, url: str) -> None:
        self.chrome = chrome
        chrome.get(url + "/")
        self.wait(lambda: self.all(".phone.active .follow, .phone.active .say"))

    def wait(self, holds: Callable[[], object], seconds: float = 6) -> None:
        end = time.monotonic() + seconds
        while True:
            # While a page loads, elements and whole frames may go as they are looked at; then look again.
            with suppress(WebDriverException):
                if holds():
                    return
            assert time.monotonic() < end, "the page did not come to this in time"
            time.sleep(0.05)

    def all(self, selector: str) -> list[WebElement]:
        return list(self.chrome.find_elements(By.CSS_SELECTOR, selector))

    def click(self, selector: str) -> None:
        self.wait(lambda: self.all(selector))
        self.all(selector)[-1].click()

    def reads(self, text: str, selector: str = ".phone.active .chat") -> None:
        self.wait(lambda: any(text in each.text for each in self.all(selector)))

    def say(self, text: str) -> None:
        self.all(".phone.active textarea")[0].send_keys(text + Keys.ENTER)

    def complaints(self) -> list[str]:
        log = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]  # selenium left it untyped
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]


@pytest.fixture
def page(stage: Stage, chrome: webdriver.Chrome) -> Page:
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SMALL)
    return Page(chrome, stage.url)


def test_a_person_follows_types_taps_and_opens_pages(stage: Stage, page: Page) -> None:
    tap = f'<a href="weixin://bizmsgmenu?msgmenucontent={quote("转回生源地")}&msgmenuid=9">2 转回生源地</a>'
    link = f'<a href="{stage.url}/strict">查看</a>'
    stage.bot.answer = lambda node: text_reply(
        node.get("FromUserName") or "", f"收到 {node.get('Content')}\n{tap}\n{link}\n{HOSTILE}"
    )
    page.click(".phone.active .follow")
    page.reads("收到")
    page.say("你好 <b>")
    page.reads("收到 你好 <b>")
    page.chrome.find_elements(By.LINK_TEXT, "2 转回生源地")[-1].click()
    page.reads("收到 转回生源地")
    assert stage.bot.messages[-1].get("bizmsgmenuid") == "9"
    page.chrome.find_elements(By.LINK_TEXT, "查看")[-1].click()
    page.reads("严格的页面", ".browser .title")
    page.chrome.switch_to.frame(page.all(".browser iframe")[0])
    assert page.all("body")[0].text == "内容"
    page.chrome.switch_to.default_content()
    page.click(".browser .close")
    assert page.chrome.execute_script("return window.pwned === undefined")
    assert "onerror" in page.all(".phone.active .chat")[0].text
    assert page.chrome.execute_script("return document.documentElement.scrollWidth") == 360
    # The favicon and the page itself must load without a word from the browser; the strict page has no style to miss.
    assert page.complaints() == []


def test_faults_show_the_banner_and_messages_come_by_themselves(stage: Stage, page: Page) -> None:
    page.click(".phone.active .follow")
    page.reads("回：")
    stage.bot.answer = lambda _node: b"{}"
    page.say("你好")
    page.reads("该公众号提供的服务出现故障，请稍后再试", ".phone.active .banner")
    phone = stage.sandbox.phones()[0]
    message = {"touser": phone.openid, "msgtype": "text", "text": {"content": "档案已通过审核"}}
    stage.api("message/custom/send", message)
    page.reads("档案已通过审核")
    page.chrome.refresh()
    page.reads("档案已通过审核")


def test_the_menu_opens_and_the_scanner_reads(stage: Stage, page: Page) -> None:
    entries = [{"type": "click", "name": "去向登记", "key": "register"}]
    scan = {"type": "scancode_waitmsg", "name": "扫码", "key": "scan"}
    stage.api("menu/create", {"button": [{"name": "毕业生", "sub_button": entries}, scan]})
    page.click(".phone.active .follow")
    page.reads("回：")
    page.click(".phone.active .cell:first-child > button")
    page.click(".phone.active .submenu:not([hidden]) button")
    page.wait(lambda: stage.bot.messages[-1].get("EventKey") == "register")
    page.click(".phone.active .cell:last-child > button")
    page.all(".scan textarea")[0].send_keys("23127150")
    page.click(".scan .ok")
    page.wait(lambda: stage.bot.messages[-1].get("ScanCodeInfo", "ScanResult") == "23127150")


def test_a_second_phone_and_the_panel_stand_on_a_wide_screen(
    stage: Stage, page: Page, chrome: webdriver.Chrome
) -> None:
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chrome.refresh()
    page.click("#add-phone")
    page.wait(lambda: len([each for each in page.all(".phone") if each.is_displayed()]) == 2)
    page.click("#show-panel")
    page.wait(lambda: page.all("#panel .choices button[aria-pressed]"))
    page.all("#panel .choices button[aria-pressed]")[0].click()
    page.wait(lambda: stage.sandbox.mode == "plain")


def test_the_real_person_check_runs_inside_the_phone(stage: Stage, page: Page) -> None:
    session = stage.sandbox.chsi.begin("张三", "11010519491231002X", CHSI_SECRET[:4])
    address = stage.sandbox.chsi.url(session)
    stage.bot.answer = lambda node: text_reply(node.get("FromUserName") or "", f'<a href="{address}">去验证</a>')
    page.click(".phone.active .follow")
    page.reads("去验证")
    page.chrome.find_element(By.LINK_TEXT, "去验证").click()
    page.reads("实人验证", ".browser .title")
    page.chrome.switch_to.frame(page.all(".browser iframe")[0])
    page.click("button")
    page.reads("请回到微信", "main")
    page.chrome.switch_to.default_content()
    assert len(stage.bot.callbacks) == 1
