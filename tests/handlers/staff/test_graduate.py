"""A graduate's page, through the front door: what each role sees, what stays masked, what the office undoes."""

import re
import uuid
from dataclasses import replace
from datetime import timedelta
from time import process_time

import pytest

from bot.ports import Footstep
from bot.registration.look import Look, Receipt, Way
from bot.registration.report import Standing
from bot.registration.verification import State
from bot.staff.deed import Action
from bot.staff.policy import Role
from bot.staff.reveals import Field, value_of
from bot.use_cases.receive_message import guard_subject
from tests.handlers.staff.stage import MORNING, SEASON, Clerk, ConsoleStage
from tests.listening import LISTENER

MINE, FOREIGN, VERIFIED, REPORTED = 8, 5, 9, 2
"""Indices of graduates: counsellor T01's, another's, verified, with an error report."""


def path(index: int, rest: str = "") -> str:
    return f"/staff/graduates/{index:032x}{rest}"


def secrets_of(stage: ConsoleStage, index: int) -> set[str]:
    own = stage.dossier(f"2019{index:06}")
    return {value for each in Field if (value := value_of(own, each))}


def actions(stage: ConsoleStage, index: int) -> list[str]:
    with stage.installation.work.reading() as uow:
        # Accounts and graduates of the stage share identifiers, so logins are left out.
        return [e.action for e in uow.audit.of(f"{index:032x}", 99) if not e.action.startswith("LOG")]


def once(page: str) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page)
    assert found
    return found[1]


def reveal(clerk: Clerk, index: int, status: int = 200, **fields: object) -> str:
    form = {"field": ["IDENTITY_NUMBER"], "reason": "核对证件和名册信息", "once": uuid.uuid4().hex, **fields}
    return clerk.post(path(index, "/reveal"), status, **form).text


# -- who sees what -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
def test_everybody_sees_the_page_and_nobody_anything_behind_the_masks(stage: ConsoleStage, role: Role) -> None:
    clerk = stage.clerk(role)
    for index in (0, REPORTED, MINE) if role is Role.COUNSELLOR else range(20):
        page = clerk.get(path(index)).text
        own = stage.dossier(f"2019{index:06}").graduate
        assert own.name in page
        assert own.student_number in page
        assert [secret for secret in secrets_of(stage, index) if secret in page] == []


def test_a_foreign_graduate_an_unknown_one_and_nonsense_are_the_same_page(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.COUNSELLOR)
    pages = [clerk.get(where, 404).text for where in (path(FOREIGN), path(10**6), "/staff/graduates/%00x")]
    pages += [reveal(clerk, FOREIGN, 404), reveal(clerk, 10**6, 404)]
    # Only the token of the forms tells the seconds.
    assert len({re.sub(r'"csrf_token" value="[^"]+"', "", page) for page in pages}) == 1
    assert stage.dossier(f"2019{FOREIGN:06}").graduate.name not in pages[0]
    assert actions(stage, FOREIGN) == []


def test_the_auditor_has_no_way_to_reveal_or_undo_and_a_counsellor_none_to_undo(stage: ConsoleStage) -> None:
    auditor, counsellor = stage.clerk(Role.AUDITOR), stage.clerk(Role.COUNSELLOR)
    assert "<form" not in auditor.get(path(VERIFIED)).text.split('class="card head"')[1]
    reveal(auditor, VERIFIED, 403)
    page = counsellor.get(path(MINE)).text
    assert "查看完整信息" in page
    assert "解除微信绑定" not in page
    for clerk in (auditor, counsellor):
        clerk.post(path(MINE, "/release"), 403, what="unbind", sure="1", reason="手机丢失了")
        clerk.post(path(MINE, "/withdraw"), 403, what="annul", sure="1", reason="误发报告")
    assert stage.dossier(f"2019{MINE:06}").openid


def test_what_waits_for_staff_is_one_tap_away_for_those_who_may_do_it(stage: ConsoleStage) -> None:
    office, counsellor = stage.clerk(Role.OFFICE), stage.clerk(Role.COUNSELLOR)
    report = stage.dossier(f"2019{REPORTED:06}").correction
    assert report
    assert f'href="/staff/reviews/{FOREIGN:032x}"' in office.get(path(FOREIGN)).text
    assert "/staff/reviews/" not in stage.clerk(Role.AUDITOR).get(path(FOREIGN)).text
    for clerk in (office, counsellor):
        assert f'href="/staff/corrections/{report.id}"' in clerk.get(path(REPORTED)).text


