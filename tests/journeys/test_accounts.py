"""Who is who: one student number, several people and several phones."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from storage.schema import metadata
from tests.journeys.people import is_said
from tests.journeys.stage import Stage


def wrong(tail: str) -> str:
    return "111111" if tail == "000000" else "000000"


def test_one_who_knows_number_and_name_but_not_the_id_number_is_locked_out_and_the_owner_is_not_disturbed(
    stage: Stage,
) -> None:
    owner = stage.graduate("一路畅通")
    owner.checks()
    stranger = stage.graduate("一路畅通", phone="stranger")
    stranger.follows()
    stranger.says(owner.number, "login.name.ask")
    stranger.says(owner.who.name, "login.tail.ask")
    for _ in range(4):
        stranger.says(wrong(owner.who.identity_tail), "login.tail.wrong")
    stranger.says(wrong(owner.who.identity_tail), "login.tail.locked")
    stranger.says(owner.number)
    stranger.says(owner.who.name, "login.name.locked")

    third = stage.graduate("一路畅通", phone="third")
    third.follows()
    third.says(owner.number)
    third.says(owner.who.name, "login.name.locked")  # the student number is locked for everybody
    stranger.says("返回")
    own = stage.graduate("档案转回生源地")
    stranger.says(own.number)
    stranger.says(own.who.name, "login.name.locked")  # the account is locked for every student number

    owner.confirms()
    stage.sleep_until(2023, 6, 30, 11)
    stranger.says("返回")
    stranger.says(own.number)
    stranger.says(own.who.name, "login.tail.ask")
    stranger.says(own.who.identity_tail, "login.tail.done")


def test_a_classmate_who_mistypes_the_student_number_does_not_get_in(stage: Stage) -> None:
    owner, classmate = stage.graduate("一路畅通"), stage.graduate("档案转回生源地")
    owner.checks()
    classmate.follows()
    classmate.says(owner.number, "login.name.ask")
    classmate.says(classmate.who.name, "login.name.other_name")
    classmate.says("返回", "login.student_number.ask")
    classmate.logs_in("login.tail.done")
    owner.says("进度", "line.title", owner.who.name)
    classmate.taps("personal.check.choices.right", "line.title", classmate.who.name)


def test_a_new_phone_takes_over_with_the_full_check_and_the_old_one_is_told(stage: Stage) -> None:
    old = stage.graduate("一路畅通")
    old.checks()
    old.confirms()
    new = stage.graduate("一路畅通", phone="new")
    new.logs_in("login.tail.rebind", "login.rebind.ask")
    new.taps("login.rebind.choices.no", "login.rebind.no")
    old.says("进度", "line.title")
    new.logs_in("login.rebind.ask")
    new.taps("login.rebind.choices.yes", "login.rebind.yes")
    stage.deliver()
    assert is_said("notice.rebound", old.hears)
    assert "010-55550100" in old.hears
    old.says("进度", "login.student_number.ask", not_="line.title")
    new.says("进度", "line.title", "line.confirmation_done")


def test_two_phones_that_bind_at_the_same_moment_leave_exactly_one_bound(stage: Stage) -> None:
    phones = [stage.graduate("一路畅通", phone=name) for name in ("one", "two")]
    for phone in phones:
        phone.follows()
        phone.says(phone.number)
        phone.says(phone.who.name, "login.tail.ask")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda phone: phone.says(phone.who.identity_tail), phones))
    assert sorted(is_said("login.tail.done", answer) for answer in answers) == [False, True]
    assert sorted(is_said("login.rebind.ask", answer) for answer in answers) == [False, True]


def test_unfollowing_takes_the_binding_and_the_chat_away_but_not_the_registration(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    graduate.confirms()
    graduate.phone.unfollow()
    assert traces(stage, graduate.phone.openid) == 0
    stage.office("destination", "set", graduate.number, "单位名称=示例新单位有限公司")
    assert stage.deliver() == 0
    graduate.follows()
    graduate.logs_in("login.tail.done", "confirmation.preview.ask", "示例新单位有限公司")


def traces(stage: Stage, openid: str) -> int:
    """Count the rows of all tables that name an account."""
    with stage.installation.engine.connect() as connection:
        return sum(
            connection.scalar(select(func.count()).where(column == openid)) or 0
            for table in metadata.sorted_tables
            for column in table.columns
            if column.name == "openid"
        )


def test_withdrawing_consent_takes_the_binding_and_the_chat_away(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    graduate.says("解除绑定", "unbind.sure.ask")
    graduate.says("先不解除", "unbind.sure.no")
    graduate.says("进度", "line.title")
    graduate.says("解除绑定", "unbind.sure.ask")
    graduate.taps("unbind.sure.choices.yes", "unbind.sure.yes")
    graduate.says("你好", "consent.agree.ask")
    graduate.says("不同意", "consent.agree.no")
    graduate.says("同意", "login.student_number.ask")
    graduate.logs_in("login.tail.done")
