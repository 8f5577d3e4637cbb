"""Reviews on every database: the queue pages without gaps, and of many reviewers at once exactly one decides."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from bot.errors import BadValueError
from bot.registration.archive import ArchiveItems, ArchiveStatus, ReceivingType, Returned, TransferType
from bot.registration.dossier import Dossier
from bot.registration.graduate import Counsellor
from bot.registration.season import Season
from bot.staff.audit import first_break
from bot.staff.deed import Action
from bot.staff.policy import EVERYONE, Actor, ForbiddenError, Role, Scope
from bot.staff.reasons import DEFAULTS, MOST, Purpose
from bot.staff.review_queue import Filter, Hinted, Place, count
from bot.use_cases.keep_reasons import keep_reasons, remove_reason
from bot.use_cases.review_archive import LateError, Outcome, Shown, approve, decide_many, decided, return_with
from bot.use_cases.staff_changes import NotFoundError, Office
from storage.notice_tables import delivery
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS

Plain = Callable[[int], Dossier]
ITEMS = ArchiveItems(
    TransferType.UNIT, ReceivingType.SIGNED, "示例市人才中心", "示例市学府路1号", "215000", "档案科", "0512-62881234"
)
BAD = replace(ITEMS, address="学府路")
THREADS, ENTRIES = 8, 20


def office(work: SqlWork, at: datetime, number: int = 1, role: Role = Role.OFFICE) -> Office:
    by = Actor(f"{number:032x}", f"审核员{number}", role, "T01" if role is Role.COUNSELLOR else "")
    return Office(work, LINKS, lambda: at, lambda: uuid.uuid4().hex, by)


def submitted(work: SqlWork, plain: Plain, at: datetime, how_many: int = ENTRIES) -> list[Dossier]:
    """Store graduates whose entries wait; every third gives hints, every fourth is of another college."""
    made = []
    for number in range(how_many):
        dossier = plain(number).bind(f"oReview{number}").check(at)
        graduate = replace(
            dossier.graduate,
            college="理学院" if number % 4 == 0 else "文学院",
            counsellor=Counsellor("陈静", "", "T01" if number % 2 else "T02"),
        )
        items = BAD if number % 3 == 0 else ITEMS
        dossier = replace(dossier, graduate=graduate)
        made.append(dossier.submit_archive(items, at + timedelta(minutes=number // 2)))
    with work.writing() as uow:
        uow.registry.add_many(made)
        uow.commit()
    return made


def seen(dossier: Dossier) -> Shown:
    return Shown(dossier.id, dossier.archive.digest)


def paged(work: SqlWork, season: Season, scope: Scope, wanted: Filter, most: int = 3) -> list[str]:
    found: list[str] = []
    after = None
    with work.reading() as uow:
        while page := uow.reviews.waiting(season.id, scope, wanted, after, most):
            found += [dossier.id for dossier in page]
            assert page[-1].archive.submitted_at
            after = Place.read(str(Place(page[-1].archive.submitted_at, page[-1].id)))
    return found


def test_pages_follow_each_other_oldest_first_without_gap_or_repetition(
    work: SqlWork, plain: Plain, season: Season, now: datetime
) -> None:
    made = submitted(work, plain, now)
    in_order = sorted(made, key=lambda d: (d.archive.submitted_at, d.id))
    assert paged(work, season, EVERYONE, Filter()) == [d.id for d in in_order]
    for wanted, passes in (
        (Filter(college="理学院"), lambda d: d.graduate.college == "理学院"),
        (Filter(hinted=Hinted.WITH), lambda d: d.archive.items == BAD),
        (Filter(hinted=Hinted.WITHOUT), lambda d: d.archive.items == ITEMS),
        (Filter(transfer=TransferType.ORIGIN), lambda _: False),
    ):
        expected = [d.id for d in in_order if passes(d)]
        assert paged(work, season, EVERYONE, wanted) == expected
        with work.reading() as uow:
            assert count(uow.reviews.counts(season.id, EVERYONE), wanted) == len(expected)


def test_every_look_at_the_queue_ends_at_the_scope(work: SqlWork, plain: Plain, season: Season, now: datetime) -> None:
    made = submitted(work, plain, now)
    own = {d.id for d in made if d.graduate.counsellor.staff_number == "T01"}
    foreign = next(d for d in made if d.id not in own)
    assert set(paged(work, season, Scope("T01"), Filter())) == own
    assert paged(work, season, Scope(""), Filter()) == []
    place = Place(now - timedelta(days=1), "0" * 32)
    with work.reading() as uow:
        assert uow.reviews.entry(foreign.id, season.id, Scope("T01")) is None
        assert uow.reviews.entry(foreign.id, "other", EVERYONE) is None
        assert uow.reviews.entries([d.id for d in made], season.id, Scope("T01")).keys() == own
        assert uow.reviews.next_id(season.id, Scope("T01"), Filter(), place) in own
        assert uow.reviews.previous_id(season.id, Scope("T09"), Filter(), place) is None
        assert count(uow.reviews.counts(season.id, Scope("T01")), Filter()) == len(own)


def test_the_next_entry_is_the_one_after_or_further_on_or_the_first_again(
    work: SqlWork, plain: Plain, season: Season, now: datetime
) -> None:
    made = sorted(submitted(work, plain, now, 5), key=lambda d: (d.archive.submitted_at, d.id))
    ids = [d.id for d in made]
    places = [Place(d.archive.submitted_at or now, d.id) for d in made]
    with work.reading() as uow:
        queue = uow.reviews
        assert queue.next_id(season.id, EVERYONE, Filter(), places[0]) == ids[1]
        assert queue.next_id(season.id, EVERYONE, Filter(), places[0], 2) == ids[3]
        assert queue.next_id(season.id, EVERYONE, Filter(), places[0], 99) == ids[4]
        assert queue.next_id(season.id, EVERYONE, Filter(), places[4]) == ids[0]
        assert queue.previous_id(season.id, EVERYONE, Filter(), places[4]) == ids[3]
        assert queue.previous_id(season.id, EVERYONE, Filter(), places[0]) is None


@pytest.mark.usefixtures("season")
def test_of_eight_reviewers_one_decides_each_entry_and_each_graduate_is_told_once(
    work: SqlWork, engine: Engine, plain: Plain, now: datetime
) -> None:
    entries = [seen(dossier) for dossier in submitted(work, plain, now)]
    barrier = threading.Barrier(THREADS)

    def review(number: int) -> Counter[Outcome]:
        mine = random.Random(number).sample(entries, ENTRIES) if number % 4 else entries
        barrier.wait(timeout=10)
        results = decide_many(office(work, now, number), mine, "地址不全" if number % 2 else None)
        assert all(result.decided for result in results if result.outcome is Outcome.LATE)
        return Counter(result.outcome for result in results)

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = sum(pool.map(review, range(THREADS)), Counter[Outcome]())
    assert outcomes == {Outcome.DONE: ENTRIES, Outcome.LATE: ENTRIES * (THREADS - 1)}
    with work.reading() as uow:
        log = list(uow.audit.all())
        stored = uow.registry.by_ids([entry.dossier_id for entry in entries])
        for dossier in stored:
            (noted,) = (entry for entry in log if entry.subject == dossier.id)
            approved = dossier.archive.status is ArchiveStatus.APPROVED
            assert noted.action == (Action.ARCHIVE_APPROVED if approved else Action.ARCHIVE_RETURNED).name
    assert first_break(log) is None
    assert len(log) == ENTRIES
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(delivery)) == ENTRIES
        assert connection.scalar(select(func.count(delivery.c.openid.distinct()))) == ENTRIES


@pytest.mark.usefixtures("season")
def test_who_comes_second_hears_who_decided_what_and_when(work: SqlWork, plain: Plain, now: datetime) -> None:
    one, other = submitted(work, plain, now, 2)
    first, second = office(work, now, 1), office(work, now + timedelta(minutes=5), 2)
    return_with(first, seen(one), "地址\n不全")
    approve(first, seen(other))
    with pytest.raises(LateError) as late:
        approve(second, seen(one))
    assert late.value.decided
    assert (late.value.decided.by, late.value.decided.at) == ("审核员1", now)
    assert late.value.decided.status is ArchiveStatus.RETURNED
    assert not late.value.decided.is_own
    with pytest.raises(LateError) as late:
        return_with(first, seen(other), "地址不全")
    assert late.value.decided
    assert late.value.decided.is_own


def test_nobody_decides_what_the_graduate_changed_meanwhile(
    work: SqlWork, plain: Plain, season: Season, now: datetime
) -> None:
    (before,) = submitted(work, plain, now, 1)
    returned = return_with(office(work, now), seen(before), "缺门牌号")
    with work.writing() as uow:
        stored = uow.registry.by_id(before.id)
        assert stored
        uow.registry.save(stored, again := returned.submit_archive(ITEMS, now + timedelta(hours=1)))
        uow.commit()
    with pytest.raises(LateError) as late:
        approve(office(work, now), seen(before))
    assert late.value.decided is None
    with work.reading() as uow:
        entry = uow.reviews.entry(before.id, season.id, EVERYONE)
    assert entry
    assert entry.archive.returned == (Returned(BAD, "缺门牌号", now),)
    assert entry.archive.digest == again.archive.digest
    approved = approve(office(work, now + timedelta(hours=2)), seen(entry))
    assert approved.archive.returned == ()
    noted = decided(office(work, now, 2), approved)
    assert noted
    assert noted.at == now + timedelta(hours=2)


@pytest.mark.usefixtures("season")
def test_only_whom_the_policy_allows_reviews(work: SqlWork, plain: Plain, now: datetime) -> None:
    (entry,) = submitted(work, plain, now, 1)
    for role in (Role.COUNSELLOR, Role.AUDITOR):
        with pytest.raises(ForbiddenError):
            approve(office(work, now, 1, role), seen(entry))
        with pytest.raises(ForbiddenError):
            decide_many(office(work, now, 1, role), [seen(entry)], None)
        with pytest.raises(ForbiddenError):
            keep_reasons(office(work, now, 1, role), Purpose.ARCHIVE, "地址不全")
    (result,) = decide_many(office(work, now), [Shown("f" * 32, "")], None)
    assert result.outcome is Outcome.GONE


@pytest.mark.usefixtures("season")
def test_a_return_without_a_reason_decides_nothing(work: SqlWork, plain: Plain, now: datetime) -> None:
    (entry,) = submitted(work, plain, now, 1)
    for reason in ("", " \n ", "长" * 401, "看不见\u200b的"):
        with pytest.raises(BadValueError):
            decide_many(office(work, now), [seen(entry)], reason)
    approve(office(work, now), seen(entry))


def test_reasons_are_kept_once_in_order_and_removed_once(work: SqlWork, season: Season, now: datetime) -> None:
    del season
    clerk = office(work, now)
    assert keep_reasons(clerk, Purpose.ARCHIVE, "缺门牌号", " 缺门牌号 ") == 1
    assert keep_reasons(clerk, Purpose.ARCHIVE, "缺门牌号", *DEFAULTS[Purpose.ARCHIVE]) == len(
        DEFAULTS[Purpose.ARCHIVE]
    )
    assert keep_reasons(clerk, Purpose.CORRECTION, "缺门牌号") == 1
    with work.reading() as uow:
        first, *_ = kept = uow.reasons.of(Purpose.ARCHIVE)
        assert {template.text for template in kept} == {"缺门牌号", *DEFAULTS[Purpose.ARCHIVE]}
    remove_reason(clerk, first.id)
    with pytest.raises(NotFoundError):
        remove_reason(clerk, first.id)
    with pytest.raises(BadValueError, match="最多"):
        keep_reasons(clerk, Purpose.ARCHIVE, *(f"理由{number}" for number in range(MOST)))
    with work.reading() as uow:
        assert len(uow.reasons.of(Purpose.ARCHIVE)) == len(DEFAULTS[Purpose.ARCHIVE])
        actions = Counter(entry.action for entry in uow.audit.all())
    assert actions == {Action.REASON_KEPT.name: 9, Action.REASON_REMOVED.name: 1}
