"""A reveal is written down before anything is shown, and the graduate sees who looked, at what and why."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from bot.conversation.talk import Talk
from bot.errors import BadValueError
from bot.staff.deed import Action
from bot.staff.policy import Actor, ForbiddenError, Role
from bot.staff.reveals import Field
from bot.use_cases import release
from bot.use_cases.reveal import Asked, reveal
from bot.use_cases.staff_changes import NotFoundError, Office
from storage.faults import StoreError
from storage.staff_tables import audit
from tests.bot import people
from tests.bot.use_cases.stage import Phone, Stage, at_home

OFFICE = Actor("a1", "赵老师", Role.OFFICE)
COUNSELLOR = Actor("a2", "李老师", Role.COUNSELLOR, "T01")
STRANGER = Actor("a3", "孙老师", Role.COUNSELLOR, "T02")
AUDITOR = Actor("a4", "周老师", Role.AUDITOR)
ID = people.graduate().identity_number.value


@pytest.fixture
def phone(stage: Stage) -> Phone:
    """A graduate at the board."""
    return at_home(stage, people.ready())


def by(stage: Stage, actor: Actor) -> Office:
    return replace(stage.office, by=actor)


def asked(once: str = "one", *fields: Field, reason: str = "核对证件") -> Asked:
    return Asked.read([each.name for each in fields or (Field.IDENTITY_NUMBER,)], reason, once)


def entries(stage: Stage) -> list[dict[str, str]]:
    with stage.work.reading() as uow:
        return [dict(entry.details) for entry in uow.audit.of(stage.dossier().id, 99)]


def test_the_graduate_reads_who_looked_at_what_and_why(stage: Stage, phone: Phone) -> None:
    fields = (Field.ARCHIVE_PHONE, Field.IDENTITY_NUMBER)
    revealed = reveal(by(stage, OFFICE), stage.dossier().id, asked("one", *fields))
    assert revealed.values == {Field.IDENTITY_NUMBER: ID, Field.ARCHIVE_PHONE: people.ITEMS.phone}
    said = phone.say("查看记录")
    assert "6 月 30 日 10:00 就业办（赵老师）查看了你的身份证号、档案联系电话，理由：核对证件" in said
    assert people.SEASON.hotline in said
    assert "还没有人查看过你的核验报告" in said
    assert ID not in said
    assert "赵老师" not in phone.say("进度")


def test_the_newest_five_are_named_and_the_others_counted(stage: Stage, phone: Phone) -> None:
    for number in range(7):
        reveal(by(stage, COUNSELLOR), stage.dossier().id, asked(f"once {number}", reason=f"核对证件{number}"))
    said = phone.say("谁看过")
    assert [number for number in range(7) if f"核对证件{number}" in said] == [2, 3, 4, 5, 6]
    assert "更早还有 2 次" in said


@pytest.mark.usefixtures("phone")
def test_the_log_keeps_names_and_reason_but_no_value(stage: Stage) -> None:
    reveal(by(stage, OFFICE), stage.dossier().id, asked())
    (details,) = entries(stage)
    assert details == {"项目": "身份证号", "理由": "核对证件", "角色": "就业办", "单号": "one"}


def test_a_reason_cannot_become_a_link_in_the_chat(stage: Stage, phone: Phone) -> None:
    reveal(by(stage, OFFICE), stage.dossier().id, asked(reason="核对\n@chsi 点这里"))
    assert "核对 ＠chsi 点这里" in phone.say("查看记录")


@pytest.mark.parametrize(("actor", "error"), [(AUDITOR, ForbiddenError), (STRANGER, NotFoundError)])
@pytest.mark.usefixtures("phone")
def test_who_may_not_gets_nothing_and_leaves_no_entry(stage: Stage, actor: Actor, error: type[Exception]) -> None:
    with pytest.raises(error):
        reveal(by(stage, actor), stage.dossier().id, asked())
    assert entries(stage) == []


@pytest.mark.usefixtures("phone")
def test_nothing_is_revealed_when_the_log_cannot_be_written(stage: Stage, engine: Engine) -> None:
    with engine.connect() as connection:
        audit.drop(connection)
    with pytest.raises(StoreError):
        reveal(by(stage, OFFICE), stage.dossier().id, asked())


@pytest.mark.usefixtures("phone")
def test_one_asking_is_answered_once(stage: Stage) -> None:
    reveal(by(stage, OFFICE), stage.dossier().id, asked())
    with pytest.raises(BadValueError, match="只显示一次"):
        reveal(by(stage, OFFICE), stage.dossier().id, asked())
    assert len(entries(stage)) == 1


@pytest.mark.parametrize("reason", ["", "核对", "   查   ", "核对" * 31, "打 13912345678 问", "核对\u202e证件"])
def test_a_reason_that_says_nothing_too_much_or_a_number_is_refused(reason: str) -> None:
    with pytest.raises(BadValueError):
        asked(reason=reason)


@pytest.mark.usefixtures("phone")
def test_what_is_not_registered_is_not_written_down_as_seen(stage: Stage) -> None:
    with pytest.raises(BadValueError, match="没有登记"):
        reveal(by(stage, OFFICE), stage.dossier().id, asked("one", Field.EXAM_NUMBER))
    assert entries(stage) == []
    with pytest.raises(BadValueError, match="至少选一项"):
        Asked.read(["NOTHING"], "核对证件", "one")


# -- release -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("phone")
def test_the_office_frees_a_locked_student_number_and_it_is_written_down(stage: Stage) -> None:
    other = stage.phone("oOther")
    other.log_in(tail="000000")
    other.say(*["000000"] * 4)
    assert "错误次数太多" in other.text
    release.unlock_dossier(by(stage, OFFICE), stage.dossier().id, "当面核对了身份证")
    assert entries(stage) == [{"理由": "当面核对了身份证"}]
    assert "换绑" in stage.phone("oThird").log_in()


def test_the_office_takes_a_binding_away_and_the_phone_knows_nothing_more(stage: Stage, phone: Phone) -> None:
    phone.say("档案", "单位接收档案", "托管单位接收")
    release.unbind_dossier(by(stage, OFFICE), stage.dossier().id, "手机丢失")
    assert stage.dossier().openid is None
    with stage.work.reading() as uow:
        assert uow.talks.open(phone.openid).talk == Talk(phone.openid)
    assert "是否同意" in phone.say("进度")
    assert entries(stage) == [{"理由": "手机丢失"}]


@pytest.mark.parametrize("actor", [COUNSELLOR, AUDITOR])
def test_only_the_office_releases_and_annuls(stage: Stage, phone: Phone, actor: Actor) -> None:
    phone.say("确认", "信息无误，确认登记去向", "我已完成", "一周")
    own = stage.dossier()
    with pytest.raises(ForbiddenError):
        release.unlock_dossier(by(stage, actor), own.id, "当面核对")
    with pytest.raises(ForbiddenError):
        release.unbind_dossier(by(stage, actor), own.id, "手机丢失")
    with pytest.raises(ForbiddenError):
        release.annul_at(by(stage, actor), own.id, own.verifications[0], "误发报告")
    assert stage.dossier() == own
    assert entries(stage) == []


def test_an_annulment_is_told_with_its_reason_and_written_down(stage: Stage, phone: Phone) -> None:
    phone.say("确认", "信息无误，确认登记去向", "我已完成", "一周")
    own = stage.dossier()
    release.annul_at(by(stage, OFFICE), own.id, own.verifications[0], "误发报告")
    assert stage.dossier().verifications[0].annulled_at == stage.now
    assert [notice.key for notice in stage.notices()] == ["notice.annulled"]
    assert entries(stage) == [{"核验编号": own.verifications[0].number, "理由": "误发报告"}]
    with stage.work.reading() as uow:
        assert [entry.action for entry in uow.audit.of(own.id, 9)] == [Action.VERIFICATION_ANNULLED.name]
