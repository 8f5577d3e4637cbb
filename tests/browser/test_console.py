"""A real browser at the staff console of the demo: an office worker logs in, imports, reviews, corrects and exports."""

import csv
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from tests.browser.conftest import Demo
from tests.browser.page import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PASSWORD = "quxiang-demo"
ROOMS = ("progress", "graduates", "reviews", "corrections", "broadcasts", "roster", "season", "people", "audit")
UNIT = "示例新单位有限公司"


@pytest.fixture
def office(page: Page, demo: Demo, downloads: Path) -> Iterator[Page]:
    """The browser with the office logged in."""
    page.chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    log_in(page, demo, "office")
    yield page
    page.chrome.delete_all_cookies()


def log_in(page: Page, demo: Demo, login: str) -> None:
    page.as_desk()
    page.open(f"{demo.url}/staff/login")
    page.all("#login")[0].send_keys(login)
    page.all("#password")[0].send_keys(PASSWORD + Keys.ENTER)
    page.reads("走到哪一步", "body")
    page.complaints()


def presses(page: Page, words: str) -> None:
    """Press the button or follow the link with these words."""

    def found() -> bool:
        for each in page.all("main button, main a, main summary"):
            if words in each.text:
                each.click()
                return True
        return False

    page.wait(found, words)


def arrives(downloads: Path, pattern: str, act: Callable[[], None]) -> Path:
    """Do something and return the file that it brings."""
    before = set(downloads.glob(pattern))
    act()
    end = time.monotonic() + 15
    while not (new := set(downloads.glob(pattern)) - before):
        assert time.monotonic() < end, f"no file {pattern} came"
        time.sleep(0.05)
    return new.pop()


def sheet_of(path: Path) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    return book, sheet


def columns_of(sheet: Worksheet, row: int) -> dict[str, int]:
    return {str(cell.value): number for number, cell in enumerate(sheet[row], 1)}


def test_every_room_fits_a_phone_and_a_desk(page: Page, demo: Demo) -> None:
    log_in(page, demo, "admin")
    for room in ROOMS:
        for width, turn in ((360, page.as_phone), (1280, page.as_desk)):
            turn()
            page.open(f"{demo.url}/staff/{room}")
            page.reads("退出", ".bar")
            assert page.fits(width), f"{room} at {width}"
            page.photographs(f"console-{room}-{width}")
    assert page.complaints() == []
    page.chrome.delete_all_cookies()


def test_the_office_imports_a_roster_looks_at_it_and_takes_it_back(office: Page, demo: Demo, tmp_path: Path) -> None:
    path = tmp_path / "名册.xlsx"
    demo.quxiang("roster", "export", str(path))
    book, sheet = sheet_of(path)
    column = columns_of(sheet, 1)
    sheet.cell(2, column["单位名称"]).value = UNIT
    # A spreadsheet has turned an ID number into a number, and its last digits are gone.
    sheet.cell(3, column["身份证号"]).value = 110000200401010000
    sheet.cell(3, column["身份证号"]).number_format = "0"
    number = str(sheet.cell(2, column["学号"]).value)
    book.save(path)

    office.open(f"{demo.url}/staff/roster")
    office.all("#file")[0].send_keys(str(path))
    presses(office, "上传并核对")
    office.reads("不能用", ".sums")
    office.reads(f"{get_column_letter(column['身份证号'])}3", "table")
    office.photographs("console-roster-preview")
    presses(office, "只写入没有问题的")
    office.reads("写入", ".chip")
    office.wait(lambda: UNIT in exported(demo, tmp_path, number), "the new unit in the register")
    office.chrome.refresh()
    presses(office, "撤销这次导入")
    presses(office, "撤销这次导入") if office.all("details[open]") == [] else office.all("details[open] button")[
        0
    ].click()
    office.reads("恢复 1 人", "main")
    assert UNIT not in exported(demo, tmp_path, number)


def exported(demo: Demo, folder: Path, number: str) -> str:
    """Return a graduate's row as the register has it now."""
    path = folder / "now.csv"
    path.unlink(missing_ok=True)
    demo.quxiang("roster", "export", str(path))
    return next(line for line in path.read_text("utf-8-sig").splitlines() if number in line)


def test_the_office_approves_an_entry_that_waits(office: Page, demo: Demo) -> None:
    office.open(f"{demo.url}/staff/reviews")
    waiting = int(office.all("main .hint b, main p b")[0].text)
    office.all("main li a, main article a, main .entry a")[0].click()
    office.reads("通过", "main")
    office.photographs("console-review")
    presses(office, "通过")
    office.open(f"{demo.url}/staff/reviews")
    office.reads(f"还有 {waiting - 1} 份", "main")


def test_a_correction_sheet_goes_out_is_filled_in_and_comes_back(office: Page, demo: Demo, downloads: Path) -> None:
    office.open(f"{demo.url}/staff/corrections")
    path = arrives(downloads, "*.xlsx", lambda: presses(office, "下载更正表"))
    book, sheet = sheet_of(path)
    top = next(row for row in range(1, 9) if "处理" in [cell.value for cell in sheet[row]])
    column = columns_of(sheet, top)
    sheet.cell(top + 1, column["处理"]).value = "采纳"
    sheet.cell(top + 1, column["更正为"]).value = "江苏省苏州市"
    book.save(path)
    office.open(f"{demo.url}/staff/corrections/upload")
    office.all("#sheet")[0].send_keys(str(path))
    presses(office, "看一看会改什么")
    office.reads("核对后办理", "h1")
    office.photographs("console-correction-preview")
    presses(office, "办理这 1 份")
    office.reads("江苏省苏州市", "main")
    office.open(f"{demo.url}/staff/corrections?state=decided")
    office.reads("已更正", "main")


def test_a_counsellor_downloads_own_students_only(page: Page, demo: Demo, downloads: Path) -> None:
    log_in(page, demo, "t11001")
    page.open(f"{demo.url}/staff/graduates")
    Select(page.all("select[name=kind]")[0]).select_by_value("csv")
    path = arrives(downloads, "*.csv", lambda: presses(page, "导出名单"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel needs the mark"
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert rows
    assert {row["辅导员"] for row in rows} == {"周示明"}
    page.chrome.delete_all_cookies()
