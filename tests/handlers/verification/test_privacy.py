"""No public page tells more than its reader needs: every standing, subject and language, every way of looking."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import render_template

from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.registration.report import Standing
from bot.registration.verification import Subject, Verification
from bot.use_cases.look_up_report import Found
from handlers.verification.showing import Form, Looked, shown
from tests.handlers.report.sample import (
    ADDRESS,
    CONTACT,
    HOUSEHOLD_ADDRESS,
    IDENTITY_NUMBER,
    LAST_DAY,
    NOW,
    PHONE,
    SEASON,
    registered,
)
from tests.handlers.report.stage import BASE_URL, Stage
from tests.handlers.verification.test_pages import LANGUAGES, LATER

MOBILE = "13812345678"
SECRETS = (
    *("欧阳㛃䶮", "阳㛃", MOBILE, MOBILE[-4:], PHONE, CONTACT, "李老师", "13900000000", "19320500123456"),
    *("20190001", "机械1901", "机械设计", "机械与电气", "工艺工程师", "苏州某某精密制造", "91320594MA1XXXXX0A"),
    *(IDENTITY_NUMBER[at : at + 5] for at in range(len(IDENTITY_NUMBER) - 4)),
    *(
        "2001-02-03",
        "2001 年",
        "2001年",
        "2001/02",
        "2023-06-30T",
        "不给外人看的原因",
        "王接收",
        "0512-65220000",
        "袋子",
    ),
)


def brought(standing: Standing, subject: Subject) -> tuple[Dossier, Verification, datetime]:
    """Return a dossier whose verification of the subject stands so, and the moment for it."""
    dossier, now = registered(), LATER + timedelta(days=1)
    known = dossier.verification_of(subject)
    assert known is not None
    if standing is Standing.CLOSED:
        dossier = dossier.extend(subject, LAST_DAY, SEASON, LATER).close(subject, LATER)
    if standing is Standing.CONFIRM_AGAIN:
        dossier = dossier.fallen(LATER)
    if standing is Standing.ANNULLED:
        dossier = dossier.annul(known.id, "不给外人看的原因", LATER)
    if standing is Standing.UNCONFIRMED:
        dossier = replace(dossier, confirmation=None)
    if standing is Standing.EXPIRED:
        now = known.valid_until + timedelta(seconds=1)
    latest = dossier.verification_of(subject)
    assert latest is not None
    return dossier, latest, now


@pytest.mark.parametrize("standing", [s for s in Standing if s is not Standing.UNKNOWN])
@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("has_form", [True, False])
def test_a_page_tells_what_its_reader_needs_and_nothing_else(
    stage: Stage, standing: Standing, subject: Subject, language: str, has_form: bool
) -> None:
    dossier, verification, now = brought(standing, subject)
    receipt = Receipt("r", verification.id, NOW, "王接收", "0512-65220000", "袋子")
    looked = Looked.at(Found(SEASON, dossier, verification), now, is_extended=True, receipts=[receipt])
    assert looked.view is not None
    assert looked.view.standing is standing
    with stage.client.application.test_request_context():
        content = shown(looked, language, BASE_URL, now, Form("/v/x/received") if has_form else None)
        page = render_template("verification/landing.html", **content)
    assert [secret for secret in SECRETS if secret in page] == []
    of_others = HOUSEHOLD_ADDRESS if subject is Subject.ARCHIVE else ADDRESS
    assert of_others not in page
    if standing is not Standing.IN_FORCE:
        assert ADDRESS not in page
        assert HOUSEHOLD_ADDRESS not in page


@pytest.mark.parametrize("subject", Subject)
def test_the_lines_of_a_page_are_exactly_those_of_its_audience(stage: Stage, subject: Subject) -> None:
    labels = re.findall(r"<dt>([^<]+)</dt>", stage.client.get(stage.code(subject)).text)
    own = {
        Subject.ARCHIVE: ["户档转递类型", "档案接收单位", "档案接收地址"],
        Subject.HOUSEHOLD: ["户口已转入学校", "户口迁往地址"],
    }
    around = ["核验编号", "毕业生姓名", "毕业院校", "核验事项"], ["签发时间", "有效期至", "数据校验码"]
    assert labels == [*around[0], *own[subject], *around[1]]


def test_every_link_that_leaves_the_site_would_tell_nothing_of_where_it_stood(stage: Stage) -> None:
    """``no-referrer`` holds for the whole page; a link elsewhere says it once more, for whoever reads only links."""
    for path in (stage.code(Subject.ARCHIVE), "/v/" + "A" * 148, stage.link(Subject.ARCHIVE)):
        answer = stage.client.get(path)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        leaving = re.findall(r'<a [^>]*href="https?://[^>]*>', answer.text)
        assert all("noreferrer" in link for link in leaving)
