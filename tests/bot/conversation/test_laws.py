"""The laws of the conversation, each checked in every state that can be reached."""

from dataclasses import replace

import pytest

from bot.conversation.flow import GIVEN, Bad
from bot.conversation.flows import FLOWS
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.standing import answers_of
from bot.conversation.talk import Talk
from bot.conversation.texts import label, texts
from bot.conversation.turn import TRIES
from tests.bot import people
from tests.bot.conversation.explorer import Explored, answers, flow_of, known, position
from tests.bot.conversation.world import World, deliver, say
from tests.bot.people import OPENID

JUNK = "\u200b\u200d"
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def unchanged(before: World, after: World) -> bool:
    """Tell whether nothing was decided: same answers, same flow, same registration."""
    return (before.talk.answers, before.talk.flow, before.dossiers) == (
        after.talk.answers,
        after.talk.flow,
        after.dossiers,
    )


def options(world: World) -> tuple[str, ...]:
    at = position(world)
    return at.step.options(at.kept, known(world)) if at.step.options else ()


def test_back_undoes_exactly_one_answer(states: list[World]) -> None:
    undone = 0
    for world in states:
        at = position(world)
        given = [answer for answer in at.path if answer.rev != GIVEN]
        step = say(world, "返回")
        after = position(step.after)
        assert step.turn.effects == ()
        assert step.after.dossiers == world.dossiers
        if given:
            undone += 1
            before_it = at.path[: at.path.index(given[-1])]
            assert after.flow is at.flow
            assert after.step.name == given[-1].step
            assert after.path == before_it
        else:
            assert answers_of(step.after.talk, at.flow.name) == answers_of(world.talk, at.flow.name)
    assert undone > 100


def test_back_at_the_first_question_leaves_an_opened_flow_and_keeps_a_forced_one(states: list[World]) -> None:
    for world in states:
        at = position(world)
        if not [answer for answer in at.path if answer.rev != GIVEN]:
            after = say(world, "返回").after
            if at.flow.name in {"consent", "login", "personal", "board"}:
                assert flow_of(after) == at.flow.name
            else:
                assert flow_of(after) in {"board", "personal"}


def test_what_was_taken_back_can_be_answered_differently_and_the_flow_still_ends(explored: Explored) -> None:
    ended = 0
    read_back = [w for w in explored.states.values() if position(w).step.name == "read_back"]
    for world in (*read_back[::12], *(w for w in read_back if flow_of(w) == "archive")):
        back = world
        for _ in range(len(position(world).path)):
            back = say(back, "返回").after
        for first in answers(back)[:14]:
            now = say(back, first).after
            for _ in range(20):
                if position(now).step.name == "read_back":
                    break
                now = say(now, answers(now)[0]).after
            last = say(now, answers(now)[0], tap=True)
            assert last.turn.effects, position(now).words
            ended += 1
    assert ended > 100


def test_restart_leaves_nothing(states: list[World]) -> None:
    for world in states:
        step = say(world, "重新开始")
        assert step.after.talk.answers == ()
        assert step.after.talk.flow == ""
        assert step.after.dossiers == world.dossiers


@pytest.mark.parametrize("word", ["帮助", "进度", "联系老师", "？"])
def test_help_progress_and_contact_change_nothing(states: list[World], word: str) -> None:
    for world in states:
        step = say(world, word)
        assert unchanged(world, step.after)
        assert step.turn.effects == ()
        assert step.after.talk.tries == world.talk.tries
        assert step.after.talk.asked == world.talk.asked


