"""The room of the season: what a change means is said first, nothing typed is lost, two at once do not overwrite."""

import html
import re
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.conversation.incoming import Incoming, Kind
from bot.registration.season import SHANGHAI
from bot.staff.policy import Role
from bot.use_cases.receive_message import receive_message
from bot.use_cases.register_unplaced import register_unplaced
from tests.handlers.staff.stage import SEASON, Clerk, ConsoleStage

WORDS = {name: str(value) for name, value in asdict(SEASON).items() if name != "version"}


def typed(**words: str) -> dict[str, Any]:
    """What the form sends."""
    return WORDS | {"basis": "2023:1"} | words


def shown(page: str, name: str) -> str:
    """What stands in a field of the page."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


@pytest.fixture
def admin(stage: ConsoleStage) -> Clerk:
    return stage.clerk(Role.ADMINISTRATOR)


def test_only_administrators_enter(stage: ConsoleStage) -> None:
    for role in (Role.OFFICE, Role.COUNSELLOR, Role.AUDITOR):
        clerk = stage.clerk(role)
        clerk.get("/staff/season", 403)
        clerk.post("/staff/season", 403, **typed(closes="2023-07-05"))
    with stage.installation.work.reading() as uow:
        assert uow.seasons.current() == SEASON


def test_a_change_is_explained_then_saved_with_who_and_what(stage: ConsoleStage, admin: Clerk) -> None:
    page = admin.post("/staff/season/check", 200, **typed(closes="2023-06-29", cutoff="2023-07-05")).text
    assert "16 人还没确认，窗口提前到今天结束后他们不能再确认" in page
    assert "截点从 2023 年 7 月 1 日改到 2023 年 7 月 5 日" in page
    with stage.installation.work.reading() as uow:
        assert uow.seasons.current() == SEASON, "looking saves nothing"
    admin.post("/staff/season", **typed(closes="2023-06-29", cutoff="2023-07-05"))
    with stage.installation.work.reading() as uow:
        assert uow.seasons.current() == replace(SEASON, closes=date(2023, 6, 29), cutoff=date(2023, 7, 5), version=2)
        (entry,) = uow.audit.newest(1)
    assert entry.actor_name == "管理员甲"
    assert entry.details == {
        "确认结束": "2023-07-03 → 2023-06-29",
        "未就业登记截点": "2023-07-01 → 2023-07-05",
        "版本": "2",
    }


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"opens": "2023-07-04"}, {"closes": "晚于确认结束"}),
        ({"changes_until": "2023-07-01"}, {"changes_until": "早于确认结束"}),
        ({"cutoff": "2023-09-01"}, {"cutoff": "晚于变更截止"}),
        ({"closes": "2023-02-30", "cutoff": "下周"}, {"closes": "没有这一天", "cutoff": "2023-06-30 的样子"}),
        ({"closes": ""}, {"closes": "要填写"}),
        ({"office_phone": " "}, {"office_phone": "都要填写"}),
        ({"verification_months": "0"}, {"verification_months": "1 到 60"}),
        ({"verification_months": "六"}, {"verification_months": "整数"}),
        ({"school_system_url": "javascript:alert(1)"}, {"school_system_url": "完整网址"}),
        ({"chsi_url": "https://"}, {"chsi_url": "完整网址"}),
        ({"hotline": "1" * 101}, {"hotline": "最多 100"}),
    ],
)
def test_a_bad_calendar_is_refused_beside_the_field_and_nothing_typed_is_lost(
    admin: Clerk, words: dict[str, str], why: dict[str, str]
) -> None:
    for path in ("/staff/season/check", "/staff/season"):
        page = admin.post(path, 400, **typed(mail="new@example.edu.cn", **words)).text
        for name, said in why.items():
            assert re.search(rf'id="{name}-wrong">[^<]*{said}', page), name
        assert page.count("wrong-why") == len(why)
        for name, word in words.items():
            assert shown(page, name) == word
        assert shown(page, "mail") == "new@example.edu.cn"


def test_the_second_of_two_administrators_is_told_and_keeps_what_was_typed(stage: ConsoleStage, admin: Clerk) -> None:
    stage.clerk(Role.ADMINISTRATOR).post("/staff/season", **typed(closes="2023-07-10"))
    page = admin.post("/staff/season", 409, **typed(hotline="010-1")).text
    assert "管理员甲" in page
    assert "2023-07-03 → 2023-07-10" in page
    assert shown(page, "hotline") == "010-1"
    assert shown(page, "closes") == "2023-07-10", "where nothing was typed, the other one's change stays"
    assert shown(page, "basis") == "2023:2"
    with stage.installation.work.reading() as uow:
        stored = uow.seasons.current()
    assert stored
    assert (stored.closes, stored.hotline) == (date(2023, 7, 10), SEASON.hotline)


def test_every_version_is_kept_and_can_be_taken_again(stage: ConsoleStage, admin: Clerk) -> None:
    admin.post("/staff/season", **typed(closes="2023-07-10"))
    page = admin.get("/staff/season/history").text
    assert "第 2 版" in page
    assert "2023-07-03" in page
    assert "管理员甲" in page
    again = admin.get("/staff/season?again=2023:1").text
    assert shown(again, "closes") == "2023-07-03"
    admin.post("/staff/season", **typed(basis=shown(again, "basis")))
    with stage.installation.work.reading() as uow:
        assert uow.seasons.current() == replace(SEASON, version=3)
    admin.get("/staff/season?again=2023:99", 404)
    admin.get("/staff/season?again=x", 404)


def test_a_new_season_takes_over_what_lasts_and_asks_for_its_days(stage: ConsoleStage, admin: Clerk) -> None:
    page = admin.get("/staff/season?new=1").text
    assert shown(page, "office") == SEASON.office
    assert shown(page, "opens") == ""
    days = {"opens": "2024-06-28", "closes": "2024-07-03", "cutoff": "2024-07-01", "changes_until": "2024-08-31"}
    admin.post("/staff/season/check", 400, **typed(new="1", **days))
    said = admin.post("/staff/season/check", 200, **typed(new="1", id="2024", **days)).text
    assert "2024 届还没有毕业生" in said
    assert "2023 届的登记和核验保留" in said
    admin.post("/staff/season", **typed(new="1", id="2024", **days))
    with stage.installation.work.reading() as uow:
        current = uow.seasons.current()
        assert uow.seasons.others() == ["2023"]
    assert current
    assert (current.id, current.version) == ("2024", 1)


def test_a_first_season_is_made_from_an_empty_form(stage: ConsoleStage, admin: Clerk) -> None:
    with stage.installation.engine.connect() as connection:
        connection.execute(text("UPDATE season SET is_current = NULL"))
    page = admin.get("/staff/season").text
    assert "新的一届" in page
    assert shown(page, "chsi_url") == "https://www.chsi.com.cn/"
    admin.get("/staff/season/history", 404)
    refused = admin.post("/staff/season/check", 400, basis="", new="1", id="2025").text
    assert "还不能保存" in refused
    admin.post("/staff/season/check", 200, **typed(basis="", new="1", id="2025"))
    admin.post("/staff/season", **typed(basis="", new="1", id="2025"))
    with stage.installation.work.reading() as uow:
        assert uow.seasons.current() == replace(SEASON, id="2025")


def test_a_new_calendar_reaches_the_chat_with_the_next_message(stage: ConsoleStage, admin: Clerk) -> None:
    def says(*words: str) -> str:
        answer = ""
        for word in words:
            stage.now += timedelta(seconds=5)
            at = int(stage.now.timestamp())
            incoming = Incoming(f"m{at}", "o-console-7", at, Kind.TEXT, word)
            answer = receive_message(stage.installation.desk, incoming).text
        return answer

    assert "请最后核对" in says("你好", "同意")
    admin.post("/staff/season", **typed(opens="2023-06-20", closes="2023-06-28"))
    assert "单独联系学校" in says("确认")


def test_the_outlook_tells_a_day_that_has_come_and_one_that_was_done(stage: ConsoleStage, admin: Clerk) -> None:
    said = admin.post("/staff/season/check", 200, **typed(cutoff="2023-06-28")).text
    assert "保存后十分钟内，系统会把现在没有去向数据的 8 人登记为未就业" in said
    stage.now = datetime(2023, 7, 1, 0, 1, tzinfo=SHANGHAI)
    assert register_unplaced(stage.installation.office) == 8
    admin = stage.clerk(Role.ADMINISTRATOR)
    assert "已登记 8 人为未就业" in admin.get("/staff/season").text
    said = admin.post("/staff/season/check", 200, **typed(cutoff="2023-07-09")).text
    assert "已经把 8 人登记为未就业，改日期不会撤回" in said