# -- reveal --------------------------------------------------------------------------------------------


def test_a_reveal_shows_the_chosen_once_and_leaves_no_trace_but_its_entry(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.COUNSELLOR)
    own = stage.dossier(f"2019{MINE:06}")
    form = {"field": ["IDENTITY_NUMBER", "MOBILE"], "other": "电话核对身份", "once": once(clerk.get(path(MINE)).text)}
    answer = clerk.post(path(MINE, "/reveal"), 200, **form)
    assert own.graduate.identity_number.value in answer.text
    assert own.graduate.mobile in answer.text
    assert own.graduate.place_of_origin not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers
    again = clerk.post(path(MINE, "/reveal"), 400, **form).text
    assert "只显示一次" in again
    page = clerk.get(path(MINE)).text
    assert "项目：身份证号、手机号；理由：电话核对身份" in page
    for text in (again, page):
        assert [secret for secret in secrets_of(stage, MINE) if secret in text] == []
    assert actions(stage, MINE) == [Action.REVEALED.name]
    assert not any(own.graduate.identity_number.value in line for line in LISTENER.lines)


def test_the_graduates_own_words_are_shown_only_when_asked_for(stage: ConsoleStage) -> None:
    said = reveal(stage.clerk(Role.OFFICE), REPORTED, field=["REPORT"])
    assert "专业：应为英语" in said


def test_a_reveal_without_reason_is_asked_again_with_everything_chosen_kept(stage: ConsoleStage) -> None:
    page = reveal(stage.clerk(Role.OFFICE), MINE, 400, field=["MOBILE"], reason="", other="查")
    assert "请写明理由，4 到 60 个字" in page
    assert 'value="MOBILE" checked' in page
    assert 'name="other" maxlength="60" value="查"' in page
    assert actions(stage, MINE) == []


# -- what the office undoes ----------------------------------------------------------------------------