def test_so_many_unusable_answers_lead_to_the_contacts_and_a_good_one_clears_the_count(states: list[World]) -> None:
    handoff = texts()["unclear.handoff"].split("：")[0]
    for world in states:
        now = replace(world, talk=replace(world.talk, tries=0))
        for count in range(1, TRIES + 1):
            step = say(now, JUNK)
            assert unchanged(now, step.after), position(now).words
            assert step.turn.effects == ()
            assert step.reply is not None
            assert (handoff in step.reply.text) == (count == TRIES)
            now = step.after
        assert now.talk.tries == 0
        tried = replace(world, talk=replace(world.talk, tries=TRIES - 1))
        step = next(
            found for text in answers(tried) if not (found := say(tried, text)).turn.outcome.startswith("gate.")
        )
        assert step.after.talk.tries == 0


def test_a_choice_is_the_same_by_tap_by_word_by_number_and_in_full_width(states: list[World]) -> None:
    for world in states:
        at = position(world)
        if at.words == "correction.items":
            continue  # several may be named there; see the bank of phrasings
        for number, option in enumerate(options(world), 1):
            words = label(at.words, option)
            tapped = say(world, words, tap=True)
            for text in (words, str(number), str(number).translate(_FULL_WIDTH), f"{number}. {words}", f"【{words}】"):
                other = say(world, text)
                assert other.turn.outcome == tapped.turn.outcome, (at.words, text)
                assert [type(effect) for effect in other.turn.effects] == [type(e) for e in tapped.turn.effects]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("login.student_number", ("2023010101",)),
        ("login.tail", ("00002X", "00002x")),
        ("archive.postcode", ("010010",)),
        ("archive.phone", ("0512-62881234", "13800000000")),
        ("verification.period", ("2023-07-20", "7月20日", "2周", "30天")),
    ],
)
def test_full_width_is_half_width(states: list[World], words: str, written: tuple[str, ...]) -> None:
    asked = [world for world in states if position(world).words == words]
    assert asked
    for world in asked:
        for text in written:
            one, other = say(world, text), say(world, text.translate(_FULL_WIDTH))
            assert one.turn.outcome == other.turn.outcome
            assert one.after.talk.answers == other.after.talk.answers


def test_a_stored_answer_is_read_again_as_itself(explored: Explored) -> None:
    checked = 0
    for world in explored.states.values():
        at, facts = position(world), known(world)
        for place, answer in enumerate(at.path):
            step = at.flow.step(answer.step)
            assert step is not None
            if answer.rev == GIVEN or at.flow.name == "login":
                continue
            got = step.parse(answer.value, {a.step: a.value for a in at.path[:place]}, facts)
            assert not isinstance(got, Bad)
            assert (got.value, got.out) == (answer.value, answer.out)
            checked += 1
    assert checked > 300


def test_that_the_identity_was_proven_cannot_be_typed(states: list[World]) -> None:
    asked = [world for world in states if position(world).words in {"login.tail", "login.chsi", "login.rebind"}]
    assert len(asked) > 2
    for world in asked:
        assert unchanged(world, say(world, "proven").after)


def test_an_overtaken_message_is_never_an_answer_nor_a_change_of_course(states: list[World]) -> None:
    for world in states:
        for text in (*answers(world), "返回", "重新开始", "解除绑定", "首页"):
            step = say(world, text, late=True)
            assert unchanged(world, step.after)
            assert step.turn.effects == ()
            assert step.turn.outcome == "late"


def test_a_tap_on_an_older_question_is_never_an_answer(states: list[World]) -> None:
    for world in states:
        for text in set(answers(world)) - {"解除绑定"}:  # which is a command besides
            tap = Incoming("k", OPENID, world.talk.at, Kind.TEXT, text, question=world.talk.asked ^ 1)
            step = deliver(world, tap)
            assert unchanged(world, step.after)
            assert step.turn.effects == ()
            assert step.turn.outcome == "stale"


def test_words_meant_for_another_question_agree_to_nothing(states: list[World]) -> None:
    for world in states:
        moved = replace(world, talk=replace(world.talk, asked=12345))
        for text in answers(world):
            step = say(moved, text)
            assert step.turn.effects == ()
            assert step.after.dossiers == world.dossiers
            if position(world).flow.name != "board":
                assert step.turn.outcome == "moved"
                assert unchanged(moved, step.after)


