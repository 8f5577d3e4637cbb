"""What the exploration of every flow shows: nobody gets stuck, nobody is left without an answer, everything fits."""

from collections import defaultdict
from datetime import timedelta

from bot.conversation.flows import FLOWS
from bot.conversation.incoming import Kind
from bot.conversation.texts import texts
from bot.ports import ChsiAnswer
from handlers.wechat.rendering import render
from tests.bot.conversation.explorer import (
    Explored,
    declared,
    flow_of,
    in_every_flow,
    key,
    position,
    registered,
    strangers,
    variants,
)
from tests.bot.conversation.world import Step, World, event, say
from tests.bot.people import NUMBER

EVENTS = (
    *((kind, "") for kind in Kind if kind not in {Kind.TEXT, Kind.MENU}),
    *((Kind.MENU, entry) for entry in ("registration", "progress", "report", "contact", "help", "unknown")),
)
_SILENT = {Kind.QUIET, Kind.UNFOLLOW}


def assert_answered(step: Step) -> None:
    """Assert that the answer says something, asks the question that counts next, and has words for all of it."""
    assert step.reply is not None, step.turn
    assert step.reply.text, step.turn
    assert "{" not in step.reply.text, step.reply.text
    assert "\n@" not in step.reply.text, step.reply.text
    expected = f"{step.turn.step}.{step.turn.outcome}"
    for one in step.turn.says:
        # Only an answer that was taken may go without a sentence of its own.
        assert one.key in texts() or expected.endswith(one.key.rpartition(".")[2]), one.key


def test_every_declared_edge_is_taken(explored: Explored) -> None:
    assert declared() - explored.edges == set()


def test_every_answer_gets_a_reply_with_the_next_question(explored: Explored) -> None:
    assert len(explored.steps) > 3_000
    for step in explored.steps:
        assert_answered(step)
        assert step.reply is not None
        if step.after.talk.asked:
            assert step.reply.question == step.after.talk.asked == position(step.after).question(step.after.facts())


def test_every_reply_fits_a_page(explored: Explored) -> None:
    for text in {step.reply for step in explored.steps if step.reply}:
        pages = render(text)
        assert len(pages) == 1
        assert len(pages[0].encode()) <= 2000


def test_the_same_paragraph_is_never_said_twice_in_one_reply(explored: Explored) -> None:
    for step in explored.steps:
        if step.reply is not None:
            parts = [line for line in step.reply.text.split("\n") if len(line) > 8 and "：" not in line[:6]]
            assert len(parts) == len(set(parts)), step.reply.text
            assert step.reply.text.count("下一步：") <= 1
            assert len(set(step.reply.links)) == len(step.reply.links)


def test_telephone_numbers_are_given_once_in_a_reply() -> None:
    for _, world in registered():
        step = say(event(world, Kind.IMAGE).after, "联系老师")
        assert step.reply is not None
        assert step.reply.text.count("13800000000") == 1


def test_the_end_of_every_flow_is_reachable_by_answers_alone(explored: Explored) -> None:
    into: dict[object, list[object]] = defaultdict(list)
    todo: list[object] = []
    for step in explored.steps:
        if flow_of(step.after) != flow_of(step.before) or not step.after.talk.asked:
            todo.append(key(step.before))
        else:
            into[key(step.after)].append(key(step.before))
    for world in explored.states.values():
        for other in variants(world):
            into[key(other)].append(key(world))
    ends = set(todo)
    while todo:
        for before in into[todo.pop()]:
            if before not in ends:
                ends.add(before)
                todo.append(before)
    stuck = [world for found, world in explored.states.items() if found not in ends and not _may_wait(world)]
    assert [position(world).words for world in stuck] == []


def _may_wait(world: World) -> bool:
    """The board is a resting place; and who is not on the roster, or is locked out, cannot log in."""
    if flow_of(world) == "login":
        is_listed = any(d.graduate.student_number == NUMBER for d in world.dossiers)
        return not is_listed or world.failures >= 5 or world.binding is not ChsiAnswer.YES
    return flow_of(world) == "board"


def test_every_kind_of_message_is_answered_in_every_situation() -> None:
    count = 0
    for _, situation in (*strangers(), *registered()):
        for world in in_every_flow(situation):
            count += 1
            # Every kind in turn: over 2,000 situations each kind meets each flow many times.
            kind, text = EVENTS[count % len(EVENTS)]
            step = event(world, kind, text)
            if kind in _SILENT:
                assert step.reply is None
            else:
                assert_answered(step)
            assert step.turn.effects == ()
    assert count > 2_000


def test_every_kind_of_message_is_answered_in_every_state(states: list[World]) -> None:
    for world in states:
        for kind, text in EVENTS:
            step = event(world, kind, text)
            assert step.turn.effects == ()
            if kind not in _SILENT:
                assert_answered(step)
            if kind is not Kind.MENU:
                assert step.turn.talk.answers == world.talk.answers


def test_the_first_words_of_a_newcomer_are_never_an_answer() -> None:
    for text in ("1", "同意", "返回", "重新开始", "你好", "2023010101", "解除绑定"):
        step = say(World(), text)
        assert step.turn.effects == ()
        assert step.reply is not None
        assert "是否同意" in step.reply.text
        assert step.after.talk.consent == 0


def test_a_talk_left_in_a_flow_that_closes_comes_back_to_the_board_without_its_draft() -> None:
    for _, situation in registered():
        for world in in_every_flow(situation):
            if flow_of(world) == "board" or world.own is None or world.own.checked_at is None:
                continue
            much_later = World(world.talk, world.dossiers, world.now + timedelta(days=300))
            after = event(much_later, Kind.IMAGE).after
            if flow_of(after) != flow_of(world):
                assert flow_of(after) == "board"
                assert after.talk.flow == ""
                assert after.talk.answers == ()


def test_every_step_has_samples_and_its_sentences() -> None:
    for flow in FLOWS.values():
        for step in flow.steps:
            words = step.words or f"{flow.name}.{step.name}"
            assert step.samples, words
            assert f"{words}.ask" in texts()
            assert f"{words}.help" in texts()
