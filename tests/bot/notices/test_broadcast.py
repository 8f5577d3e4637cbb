"""How a broadcast moves from the draft to the end, who may move it, and whom it is for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import BadValueError, RuleError
from bot.notices.audience import MOST_NUMBERS, UNCONFIRMED, Audience, Headcount, numbers_of
from bot.notices.broadcast import ENDED, GRACE, Broadcast, BroadcastState, Message, Signature
from bot.registration.stage import Stage

NOW = datetime(2023, 6, 20, 9, tzinfo=UTC)
AUTHOR = Signature("a" * 32, "王老师", NOW)
SECOND_PERSON = Signature("b" * 32, "李老师", NOW)
HOUR = timedelta(hours=1)
DRAFT = Broadcast("n" * 32, "2023", Message("去向登记待确认", "{姓名}同学，请确认"), Audience(UNCONFIRMED), AUTHOR)


def at(state: BroadcastState) -> Broadcast:
    return replace(DRAFT, state=state)


MOVES: dict[str, tuple[Callable[[Broadcast], Broadcast], set[BroadcastState]]] = {
    "edit": (
        lambda one: one.edit(one.message, one.audience),
        {BroadcastState.DRAFT, BroadcastState.AWAITING, BroadcastState.SCHEDULED, BroadcastState.MISSED},
    ),
    "submit": (lambda one: one.submit(None, None, needs_approval=True), {BroadcastState.DRAFT}),
    "approve": (lambda one: one.approve(SECOND_PERSON), {BroadcastState.AWAITING}),
    "refuse": (lambda one: one.refuse("日期不对"), {BroadcastState.AWAITING}),
    "take back": (
        lambda one: one.take_back(),
        {BroadcastState.AWAITING, BroadcastState.SCHEDULED, BroadcastState.MISSED},
    ),
    "start": (lambda one: one.start(NOW), {BroadcastState.SCHEDULED}),
    "start late": (lambda one: one.start_late(NOW, None), {BroadcastState.MISSED}),
    "pause": (lambda one: one.pause(), {BroadcastState.RUNNING}),
    "resume": (lambda one: one.resume(), {BroadcastState.PAUSED}),
    "reopen": (lambda one: one.reopen(), {BroadcastState.DONE}),
    "finish": (lambda one: one.finish(NOW), {BroadcastState.RUNNING}),
    "cancel": (lambda one: one.cancel(NOW), set(BroadcastState) - ENDED),
}


@pytest.mark.parametrize("name", MOVES)
def test_every_move_is_possible_in_its_states_and_refused_in_all_others(name: str) -> None:
    move, allowed = MOVES[name]
    for state in BroadcastState:
        if state in allowed:
            assert move(at(state)).id == DRAFT.id
        else:
            with pytest.raises(RuleError):
                move(at(state))


def test_nobody_approves_the_own_words() -> None:
    waiting = DRAFT.submit(None, None, needs_approval=True)
    assert waiting.state is BroadcastState.AWAITING
    with pytest.raises(RuleError):
        waiting.approve(AUTHOR)
    assert waiting.approve(SECOND_PERSON).approved == SECOND_PERSON


def test_other_words_need_a_new_approval() -> None:
    approved = DRAFT.submit(NOW, None, needs_approval=True).approve(SECOND_PERSON)
    changed = approved.edit(replace(DRAFT.message, text="别的话"), DRAFT.audience)
    assert (changed.state, changed.approved, changed.scheduled_at) == (BroadcastState.DRAFT, None, None)


def test_a_schedule_starts_in_time_a_little_late_and_asks_when_it_was_missed() -> None:
    waiting = DRAFT.submit(NOW, NOW + 2 * HOUR, needs_approval=False)
    assert not waiting.is_due(NOW - timedelta(seconds=1))
    assert waiting.is_due(NOW)
    assert waiting.start(NOW).state is BroadcastState.RUNNING
    assert waiting.start(NOW + GRACE).state is BroadcastState.RUNNING
    for late in (GRACE + timedelta(seconds=1), 2 * HOUR, 50 * HOUR):
        missed = waiting.start(NOW + late)
        assert missed.state is BroadcastState.MISSED
        assert missed.said
        assert missed.start_late(NOW + late, None).state is BroadcastState.RUNNING


def test_the_latest_time_comes_after_the_schedule() -> None:
    with pytest.raises(RuleError):
        DRAFT.submit(NOW, NOW, needs_approval=False)


def test_an_audience_is_read_back_as_it_was_written() -> None:
    audience = Audience((Stage.UNBOUND, Stage.UNCONFIRMED), college="文学院", counsellor="T01", numbers=("20190001",))
    assert Audience.from_json(audience.to_json()) == audience
    assert audience.words == "文学院，辅导员工号 T01，自定名单 1 人；未登录、待确认去向"
    assert Audience(UNCONFIRMED).words == "全校；未确认的"


def test_whoever_confirmed_is_not_covered_any_more() -> None:
    audience = Audience(UNCONFIRMED)
    assert [stage for stage in Stage if not audience.covers(stage)] == [
        Stage.NO_REAL_PERSON,
        Stage.UNVERIFIED,
        Stage.VERIFIED,
    ]


def test_an_audience_of_nobody_and_a_list_too_long_are_refused() -> None:
    with pytest.raises(BadValueError):
        Audience(())
    with pytest.raises(BadValueError):
        Audience(UNCONFIRMED, numbers=tuple(map(str, range(MOST_NUMBERS + 1))))


def test_a_pasted_list_is_read_whatever_parts_the_numbers() -> None:
    assert numbers_of("2019001，2019002,2019003、2019001\n\tz2019004；2019005") == (
        "2019001",
        "2019002",
        "2019003",
        "Z2019004",
        "2019005",
    )


def test_a_headcount_adds_up() -> None:
    count = Headcount(asked=100, done=40, not_bound=10, not_following=5)
    assert (count.audience, count.reachable) == (60, 45)
