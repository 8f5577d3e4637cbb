"""A clerk with a real browser: the page works without script, under its own policy, and no Referer tells the token."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import request

from bot.registration.verification import Subject
from tests.browser.page import Page
from tests.handlers.report.stage import Stage, opened_stage
from tests.journeys.stage import serving

if TYPE_CHECKING:
    from flask import Flask

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A stage of its own."""
    with opened_stage(tmp_path) as opened:
        yield opened


@pytest.fixture
def headers(stage: Stage) -> list[tuple[str, str | None]]:
    """Path and Referer of every request, in their order."""
    heard: list[tuple[str, str | None]] = []
    web: Flask = stage.client.application

    @web.before_request
    def hear() -> None:
        heard.append((request.path, request.headers.get("Referer")))

    return heard


@pytest.mark.parametrize("has_script", [True, False])
def test_a_clerk_reads_the_verdict_records_the_arrival_and_leaves_no_trace_in_a_referer(
    stage: Stage, headers: list[tuple[str, str | None]], page: Page, has_script: bool
) -> None:
    page.as_phone()
    page.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not has_script})
    try:
        with serving(stage.client.application) as url:
            page.open(url + stage.code(Subject.ARCHIVE))
            page.reads("生效中", "h1")
            page.click("summary")
            page.all("#department")[0].send_keys("苏州市人才服务中心")
            page.all("#contact")[0].send_keys("见 www.example.cn")
            page.click(".ask button")
            page.reads("联系方式请写电话号码", ".refusal")
            assert page.all("#department")[0].get_attribute("value") == "苏州市人才服务中心"
            page.all("#contact")[0].clear()
            page.all("#contact")[0].send_keys("0512-62881234")
            page.click(".ask button")
            page.reads("已登记", "h1")
            page.click(".button")
            page.reads("已有单位在", ".card")
            page.click(".ways a")
            page.wait(lambda: any(path == "/verify/offline" for path, _ in headers), "the link was followed")
    finally:
        page.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    left = next(at for at, (path, _) in enumerate(headers) if path == "/verify/offline")
    assert {referer for _, referer in headers[: left + 1]} == {None}
    with stage.work.reading() as uow:
        assert [receipt.department for receipt in uow.receipts.of(["v-archive"])] == ["苏州市人才服务中心"]


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_nothing_sticks_out_on_any_width(stage: Stage, page: Page, width: int) -> None:
    page.as_desk(width)
    with serving(stage.client.application) as url:
        for query in ("", "?lang=en"):
            page.open(url + stage.code(Subject.ARCHIVE) + query)
            page.click("summary")
            assert page.fits(width)
