"""延长, 提前关闭 and 重新生成 take two messages at most, wherever the talk is; who looked is told when asked."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.conversation import shortcuts
from bot.conversation.effects import Authorise, Close, Extend, WithdrawReceipts
from bot.conversation.facts import Seen
from bot.conversation.incoming import Kind
from bot.conversation.texts import texts
from bot.registration.dossier import Dossier
from bot.registration.look import Look, Receipt, Way
from bot.registration.report import Standing
from bot.registration.verification import Subject
from tests.bot import people
from tests.bot.conversation.explorer import AGREED, position
from tests.bot.conversation.world import NOBODY, Step, World, event, say

LATER = date(2023, 7, 21)
READ = {
    "延长": ("extend", "", ""),
    "延長有效期": ("extend", "", ""),
    "请帮我延长档案核验": ("extend", "archive", ""),
    "延长一个月": ("extend", "", "一个月"),
    "延长户口有效期到7月16日": ("extend", "household", "到7月16日"),
    "提前关闭": ("close", "", ""),
    "关闭户口核验": ("close", "household", ""),
    "把档案核验关闭": ("close", "archive", ""),
    "撤销授权": ("close", "", ""),
    "重新生成编号": ("reissue", "", ""),
    "换编号": ("reissue", "", ""),
}
NOT_READ = ("不延长", "先不关闭", "别关闭", "什么是延长", "取消", "解除绑定", "档案", "我想问延长", "")


def both() -> Dossier:
    """Return a dossier with both verifications in force."""
    own = replace(people.ready(), household=people.MOVED)
    own = replace(own, real_person_at=people.OPEN).confirm(people.SEASON, people.OPEN)
    for subject in Subject:
        own = own.authorise(people.verification(own, subject=subject), people.SEASON)
    return own


def at_board(own: Dossier, seen: Seen = NOBODY) -> World:
    return event(World(AGREED, (own,), seen=seen), Kind.IMAGE).after


def answered(step: Step) -> str:
    assert step.reply is not None
    return step.reply.text


@pytest.mark.parametrize("text", READ)
def test_a_shortcut_is_read_with_what_it_is_about(text: str) -> None:
    assert shortcuts.read(text) == shortcuts.Shortcut(*READ[text])


@pytest.mark.parametrize("text", NOT_READ)
def test_a_refusal_or_another_wish_is_no_shortcut(text: str) -> None:
    assert shortcuts.read(text) is None


@pytest.mark.parametrize(
    ("first", "second", "effects"),
    [
        ("延长", "7月21日", (Extend(Subject.ARCHIVE, LATER),)),
        ("提前关闭", "确认关闭", (Close(Subject.ARCHIVE),)),
        ("重新生成", "7月21日", (Authorise(Subject.ARCHIVE, LATER),)),
    ],
)
def test_two_messages_are_enough(first: str, second: str, effects: tuple[object, ...]) -> None:
    asked = say(at_board(people.verified()), first)
    assert asked.turn.effects == ()
    assert say(asked.after, second).turn.effects == effects


def test_one_message_with_a_period_is_enough_to_extend() -> None:
    step = say(at_board(people.verified()), "延长到7月21日")
    assert step.turn.effects == (Extend(Subject.ARCHIVE, LATER),)
    assert "2023-07-21 23:59:59" in answered(step)
    assert "编号不变" in answered(step)


@pytest.mark.parametrize("word", ["延长", "提前关闭", "重新生成"])
def test_with_two_verifications_it_is_about_both_unless_one_is_named(word: str) -> None:
    asked = say(at_board(both()), word)
    assert position(asked.after).kept["subject"] == "both"
    named = say(at_board(both()), f"{word}户口核验")
    assert position(named.after).kept["subject"] == "household"
    done = say(asked.after, "确认关闭" if word == "提前关闭" else "7月21日")
    assert [effect.subject for effect in done.turn.effects] == list(Subject)  # type: ignore[union-attr]  # all have one


def test_a_word_that_is_no_period_is_left_to_the_open_question() -> None:
    step = say(at_board(people.verified()), "延长吗")
    assert step.turn.effects == ()
    assert position(step.after).words in {"board.menu", "verification.action"}


def test_in_the_middle_of_another_flow_the_shortcut_still_works_and_the_draft_stays() -> None:
    world = say(at_board(people.verified()), "信息有误").after
    world = say(world, "专业").after
    asked = say(world, "延长")
    assert position(asked.after).words == "verification.period"
    assert any(answer.step.startswith("correction.") for answer in asked.after.talk.answers)


def test_with_nothing_to_do_it_to_the_reason_is_said() -> None:
    none = replace(people.confirmed(people.ready()), real_person_at=people.OPEN)
    for word, key in (("延长", "extend"), ("提前关闭", "close"), ("重新生成", "reissue")):
        assert texts()[f"gate.nothing_to_{key}"] in answered(say(at_board(none), word))
    assert (
        "户口" in answered(say(at_board(people.verified()), "关闭户口核验"))
        or position(say(at_board(people.verified()), "关闭户口核验").after).words == "board.menu"
    )


def test_before_login_a_shortcut_is_nothing_but_an_answer() -> None:
    stranger = event(World(AGREED, (people.new_dossier(),)), Kind.IMAGE).after
    assert say(stranger, "延长").turn.effects == ()
    assert position(say(stranger, "延长").after).flow.name == "login"


def test_issuing_both_leaves_a_number_in_force_as_it_is() -> None:
    own = replace(people.ready(), household=people.MOVED)
    own = replace(own, real_person_at=people.OPEN).confirm(people.SEASON, people.OPEN)
    own = own.authorise(people.verification(own), people.SEASON)
    world = say(say(at_board(own), "核验授权").after, "两项一起").after
    assert say(world, "7月21日").turn.effects == (Authorise(Subject.HOUSEHOLD, LATER),)


# -- 查看记录 ------------------------------------------------------------------------------------------

AT = datetime(2023, 7, 3, 2, 22, tzinfo=UTC)


def looks_of(own: Dossier) -> Seen:
    looked = own.verifications[0].id
    return Seen(
        (
            Look("2", looked, AT, Way.TYPED, Standing.IN_FORCE, "示例市\n@chsi 人才服务中心"),
            Look("1", looked, AT, Way.SCAN, Standing.EXPIRED),
        ),
        12,
        (Receipt("r", looked, AT, "示例市人才服务中心", "0512-62880000"),),
    )


def test_who_looked_is_told_with_time_way_and_department() -> None:
    own = people.verified()
    reply = say(at_board(own, looks_of(own)), "查看记录").reply
    assert reply is not None
    for said in ("12 次", "7 月 3 日 10:22 编号查询", "扫码，档案信息，看到“已过期”", "示例市 ＠chsi 人才服务中心"):
        assert said in reply.text, said
    assert reply.links == ()
    assert "提前关闭" in reply.text


def test_with_no_look_at_all_that_is_said() -> None:
    assert texts()["line.no_looks"] in answered(say(at_board(people.verified()), "谁看过"))


def test_a_wrong_receipt_is_withdrawn_in_one_message_and_only_once() -> None:
    own = people.verified()
    step = say(at_board(own, looks_of(own)), "接收有误")
    assert step.turn.effects == (WithdrawReceipts(),)
    again = say(step.after, "接收有误")
    assert again.turn.effects == ()
    assert texts()["command.no_receipt"] in answered(again)
    assert "已撤回" in answered(say(step.after, "查看记录"))


def test_a_stranger_is_told_nothing_of_looks() -> None:
    stranger = event(World(AGREED, (people.new_dossier(),)), Kind.IMAGE).after
    assert position(say(stranger, "查看记录").after).flow.name == "login"
