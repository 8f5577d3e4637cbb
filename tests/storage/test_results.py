"""What became of broadcasts, on every database: counts add up, lists agree with them, and nothing leaves the scope."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, Message, Signature
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.results import Result, Which
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.staff.policy import EVERYONE, Scope
from storage.notice_tables import delivery
from storage.unit_of_work import SqlWork

Plain = Callable[[int], Dossier]
AT = datetime(2023, 6, 1, 2, 30, tzinfo=UTC)
OWN = Scope("T1")
COUNSELLORS = (Counsellor("陈静", staff_number="T1"), Counsellor("李卫", staff_number="T2"), Counsellor("周宁"))
S, R = DeliveryState, Reason
ENDS = (
    (S.QUEUED, None, None),
    (S.ACCEPTED, None, Channel.TEMPLATE),
    (S.DELIVERED, None, Channel.SERVICE),
    (S.SKIPPED, R.NOT_BOUND, None),
    (S.SKIPPED, R.NO_CHANNEL, None),
    (S.SKIPPED, R.DONE, None),
    (S.FAILED_PERM, R.BLOCKED, Channel.TEMPLATE),
    (S.FAILED_TEMP, R.BUSY, Channel.SERVICE),
    (S.UNKNOWN, R.NO_ANSWER, Channel.SERVICE),
)
"""What became of one after the other; of them numbers 3, 4, 6 and 7 were not reached."""
BY_PHONE = {3, 4, 6, 7}


@pytest.fixture
def school(work: SqlWork, plain: Plain) -> list[Dossier]:
    """Thirty-six graduates of three counsellors, one without a staff number."""
    made = []
    for number in range(36):
        dossier = plain(number)
        graduate = replace(dossier.graduate, counsellor=COUNSELLORS[number % 3], mobile=f"139{number:08}")
        made.append(replace(dossier, graduate=graduate))
    with work.writing() as uow:
        uow.registry.add_many(made)
        uow.commit()
    return made


@pytest.fixture
def sent(work: SqlWork, school: list[Dossier]) -> Broadcast:
    """A broadcast to all of them, and another one that must not be mixed up with it."""
    mine, other = _broadcast(1), _broadcast(2)
    with work.writing() as uow:
        assert uow.broadcasts.add(mine)
        assert uow.broadcasts.add(other)
        for place, dossier in enumerate(school):
            state, reason, channel = ENDS[place % len(ENDS)]
            made = _delivery(place, mine, dossier.id)
            uow.notices.add(replace(made, state=state, reason=reason, channel=channel))
        uow.notices.add(_delivery(900, other, school[0].id))
        uow.notices.add(replace(_delivery(901, other, school[1].id), broadcast_id="", key="notice.plain"))
        uow.commit()
    return mine


def _broadcast(number: int) -> Broadcast:
    writer = Signature("a" * 32, "就业办甲", AT)
    return Broadcast(f"{number:032x}", "2023", Message("截止提醒", "请确认"), Audience(UNCONFIRMED), writer)


def _delivery(place: int, broadcast: Broadcast, graduate_id: str) -> Delivery:
    # Identifiers in no order that means anything, as they are in life.
    return Delivery(f"{place * 7919 % 10007:032x}", "", "", {}, f"{place}", AT, broadcast.id, graduate_id, next_at=AT)


def _turned(work: SqlWork, which: Which, most: int) -> Iterator[Result]:
    after = ""
    with work.reading() as uow:
        while page := uow.results.page(which, after, most):
            assert len(page) <= most
            yield from page
            after = page[-1].delivery.id


SCOPES = pytest.mark.parametrize("scope", [EVERYONE, OWN, Scope("")], ids=["everyone", "own", "nobody"])


@SCOPES
def test_counts_agree_with_the_deliveries_one_by_one(
    work: SqlWork, school: list[Dossier], sent: Broadcast, scope: Scope
) -> None:
    seen = [ENDS[place % len(ENDS)] for place, dossier in enumerate(school) if scope.covers(dossier)]
    with work.reading() as uow:
        tally = uow.results.tally(sent.id, scope)
        assert uow.results.count(Which(sent.id, scope)) == len(seen)
    assert tally.counts == Counter((state, reason) for state, reason, _ in seen)
    assert tally.channels == Counter(channel for _, _, channel in seen if channel)
    assert tally.total == len(seen)
    assert tally.shown == 0


def test_several_broadcasts_are_counted_with_one_statement(
    work: SqlWork, sent: Broadcast, statements: list[str]
) -> None:
    ids = [sent.id, f"{2:032x}", "f" * 32]
    with work.reading() as uow:
        statements.clear()
        tallies = uow.results.tallies(ids, EVERYONE)
        assert len(statements) == 1
        assert [tallies[id_].total for id_ in ids] == [36, 1, 0]
        assert [uow.results.tallies(ids, OWN)[id_].total for id_ in ids] == [12, 1, 0]
        assert uow.results.tallies([], EVERYONE) == {}


@SCOPES
@pytest.mark.parametrize("most", [1, 5, 100])
def test_turning_pages_shows_everybody_in_the_scope_once(
    work: SqlWork, school: list[Dossier], sent: Broadcast, scope: Scope, most: int
) -> None:
    expected = [dossier.graduate.student_number for dossier in school if scope.covers(dossier)]
    assert [result.student_number for result in _turned(work, Which(sent.id, scope), most)] == expected


def test_a_place_out_of_sight_or_of_another_broadcast_begins_anew(
    work: SqlWork, school: list[Dossier], sent: Broadcast
) -> None:
    which = Which(sent.id, OWN)
    foreign = next(place for place, dossier in enumerate(school) if not OWN.covers(dossier))
    with work.reading() as uow:
        first = uow.results.page(which, "", 3)
        for after in (_delivery(foreign, sent, "").id, _delivery(900, sent, "").id, "f" * 32, "王小明"):
            assert uow.results.page(which, after, 3) == first


@SCOPES
def test_states_and_reasons_narrow_the_list_as_they_narrow_the_count(
    work: SqlWork, school: list[Dossier], sent: Broadcast, scope: Scope
) -> None:
    for states, reasons in itertools.product(
        [frozenset[DeliveryState](), frozenset({S.SKIPPED}), frozenset({S.SKIPPED, S.UNKNOWN})],
        [frozenset[Reason](), frozenset({R.DONE}), frozenset({R.NOT_BOUND, R.NO_ANSWER})],
    ):
        which = Which(sent.id, scope, states, reasons)
        expected = [
            dossier.id
            for place, dossier in enumerate(school)
            if scope.covers(dossier)
            and (not states or ENDS[place % 9][0] in states)
            and (not reasons or ENDS[place % 9][1] in reasons)
        ]
        assert [result.dossier_id for result in _turned(work, which, 4)] == expected
        with work.reading() as uow:
            assert uow.results.count(which) == len(expected)


@SCOPES
def test_the_telephone_list_holds_whom_nobody_reached_by_counsellor(
    work: SqlWork, school: list[Dossier], sent: Broadcast, scope: Scope
) -> None:
    expected = sorted(
        (dossier.graduate.counsellor.staff_number, dossier.graduate.student_number, dossier.graduate.mobile)
        for place, dossier in enumerate(school)
        if scope.covers(dossier) and place % len(ENDS) in BY_PHONE
    )
    which = Which(sent.id, scope, by_phone=True)
    with work.reading() as uow:
        lines = list(uow.results.lines(which, with_mobile=True))
        assert uow.results.count(which) == len(lines)
        assert {result.mobile for result in uow.results.lines(which, with_mobile=False)} <= {""}
    assert [(result.student_number, result.mobile) for result in lines] == [(each[1], each[2]) for each in expected]


def test_whoever_read_it_or_did_it_since_need_not_be_called(
    work: SqlWork, school: list[Dossier], sent: Broadcast
) -> None:
    which = Which(sent.id, EVERYONE, by_phone=True)
    read, done = school[4], school[6]
    with work.writing() as uow:
        before = uow.results.count(which)
        bound = done.bind("o-done")
        uow.registry.save(done, bound)
        uow.commit()
    shown = delivery.update().where(delivery.c.graduate_id == read.id, delivery.c.broadcast_id == sent.id)
    with work.writing() as uow:
        uow._transaction.write(shown.values(shown_at=AT + timedelta(hours=1)))  # noqa: SLF001 -- the chat's own write
        # Not everybody is meant any more: the stage of the one who logged in is not of this audience.
        stored = uow.broadcasts.by_id(sent.id)
        assert stored
        uow.broadcasts.save(stored, replace(stored, audience=Audience(UNCONFIRMED[:1])))
        uow.commit()
    with work.reading() as uow:
        left = {result.dossier_id for result in uow.results.lines(which, with_mobile=False)}
        assert uow.results.count(which) == len(left) == before - 2
        assert uow.results.tally(sent.id, EVERYONE).shown == 1
        assert uow.results.tally(sent.id, EVERYONE).total == len(school)
    assert not left & {read.id, done.id}


def test_somebody_removed_from_the_roster_stays_in_the_count(
    work: SqlWork, school: list[Dossier], sent: Broadcast
) -> None:
    with work.writing() as uow:
        uow.notices.add(_delivery(500, sent, "e" * 32))
        uow.commit()
    with work.reading() as uow:
        assert uow.results.tally(sent.id, EVERYONE).total == len(school) + 1
        assert uow.results.tally(sent.id, OWN).total == 12
        nameless = [
            result for result in uow.results.lines(Which(sent.id, EVERYONE), with_mobile=True) if not result.name
        ]
        assert [(result.dossier_id, result.student_number, result.mobile) for result in nameless] == [("", "", "")]
    everybody = list(_turned(work, Which(sent.id, EVERYONE), 7))
    assert len(everybody) == len(school) + 1
    assert everybody[0].dossier_id == ""


def test_a_whole_list_takes_a_fixed_number_of_statements(
    work: SqlWork, school: list[Dossier], sent: Broadcast, statements: list[str]
) -> None:
    assert school
    with work.reading() as uow:
        statements.clear()
        assert len(list(uow.results.lines(Which(sent.id, EVERYONE), with_mobile=True))) == 36
        assert len(statements) == 2