def test_unbinding_asks_first_and_wants_a_reason(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    assert "手机丢了" in clerk.post(path(MINE, "/release"), 200, what="unbind").text
    kept = clerk.post(path(MINE, "/release"), 400, what="unbind", sure="1", reason="丢了").text
    assert 'value="丢了"' in kept
    assert stage.dossier(f"2019{MINE:06}").openid
    clerk.post(path(MINE, "/release"), what="unbind", sure="1", reason="手机丢失，已核对本人")
    assert stage.dossier(f"2019{MINE:06}").openid is None
    assert actions(stage, MINE) == [Action.UNBOUND.name]
    assert "已解除微信绑定" in clerk.get(path(MINE)).text


def test_a_locked_number_is_seen_and_unlocked(stage: ConsoleStage) -> None:
    subject, clerk = guard_subject("2023", f"2019{MINE:06}"), stage.clerk(Role.OFFICE)
    with stage.installation.work.writing() as uow:
        for _ in range(5):
            uow.guards.fail((subject,), stage.now)
        uow.commit()
    assert "学号锁定到 2023-06-30 10:00" in clerk.get(path(MINE)).text
    clerk.post(path(MINE, "/release"), what="unlock", sure="1", reason="当面核对了身份证")
    assert "学号锁定到" not in clerk.get(path(MINE)).text
    assert actions(stage, MINE) == [Action.UNLOCKED.name]


def test_a_verification_is_annulled_and_another_graduates_is_not(stage: ConsoleStage) -> None:
    clerk, own = stage.clerk(Role.OFFICE), stage.dossier(f"2019{VERIFIED:06}")
    other = stage.dossier("2019000019").verifications[0].id
    asked = clerk.post(path(VERIFIED, "/withdraw"), 200, what="annul", id=own.verifications[0].id).text
    assert f"编号 {own.verifications[0].number}" in asked
    clerk.post(path(VERIFIED, "/withdraw"), 404, what="annul", id=other, sure="1", reason="误发报告")
    clerk.post(path(VERIFIED, "/withdraw"), what="annul", id=own.verifications[0].id, sure="1", reason="误发报告")
    after = stage.dossier(f"2019{VERIFIED:06}")
    assert after.state_of(after.verifications[0], stage.now) is State.ANNULLED
    assert stage.dossier("2019000019").verifications[0].annulled_at is None
    assert actions(stage, VERIFIED) == [Action.VERIFICATION_ANNULLED.name]
    assert "学校作废：误发报告" in clerk.get(path(VERIFIED)).text


def test_a_receipt_is_withdrawn_with_a_reason_and_written_down(stage: ConsoleStage) -> None:
    clerk, verification = stage.clerk(Role.OFFICE), stage.dossier(f"2019{VERIFIED:06}").verifications[0]
    with stage.installation.work.writing() as uow:
        uow.receipts.add(Receipt("ab" * 16, verification.id, MORNING, "某某中心", "0512-62880000"))
        uow.commit()
    clerk.post(path(REPORTED, "/withdraw"), 404, what="receipt", id="ab" * 16, sure="1", reason="单位说没有收到")
    clerk.post(path(VERIFIED, "/withdraw"), what="receipt", id="ab" * 16, sure="1", reason="单位说没有收到")
    page = clerk.get(path(VERIFIED)).text
    assert "（已撤回）" in page
    assert "接收登记学校撤回" in page
    assert actions(stage, VERIFIED) == [Action.RECEIPT_WITHDRAWN.name]


# -- the chronicle -------------------------------------------------------------------------------------


def talk(stage: ConsoleStage, index: int, turns: int) -> None:
    steps = (("login.tail", "wrong"), ("archive.address", "archive.address.bad"), ("board.menu", "gate.window_after"))
    with stage.installation.work.writing() as uow:
        for number in range(turns):
            step, outcome = steps[number % 3]
            at = MORNING - timedelta(minutes=30 + 20 * number)
            uow.trail.add(Footstep(f"{index:032x}", "r", step, outcome, step, at))
        for verification in stage.dossier(f"2019{index:06}").verifications:
            uow.looks.add(Look(uuid.uuid4().hex, verification.id, MORNING, Way.SCAN, Standing.IN_FORCE, "某某中心"))
        uow.commit()


def test_everything_is_told_in_time_order_page_by_page(stage: ConsoleStage) -> None:
    talk(stage, VERIFIED, 150)
    clerk, shown = stage.clerk(Role.OFFICE), ""
    address: str | None = path(VERIFIED)
    for _ in range(9):
        page = clerk.get(address).text if address else ""
        shown += page.split("<h2>经过")[-1]
        found = re.search(r'href="([^"]+before=\d+)"', page)
        address = found[1] if found else None
    assert address is None
    assert shown.count('身份证后六位</b> <span class="more">不对') == 50
    assert shown.count("办不了：确认时间已过</span></div>") == 50
    assert shown.index("扫码") < shown.index("对话")
    assert "某某中心" in shown
    days = [int(day) for day in re.findall(r"<h3>2023 年 6 月 (\d+) 日</h3>", shown)]
    assert days == sorted(days, reverse=True)


def test_a_page_link_that_names_no_moment_shows_the_newest(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    for nonsense in ("x", "-1", "9" * 30, "１２"):
        assert clerk.get(f"{path(VERIFIED)}?before={nonsense}").status_code == 200


def test_a_page_with_five_hundred_turns_stays_small_and_quick(stage: ConsoleStage) -> None:
    talk(stage, VERIFIED, 500)
    clerk = stage.clerk(Role.OFFICE)
    size, spent = 0, []
    for _ in range(8):
        begun = process_time()
        size = len(clerk.get(path(VERIFIED)).data)
        spent.append(process_time() - begun)
    assert size <= 30_000
    assert min(spent) <= 0.05


def test_somebody_of_another_season_is_not_found(stage: ConsoleStage) -> None:
    with stage.installation.work.writing() as uow:
        uow.seasons.save(replace(SEASON, id="2024"))
        uow.commit()
    stage.clerk(Role.OFFICE).get(path(MINE), 404)