def test_a_word_a_notice_asked_for_opens_its_entry_although_another_question_was_open() -> None:
    world = World(Talk(OPENID, at=1, consent=1, asked=12345), (people.ready(),))
    assert flow_of(say(world, "确认").after) == "confirmation"
    assert say(world, "1").turn.outcome == "moved"


def test_agreement_counts_only_for_exactly_what_was_shown(states: list[World]) -> None:
    sealed = [world for world in states if position(world).step.seal]
    assert {position(w).words for w in sealed} == {
        "personal.check",
        "confirmation.preview",
        "archive.read_back",
        "correction.read_back",
    }
    for world in sealed:
        text = label(position(world).words, options(world)[0])
        assert say(world, text).turn.effects
        for other in _altered(world):
            step = say(other, text)
            assert step.turn.effects == ()
            assert step.turn.outcome == "moved"


def _altered(world: World) -> list[World]:
    if position(world).words in {"personal.check", "confirmation.preview"}:
        assert world.own is not None
        changed = replace(world.own, graduate=replace(world.own.graduate, major="英语"))
        return [replace(world, dossiers=(changed,))]
    given = world.talk.answers
    last = replace(given[-1], value="021000000000")
    return [replace(world, talk=replace(world.talk, answers=(*given[:-1], last)))]


def test_nobody_agrees_to_a_page_not_yet_read(states: list[World]) -> None:
    for world in states:
        at = position(world)
        if not at.step.effects or not at.step.options:
            continue
        unread = replace(world, talk=replace(world.talk, more=("第二页",)))
        for text in answers(world):
            step = say(unread, text)
            assert step.turn.effects == ()
            if say(world, text).turn.effects:
                assert step.reply is not None
                assert step.reply.text == "第二页"
                assert say(step.after, text).turn.effects


def test_only_the_exact_word_is_a_command_in_free_text(states: list[World]) -> None:
    asked = [world for world in states if position(world).words == "archive.unit"]
    assert asked
    for world in asked:
        for text in (
            "帮助残疾人服务中心",
            "返回乡创业服务中心",
            "进度科技有限公司",
            "示例市继续教育学院",
            "解除绑定研究所",
        ):
            step = say(world, text)
            assert step.turn.outcome == "ok"
            assert position(step.after).kept["unit"] == text
        assert say(world, "帮助").turn.outcome == "help"


def test_no_label_or_phrase_of_a_choice_is_a_command() -> None:
    for flow in FLOWS.values():
        for step in flow.steps:
            words = step.words or f"{flow.name}.{step.name}"
            for name, shown in texts().items():
                if name.startswith(f"{words}.choices.") and not name.endswith(".unbind"):
                    world = World(Talk(OPENID, at=1, asked=1))
                    assert say(world, shown).turn.outcome in {"moved", "stale"}, shown


def test_when_other_items_are_picked_nothing_is_skipped_because_of_what_was_picked_before() -> None:
    world = World(Talk(OPENID, at=1, consent=1, asked=1), (people.ready(),))
    for text in ("信息有误", "姓名", "王小名", "返回", "返回", "姓名和专业", "王小名", "英语"):
        world = say(world, text).after
    step = say(world, "提交")
    assert step.after.own is not None
    assert step.after.own.correction is not None
    assert [item.value for item, _ in step.after.own.correction.items] == ["姓名", "专业"]


def test_an_action_that_is_no_longer_possible_is_asked_again() -> None:
    world = World(Talk(OPENID, at=1, consent=1, asked=1), (people.verified(),))
    for text in ("核验", "提前关闭"):
        world = say(world, text).after
    expired = replace(world, now=people.CHANGES_OVER)
    assert say(expired, "确认关闭").turn.outcome == "moved"
    assert position(say(expired, "确认关闭").after).words == "verification.action"
