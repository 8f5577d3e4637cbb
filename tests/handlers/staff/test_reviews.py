"""The review room through the whole application: what is shown, decided, told, and to whom it is closed."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.registration.archive import ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.dossier import Dossier
from bot.staff.deed import Action
from bot.staff.policy import Role
from bot.staff.reasons import DEFAULTS, Purpose
from tests.handlers.staff.stage import ITEMS, ConsoleStage, dossier

WAITING = ("2019000005", "2019000015")
BAD = replace(ITEMS, unit="王小明", address="北京市学府路", postcode="215000")
LIST = "/staff/reviews"


def seen(stage: ConsoleStage, number: str) -> str:
    """Return what a ticked box of this graduate sends."""
    found = stage.dossier(number)
    return f"{found.id}:{found.archive.digest}"


def page_of(stage: ConsoleStage, number: str) -> str:
    return f"{LIST}/{stage.dossier(number).id}"


def stored(stage: ConsoleStage, *dossiers: Dossier) -> None:
    with stage.installation.work.writing() as uow:
        uow.registry.add_many(dossiers)
        uow.commit()


def status(stage: ConsoleStage, number: str) -> ArchiveStatus:
    return stage.dossier(number).archive.status


def waiting(index: int, items: ArchiveItems = ITEMS) -> Dossier:
    """Invent one more graduate whose entry waits."""
    made = replace(dossier(index - index % 10 + 5), id=f"{index + 500:032x}", openid=f"o-more-{index}")
    return replace(
        made,
        graduate=replace(made.graduate, student_number=f"2020{index:06}"),
        archive=replace(made.archive, items=items),
    )


def test_the_queue_shows_all_that_a_decision_is_about(stage: ConsoleStage) -> None:
    stored(stage, waiting(1, BAD))
    page = stage.clerk(Role.OFFICE).get(LIST).text
    assert "还有 <b>3</b> 份" in page
    for text in (*WAITING, ITEMS.unit, ITEMS.address, ITEMS.contact, ITEMS.phone, "接收单位像是个人"):
        assert text in page
    assert page.index(WAITING[0]) < page.index(WAITING[1])
    graduate = stage.dossier(WAITING[0]).graduate
    assert graduate.identity_number.value not in page
    assert graduate.mobile not in page


def test_words_of_graduates_are_never_markup_and_odd_addresses_do_no_harm(stage: ConsoleStage) -> None:
    stored(stage, waiting(1, replace(ITEMS, unit="<script>x</script>局", contact='"><b>')))
    clerk = stage.clerk(Role.OFFICE)
    for path in (LIST, page_of(stage, "2020000001")):
        page = clerk.get(path).text
        assert "&lt;script&gt;x&lt;/script&gt;局" in page
        assert "<script>x" not in page
        assert '"><b>' not in page
    for path in ("?college=%00", "?type=X&hints=maybe", "?college=%F0%9F%98%80"):
        clerk.get(f"{LIST}{path}")
    assert "请先勾选" in clerk.post(LIST, 400, entry=["\0:1", "x" * 32], verdict="approve").text


def test_filters_narrow_the_queue_and_stay_through_a_decision(stage: ConsoleStage) -> None:
    origin = replace(ITEMS, transfer_type=TransferType.ORIGIN, receiving_type=None)
    stored(stage, waiting(1, BAD), waiting(2, origin))
    clerk = stage.clerk(Role.OFFICE)
    assert "2020000001" in clerk.get(f"{LIST}?hints=yes").text
    assert WAITING[0] in clerk.get(f"{LIST}?hints=no&type=UNIT").text
    page = clerk.get(f"{LIST}?type=ORIGIN").text
    assert WAITING[0] not in page
    assert "2020000002" in page
    assert "没有待审核的档案信息" in clerk.get(f"{LIST}?college=没有的学院").text
    answer = clerk.post(page_of(stage, "2020000002"), type="ORIGIN", verdict="approve", digest=digest(stage, 2))
    assert answer.headers["Location"].endswith("/staff/reviews?type=ORIGIN")


def digest(stage: ConsoleStage, index: int) -> str:
    return stage.dossier(f"2020{index:06}").archive.digest


def test_pages_of_the_queue_follow_each_other(stage: ConsoleStage) -> None:
    stored(stage, *(waiting(index) for index in range(1, 41)))
    clerk, address, found = stage.clerk(Role.OFFICE), LIST, []
    for _ in range(3):
        page = clerk.get(address).text
        found += re.findall(r'mono">(20\d{8})', page)
        following = re.search(r'href="([^"]+after=[^"]+)">下一页', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert address == ""
    assert len(found) == len(set(found)) == 42
    clerk.get(f"{LIST}?after=nonsense", 400)


def test_an_approval_tells_the_graduate_and_opens_the_next_entry(stage: ConsoleStage) -> None:
    clerk, first = stage.clerk(Role.OFFICE), stage.dossier(WAITING[0])
    answer = clerk.post(page_of(stage, WAITING[0]), verdict="approve", digest=first.archive.digest)
    assert answer.headers["Location"] == page_of(stage, WAITING[1])
    assert "已通过" in clerk.get(page_of(stage, WAITING[1])).text
    assert status(stage, WAITING[0]) is ArchiveStatus.APPROVED
    with stage.installation.work.reading() as uow:
        (noted,) = uow.audit.done_to(first.id, Action.ARCHIVE_APPROVED, 9)
    assert noted.actor_name == "就业办甲"


def test_a_return_with_a_hint_a_template_and_own_words(stage: ConsoleStage) -> None:
    stored(stage, waiting(1, BAD))
    clerk, known = stage.clerk(Role.OFFICE), DEFAULTS[Purpose.ARCHIVE][0]
    page = clerk.get(page_of(stage, "2020000001")).text
    assert "邮编和地址不在同一个省" in page
    both = "hint-NO_NUMBER+POSTCODE_REGION+NO_SUCH_HINT"
    clerk.post(page_of(stage, "2020000001"), verdict=both, digest=digest(stage, 1))
    reason = "地址没有门牌号或房间号：请写到几号、几楼、几室；邮编和地址不在同一个省：请核对邮编和地址"
    assert stage.dossier("2020000001").archive.reason == reason
    assert 'value="hint-PERSON+NO_NUMBER+POSTCODE_REGION"' in page
    entry, shown = page_of(stage, WAITING[0]), stage.dossier(WAITING[0]).archive.digest
    clerk.post(entry, verdict="return", pick=[known], reason="缺 203 室；", keep="1", digest=shown)
    assert stage.dossier(WAITING[0]).archive.reason == f"{known}；缺 203 室"
    assert "缺 203 室" in clerk.get(f"{LIST}/reasons").text


def test_a_return_without_a_reason_keeps_what_was_ticked(stage: ConsoleStage) -> None:
    clerk, entry = stage.clerk(Role.OFFICE), seen(stage, WAITING[0])
    page = clerk.post(page_of(stage, WAITING[0]), 400, verdict="return", digest=entry[33:], keep="1").text
    assert "请写明原因" in page
    assert 'value="1" checked' in page
    page = clerk.post(LIST, 400, entry=[entry], verdict="return", reason="太" * 401).text
    assert "400 个字以内" in page
    assert f'value="{entry}" aria-label' in page
    assert "太" * 401 in page
    assert page.count(" checked") == 1
    assert "请先勾选" in clerk.post(LIST, 400, verdict="approve").text
    assert status(stage, WAITING[0]) is ArchiveStatus.SUBMITTED


def test_who_comes_second_reads_who_was_first_and_goes_on(stage: ConsoleStage) -> None:
    first, second = stage.clerk(Role.OFFICE), stage.clerk(Role.ADMINISTRATOR)
    shown = stage.dossier(WAITING[0]).archive.digest
    first.post(page_of(stage, WAITING[0]), verdict="return", reason="地址不全", digest=shown)
    answer = second.post(page_of(stage, WAITING[0]), verdict="approve", digest=shown)
    assert answer.headers["Location"] == page_of(stage, WAITING[1])
    assert "由就业办甲于 2023-06-29 10:00 退回。您的操作没有生效" in second.get(answer.headers["Location"]).text
    assert "您已经于" in first.get(page_of(stage, WAITING[0])).text
    assert status(stage, WAITING[0]) is ArchiveStatus.RETURNED


def test_a_version_sent_again_stands_beside_the_one_returned(stage: ConsoleStage) -> None:
    clerk, old = stage.clerk(Role.OFFICE), stage.dossier(WAITING[0])
    clerk.post(page_of(stage, WAITING[0]), verdict="return", reason="缺房间号", digest=old.archive.digest)
    returned = stage.dossier(WAITING[0])
    items = replace(ITEMS, address=f"{ITEMS.address}B座", receiving_type=ReceivingType.SIGNED)
    with stage.installation.work.writing() as uow:
        uow.registry.save(returned, returned.submit_archive(items, stage.now + timedelta(minutes=1)))
        uow.commit()
    page = clerk.get(page_of(stage, WAITING[0])).text
    assert f"{ITEMS.address}<ins>B座</ins>" in page
    assert "缺房间号" in page
    page = clerk.post(page_of(stage, WAITING[0]), 409, verdict="approve", digest=old.archive.digest, reason="留着").text
    assert "刚刚改过" in page
    assert ">留着</textarea>" in page
    assert status(stage, WAITING[0]) is ArchiveStatus.SUBMITTED


def test_many_at_once_and_the_result_of_each(stage: ConsoleStage) -> None:
    clerk, entries = stage.clerk(Role.OFFICE), [seen(stage, number) for number in WAITING]
    stage.clerk(Role.ADMINISTRATOR).post(LIST, 200, entry=entries[:1], verdict="approve")
    page = clerk.post(LIST, 200, entry=[*entries, f"{'f' * 32}:0"], verdict="return", reason="地址不全", pick="").text
    assert "退回了 1 份" in page
    assert "由管理员甲于" in page
    assert "没有找到" in page
    assert [status(stage, number) for number in WAITING] == [ArchiveStatus.APPROVED, ArchiveStatus.RETURNED]


def test_reasons_are_offered_taken_over_and_removed(stage: ConsoleStage) -> None:
    clerk, offered = stage.clerk(Role.OFFICE), DEFAULTS[Purpose.ARCHIVE]
    assert offered[0] in clerk.get(page_of(stage, WAITING[0])).text
    clerk.post(f"{LIST}/reasons", offered=list(offered[:2]))
    page = clerk.get(page_of(stage, WAITING[0])).text
    assert offered[1] in page
    assert offered[2] not in page
    removed = re.search(r'name="remove" value="([0-9a-f]{32})"', clerk.get(f"{LIST}/reasons").text)
    assert removed
    clerk.post(f"{LIST}/reasons", remove=removed[1])
    clerk.post(f"{LIST}/reasons", 404, remove=removed[1])
    assert "请写明原因" in clerk.post(f"{LIST}/reasons", 400, text=" ").text


@pytest.mark.parametrize("role", [Role.COUNSELLOR, Role.AUDITOR])
def test_the_room_is_closed_to_who_does_not_review(stage: ConsoleStage, role: Role) -> None:
    clerk, entry = stage.clerk(role), seen(stage, WAITING[0])
    for path in (LIST, f"{LIST}/reasons", page_of(stage, WAITING[0])):
        clerk.get(path, 403)
        clerk.post(path, 403, verdict="approve", entry=[entry], digest=entry[33:])
    assert status(stage, WAITING[0]) is ArchiveStatus.SUBMITTED


def test_an_unknown_entry_and_one_that_does_not_wait(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    clerk.get(f"{LIST}/{'f' * 32}", 404)
    clerk.post(f"{LIST}/{'f' * 32}", 404, verdict="approve", digest="")
    page = clerk.get(page_of(stage, "2019000004")).text
    assert "没有待审核" in page
    page = clerk.get(page_of(stage, "2019000007")).text
    assert "这一份已经于 2023-06-27" in page
    assert 'value="approve"' not in page
