"""Reports are put down as they come and find what they are about: early, twice, or without an answer before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, Message, Signature
from bot.notices.delivery import Channel, DeliveryState, Reason
from bot.notices.mass import MassBatch, after_call, begun
from bot.notices.ports import Move
from bot.notices.report import GIVEN_UP_AFTER, GUESSED_AFTER, Consent, Report
from bot.notices.settling import Sent, Verdict
from bot.use_cases.match_reports import MOST, match_reports, note_reports
from storage.cipher import FieldCipher
from storage.delivery_reports import SqlReports
from storage.engine import open_engine
from storage.notice_tables import delivery_report, subscription
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.use_cases.report_post import HOUR, NOW, OWNER, SECOND, Post, name_of, report_of, sending

_NUMBERS = {"TotalCount": 3, "FilterCount": 3, "SentCount": 3, "ErrorCount": 0}
MASS_REPORTS = [
    Report("m" * 64, "88", "", NOW, DeliveryState.DELIVERED, None, _NUMBERS),
    Report("m" * 64, "88", "", NOW, DeliveryState.FAILED_PERM, Reason.CONTENT, {"TotalCount": 3, "SentCount": 0}),
    Report("m" * 64, "88", "", NOW, DeliveryState.FAILED_TEMP, Reason.PLATFORM),
]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on every database."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def post(work: SqlWork, engine: Engine, cipher: FieldCipher) -> Post:
    """Everything on one database."""
    return Post(work, engine, cipher)


def test_a_report_moves_the_message_it_names(post: Post) -> None:
    one, two, three = post.begin(1, 2, 3)
    post.settle(one, two, three)
    blocked = report_of(two, DeliveryState.FAILED_PERM, Reason.BLOCKED)
    post.tell(blocked, blocked, report_of(one))
    assert post.match() == 2
    expected = [DeliveryState.DELIVERED, DeliveryState.FAILED_PERM, DeliveryState.ACCEPTED]
    assert [post.states()[each.id] for each in (one, two, three)] == expected
    assert (post.of(two, "reason"), post.of(one, "reason")) == ("BLOCKED", None)
    assert post.waiting() == 0


def test_what_a_form_announced_is_shown_with_the_next_answer_once_whatever_became_of_it(post: Post) -> None:
    """The mark is set when the form is sent; a report neither takes it away nor shows again what was read."""
    made = post.begin(1, 2, 3)
    post.settle(*made)
    with post.work.writing() as uow:
        assert len(uow.notices.take_held("o3", post.now)) == 1
        uow.commit()
    post.tell(report_of(made[0]), *(report_of(one, DeliveryState.FAILED_TEMP, Reason.PLATFORM) for one in made[1:]))
    post.match()
    assert [bool(post.of(one, "to_show")) for one in made] == [True, True, False]


def test_a_report_that_is_quicker_than_our_note_finds_it_a_second_later(post: Post) -> None:
    (one,) = post.begin(1)
    post.tell(report_of(one))
    assert post.match() == 1
    assert post.states() == {one.id: DeliveryState.SENDING}
    post.settle(one)
    assert post.match() == 0
    assert post.match(SECOND) == 1
    assert post.states() == {one.id: DeliveryState.DELIVERED}


def test_a_message_whose_answer_was_lost_is_found_by_account_and_time_after_half_a_minute(post: Post) -> None:
    lost, other = post.begin(1, 2)
    post.settle(lost, state=DeliveryState.UNKNOWN)
    post.settle(other)
    post.tell(report_of(lost, DeliveryState.FAILED_TEMP, Reason.TOO_FREQUENT))
    for _ in range(5):
        post.match(5 * SECOND)
    assert post.states()[lost.id] is DeliveryState.UNKNOWN
    post.match(GUESSED_AFTER)
    assert post.states() == {lost.id: DeliveryState.FAILED_TEMP, other.id: DeliveryState.ACCEPTED}
    assert (post.of(lost, "message_id"), post.of(lost, "reason")) == (name_of(lost), "TOO_FREQUENT")


def test_a_subscription_notice_never_has_an_identifier_and_is_found_all_the_same(post: Post) -> None:
    (one,) = post.begin(1, channel=Channel.SUBSCRIPTION)
    with post.work.writing() as uow:
        uow.ledger.move(replace(one, state=DeliveryState.ACCEPTED), DeliveryState.SENDING, OWNER)
        uow.commit()
    post.tell(report_of(one))
    post.match()
    post.match(2 * GUESSED_AFTER)
    assert post.states() == {one.id: DeliveryState.DELIVERED}


def test_while_two_may_be_meant_none_is_and_later_the_one_that_is_left(post: Post) -> None:
    first = post.begin(1)[0]
    second = post.begin(2, openid="o1")[0]
    post.settle(first, state=DeliveryState.UNKNOWN)
    post.tell(report_of(first))
    post.match(2 * GUESSED_AFTER)
    assert post.states() == {first.id: DeliveryState.UNKNOWN, second.id: DeliveryState.SENDING}
    post.settle(second)
    post.match(HOUR)
    assert post.states() == {first.id: DeliveryState.DELIVERED, second.id: DeliveryState.ACCEPTED}


def test_of_two_messages_that_may_be_the_same_delivery_neither_is(post: Post) -> None:
    (one,) = post.begin(1)
    post.settle(one, state=DeliveryState.UNKNOWN)
    stranger = replace(report_of(one), key="s" * 64, message_id="77")
    post.tell(report_of(one), stranger)
    post.match(2 * GUESSED_AFTER)
    assert post.states() == {one.id: DeliveryState.UNKNOWN}
    assert post.waiting() == 2


def test_two_reports_of_the_same_lost_message_are_one(post: Post) -> None:
    (one,) = post.begin(1)
    post.settle(one, state=DeliveryState.UNKNOWN)
    post.tell(report_of(one), replace(report_of(one, DeliveryState.FAILED_TEMP, Reason.PLATFORM), key="z" * 64))
    post.match()
    post.match(2 * GUESSED_AFTER)
    assert post.states() == {one.id: DeliveryState.DELIVERED}
    assert post.waiting() == 0


def test_a_message_about_to_be_repeated_keeps_its_report_waiting(post: Post) -> None:
    (one,) = post.begin(1)
    again = replace(one, state=DeliveryState.QUEUED, unsure_since=one.sending_at, next_at=NOW)
    with post.work.writing() as uow:
        assert uow.ledger.move(again, DeliveryState.SENDING, OWNER)
        uow.commit()
    post.tell(report_of(one))
    post.match(2 * GUESSED_AFTER)
    assert post.states() == {one.id: DeliveryState.QUEUED}
    with post.work.writing() as uow:
        assert list(uow.ledger.claim(OWNER, post.now + HOUR, post.now, 1)) == [one.id]
        sent_again = replace(again, state=DeliveryState.SENDING, sending_at=post.now, attempts=2)
        assert uow.ledger.move(sent_again, DeliveryState.LEASED, OWNER)
        uow.commit()
    post.settle(sent_again)
    post.match(HOUR)
    assert post.states() == {one.id: DeliveryState.DELIVERED}


def test_a_report_that_overtakes_a_call_under_way_ends_the_lease_and_the_worker_changes_nothing(post: Post) -> None:
    (one,) = post.begin(1)
    post.tell(report_of(one))
    post.match()
    post.match(2 * GUESSED_AFTER)
    assert [post.of(one, name) for name in ("state", "lease_owner", "lease_until")] == ["DELIVERED", "", None]
    post.settle(one)
    post.settle(one, state=DeliveryState.UNKNOWN)
    with post.work.writing() as uow:
        assert uow.ledger.expired(post.now + 9 * HOUR, 9) == []
    assert post.states() == {one.id: DeliveryState.DELIVERED}
    assert post.of(one, "message_id") == name_of(one)


def test_a_report_of_nothing_of_ours_is_given_up_after_three_days(post: Post) -> None:
    post.tell(report_of(sending(1)))
    looks, began = 0, post.now
    while post.waiting():
        looks += post.match()
        post.now += SECOND if post.now - began < timedelta(minutes=5) else HOUR / 4
    assert GIVEN_UP_AFTER <= post.now - began <= GIVEN_UP_AFTER + 2 * HOUR
    assert 70 < looks < 90
    with post.engine.connect() as connection:
        kept = connection.execute(select(delivery_report.c.next_at, delivery_report.c.delivery_id)).one()
    assert tuple(kept) == (None, "")


def mass_job(post: Post) -> MassBatch:
    """Three people in a mass job whose call is under way."""
    signed = Signature("a" * 32, "张老师", NOW)
    of = Broadcast("b" * 32, people.SEASON.id, Message("标题", "正文", use_mass=True), Audience(UNCONFIRMED), signed)
    parts = {"state": DeliveryState.QUEUED, "channel": Channel.MASS, "broadcast_id": of.id, "sending_at": None}
    who = [people.graduate(f"20230101{number:02}", identity_number=f"11010119900100{number:04}") for number in range(3)]
    readers = [replace(people.ready(f"o{n}"), id=f"{n:032}", graduate=each) for n, each in enumerate(who)]
    with post.work.writing() as uow:
        uow.seasons.save(people.SEASON)
        uow.registry.add_many(readers)
        assert uow.broadcasts.add(of)
        uow.commit()
    made = post.put([sending(number, graduate_id=readers[number].id, **parts) for number in range(3)])
    batch = begun(MassBatch("f" * 32, of.id, DeliveryState.QUEUED, len(made), NOW), OWNER, NOW)
    with post.work.writing() as uow:
        stored = uow.batches.add(batch, made, of.audience.stages)
        uow.commit()
    assert stored == batch
    return batch


@pytest.mark.parametrize("report", MASS_REPORTS)
def test_a_report_of_a_mass_job_moves_everybody_in_it_even_if_it_comes_early(post: Post, report: Report) -> None:
    batch = mass_job(post)
    post.tell(report, report, replace(report, key="k" * 64, message_id="other"))
    post.match()
    assert set(post.states().values()) == {DeliveryState.SENDING}
    with post.work.writing() as uow:
        assert uow.batches.move(batch, after_call(batch, Sent(Verdict.ACCEPTED, "88"), NOW, 1.0))
        uow.commit()
    post.match(SECOND)
    assert list(post.states().values()) == [report.state] * 3
    with post.work.reading() as uow:
        moved = uow.batches.by_message("88")
    assert moved is not None
    assert (moved.state, moved.reason, moved.counts) == (report.state, report.reason, report.counts)
    assert post.waiting() == 1


def test_a_mass_job_about_to_be_repeated_keeps_its_report_waiting(post: Post) -> None:
    batch = mass_job(post)
    again = replace(batch, state=DeliveryState.QUEUED, unsure_since=NOW, message_id="88", next_at=NOW)
    with post.work.writing() as uow:
        assert uow.batches.move(batch, again)
        uow.commit()
    post.tell(MASS_REPORTS[0])
    post.match(2 * GUESSED_AFTER)
    assert (set(post.states().values()), post.waiting()) == ({DeliveryState.QUEUED}, 1)


def test_only_consents_to_our_form_count_and_an_event_of_nothing_opens_no_transaction(
    post: Post, statements: list[str]
) -> None:
    statements.clear()
    note_reports(post.inbox, [], [Consent("k1", "o", "another form", accepts=True, at=NOW)])
    note_reports(replace(post.inbox, template_id=""), [], [Consent("k2", "o", "", accepts=True, at=NOW)])
    assert statements == []
    for _ in range(2):
        note_reports(post.inbox, [], [Consent("k3", "o", "form", accepts=True, at=NOW)])
    with post.engine.connect() as connection:
        assert connection.execute(select(subscription.c.left)).scalars().all() == [1]


def test_a_storm_costs_one_insert_a_report_and_matching_a_few_statements_for_many(
    post: Post, statements: list[str]
) -> None:
    made = post.begin(*range(MOST))
    post.settle(*made)
    statements.clear()
    post.tell(*map(report_of, made))
    assert [statement.split()[0] for statement in statements] == ["INSERT"] * MOST
    statements.clear()
    assert match_reports(post.work, lambda: post.now) == MOST
    assert len(statements) == 4
    assert set(post.states().values()) == {DeliveryState.DELIVERED}


def test_a_matcher_that_loses_a_race_begins_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = post.begin(1)
    post.settle(one)
    post.tell(report_of(one))
    faults = [MovedError("a race"), MovedError("another")]
    apply = SqlReports.apply

    def lose(reports: SqlReports, moves: Sequence[Move]) -> None:
        if faults:
            raise faults.pop()
        apply(reports, moves)

    monkeypatch.setattr(SqlReports, "apply", lose)
    assert post.match() == 1
    assert post.states() == {one.id: DeliveryState.DELIVERED}
