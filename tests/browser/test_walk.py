"""A real browser walks the phone page from 关注 to the report, on the demo as a newcomer starts it."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import zxingcpp
from PIL import Image

from tests.browser.conftest import Demo
from tests.browser.page import ACTIVE, Page
from tests.listening import LISTENER

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ENTRY = "单位：示例市人才服务中心 地址：示例省示例市学府路 1 号 201 室 邮编：010010 联系人：档案科 电话：0471-6200003"


def test_a_graduate_walks_from_following_to_the_report(page: Page, demo: Demo, downloads: Path) -> None:
    number, name, tail = demo.tryout("已有去向，还没有档案信息")
    page.as_phone()
    page.open(f"{demo.url}/")
    page.click(f"{ACTIVE} .follow")
    page.reads("是否同意")
    page.photographs("01-consent")
    log_in(page, (number, name, tail))
    page.reads("请核对你的个人信息")
    page.photographs("02-personal-data")
    page.taps("信息正确")
    page.reads("办理进度")
    page.photographs("03-board")
    page.taps("档案信息登记")
    page.reads("怎么转递")
    page.taps("单位接收档案")
    page.taps("托管单位接收")
    page.reads("单位全称")
    page.types(ENTRY)
    page.reads("请核对要提交的档案信息")
    page.photographs("04-archive")
    page.taps("提交审核")
    page.reads("等老师审核")
    demo.quxiang("archive", "approve", number)
    page.reads("已通过审核")
    page.photographs("05-approved-by-itself")
    page.types("确认")
    page.reads("请最后核对")
    page.photographs("06-preview")
    page.taps("信息无误，确认登记去向")
    page.reads("实人验证")
    page.taps("去学信网实人验证")
    page.enters_overlay("实人验证")
    page.photographs("07-real-person")
    page.click("button")
    page.reads("请回到微信", "body")
    page.leaves_overlay()
    page.reads("实人验证已完成")
    page.types("核验")
    page.reads("有效期设多久")
    page.taps("一个月")
    page.reads("生效中")
    page.photographs("08-verification")
    assert page.fits(360)
    look_at_the_report(page, downloads, tail)
    assert page.complaints() == []


def log_in(page: Page, who: tuple[str, str, str]) -> None:
    """Agree and say who it is."""
    number, name, tail = who
    page.taps("同意")
    page.reads("学号")
    page.types(number)
    page.reads("姓名")
    page.types(name)
    page.reads("后六位")
    page.types(tail)


def look_at_the_report(page: Page, downloads: Path, tail: str) -> None:
    """Open the report inside the phone, look at its picture, download it, and scan its code."""
    shown = page.all(f"{ACTIVE} .say.them:last-child")[0].text
    number = re.findall(r"\d{8}", shown)[0]
    page.taps("查看下载报告")
    page.enters_overlay(number)
    assert page.fits(360)
    page.photographs("09-report-forwarded")
    page.all("#tail")[0].send_keys(tail)
    page.click("form button")
    loaded = "const i = document.querySelector('.preview img'); return i.complete && i.naturalWidth > 700"
    page.wait(lambda: page.chrome.execute_script(loaded), "the picture of the report")
    assert page.fits(360)
    page.photographs("09-report")
    address = page.chrome.execute_script("return location.href")
    opened = page.chrome.execute_script("return document.querySelector('.preview').href").removesuffix("/preview.png")
    LISTENER.guard([urlsplit(url).path.split("/")[2] for url in (address, opened)])
    page.click("a.button")
    page.wait(lambda: any(file.read_bytes().startswith(b"%PDF-") for file in downloads.glob("*.pdf")), "the PDF")
    page.leaves_overlay()
    code = scan(opened, page.pictures / "report.png")
    page.open(code)
    page.reads("生效中", "body")
    page.reads(number, "body")
    assert page.fits(360)
    page.photographs("10-landing")
    page.as_desk()
    page.photographs("11-landing-wide")
    assert page.fits(1280)
    page.open(address)
    page.reads(number, "body")
    page.photographs("12-report-wide")
    assert page.fits(1280)


def scan(report: str, path: Path) -> str:
    """Read the code on the report as a scanner does."""
    with requests.Session() as scanner:
        scanner.trust_env = False
        path.write_bytes(scanner.get(f"{report}/preview.png", timeout=10).content)
    with Image.open(path) as picture:
        (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    LISTENER.guard([urlsplit(code.text).path.split("/")[2]])
    return str(code.text)


def takes_a_new_phone(page: Page) -> str:
    """Put a new phone on the table, follow, and return its name."""
    page.wait(lambda: page.all(ACTIVE), "a phone")
    known = {each.get_attribute("data-phone") for each in page.all(".phone")}
    page.click("#add-phone")
    page.wait(lambda: page.all(ACTIVE)[0].get_attribute("data-phone") not in known, "a new phone")
    page.click(f"{ACTIVE} .follow")
    page.reads("是否同意")
    return page.all(ACTIVE)[0].get_attribute("data-phone") or ""


def test_a_second_phone_takes_the_graduate_over_and_the_first_is_told_by_itself(page: Page, demo: Demo) -> None:
    page.as_desk()
    page.open(f"{demo.url}/")
    first = takes_a_new_phone(page)
    log_in(page, demo.tryout("档案转回生源地"))
    page.reads("请核对你的个人信息")
    takes_a_new_phone(page)
    log_in(page, demo.tryout("档案转回生源地"))
    page.reads("换绑")
    page.taps("换绑到这个微信")
    page.reads("换绑成功")
    page.reads("换绑到了另一个微信号", f".phone[data-phone='{first}'] .say.them:last-child")
    page.photographs("13-two-phones")
    assert page.complaints() == []


def test_the_menu_and_the_tools_can_be_reached_by_touch(page: Page, demo: Demo) -> None:
    page.as_phone()
    page.open(f"{demo.url}/")
    page.wait(lambda: page.all(f"{ACTIVE} .cell"), "the menu")
    if page.all(f"{ACTIVE} .follow")[0].is_displayed():
        page.click(f"{ACTIVE} .follow")
        page.reads("是否同意")
    if page.all(f"{ACTIVE} .to-menu")[0].is_displayed():
        page.click(f"{ACTIVE} .to-menu")
    page.click(f"{ACTIVE} .cell:first-child > button")
    page.photographs("14-menu")
    page.click(f"{ACTIVE} .submenu:not([hidden]) button:first-child")
    page.click(f"{ACTIVE} .to-keys")
    page.click(f"{ACTIVE} .plus")
    page.photographs("15-tools")
    page.click(f"{ACTIVE} [data-tool=voice]")
    page.reads("语音")
    assert page.fits(360)
