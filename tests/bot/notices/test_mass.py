"""Batches: repeated only while that is safe, taken apart where nothing was sent, never claiming more than is known."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import MOST_ATTEMPTS, RESENDABLE, Channel, DeliveryState, Reason
from bot.notices.mass import (
    ASK_EVERY,
    LEASE,
    REPEAT_AFTER,
    MassBatch,
    after_call,
    asked,
    asked_later,
    begun,
    counted,
    counted_words,
    given_up,
    member_of,
    taken_up,
)
from bot.notices.parcel import MassState
from bot.notices.report import Report
from bot.notices.settling import Sent, Verdict
from bot.registration.season import SHANGHAI

NOW = datetime(2023, 7, 1, 10, tzinfo=SHANGHAI)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
WAITING = MassBatch("b1", "n1", DeliveryState.QUEUED, 10, NOW)
SENDING = begun(WAITING, "me", NOW)
ACCEPTED = after_call(SENDING, Sent(Verdict.ACCEPTED, "71"), NOW, 1.0)
RUNNING = Broadcast(
    id="n1",
    season_id="2023",
    message=Message("标题", "正文", use_mass=True),
    audience=Audience(UNCONFIRMED),
    created=Signature("a1", "张老师", NOW),
    state=BroadcastState.RUNNING,
)
UNSURE = after_call(SENDING, Sent(Verdict.UNSURE), NOW, 1.0)


def report(state: DeliveryState = DeliveryState.DELIVERED, **counts: int) -> Report:
    reason = None if state is DeliveryState.DELIVERED else Reason.CONTENT
    return Report("k", "71", "", NOW, state, reason, counts)


def test_a_begun_batch_has_an_owner_for_a_minute_and_one_more_attempt() -> None:
    assert (SENDING.state, SENDING.attempts, SENDING.sending_at) == (DeliveryState.SENDING, 1, NOW)
    assert (SENDING.lease_owner, SENDING.lease_until) == ("me", NOW + LEASE)
    assert begun(UNSURE, "another", NOW + MINUTE).attempts == 2


def test_an_accepted_batch_keeps_the_platforms_identifier_and_is_asked_about_ten_minutes_later() -> None:
    assert (ACCEPTED.state, ACCEPTED.message_id, ACCEPTED.next_at) == (DeliveryState.ACCEPTED, "71", NOW + ASK_EVERY)
    assert (ACCEPTED.lease_owner, ACCEPTED.lease_until) == ("", None)


def test_without_an_answer_the_same_batch_waits_at_least_a_minute_for_the_same_identifier() -> None:
    assert (UNSURE.state, UNSURE.unsure_since) == (DeliveryState.QUEUED, NOW)
    assert UNSURE.next_at == NOW + REPEAT_AFTER
    busy = after_call(begun(UNSURE, "me", NOW + MINUTE), Sent(Verdict.AGAIN, code=45066), NOW + MINUTE, 1.0)
    assert (busy.state, busy.unsure_since, busy.next_at) == (DeliveryState.QUEUED, NOW, NOW + MINUTE + REPEAT_AFTER)


def test_after_nine_minutes_without_an_answer_nobody_sends_it_again() -> None:
    late = NOW + RESENDABLE
    again = begun(UNSURE, "me", late - SECOND)
    assert after_call(again, Sent(Verdict.UNSURE), late, 1.0).state is DeliveryState.UNKNOWN
    assert taken_up(UNSURE, RUNNING, False, "me", late).state is DeliveryState.UNKNOWN  # noqa: FBT003 -- not halted


@pytest.mark.parametrize("verdict", [Verdict.AGAIN, Verdict.TOO_FREQUENT])
def test_what_surely_was_not_sent_is_taken_apart_and_tried_later(verdict: Verdict) -> None:
    apart = after_call(SENDING, Sent(verdict, code=-1), NOW, 1.0)
    assert (apart.state, apart.reason, apart.attempts, apart.code) == (DeliveryState.SKIPPED, None, 1, -1)
    assert apart.next_at is not None
    assert apart.next_at > NOW
    member = member_of(apart)
    assert (member.state, member.channel, member.next_at) == (DeliveryState.QUEUED, Channel.MASS, apart.next_at)
    assert not member.refused


def test_a_halt_takes_the_batch_apart_until_it_ends_and_does_not_count() -> None:
    apart = after_call(SENDING, Sent(Verdict.HALT, code=45009, until=NOW + 5 * MINUTE), NOW, 1.0)
    assert (apart.state, apart.attempts, apart.next_at) == (DeliveryState.SKIPPED, 0, NOW + 5 * MINUTE)
    assert member_of(apart).state is DeliveryState.QUEUED


def test_where_mass_messages_are_refused_the_members_look_for_another_way() -> None:
    apart = after_call(SENDING, Sent(Verdict.OTHER_WAY, code=45028), NOW, 1.0)
    assert (apart.state, apart.reason, apart.next_at) == (DeliveryState.SKIPPED, Reason.NO_CHANNEL, NOW)
    member = member_of(apart)
    assert (member.state, member.channel, member.reason) == (DeliveryState.QUEUED, None, None)
    assert member.refused == {Channel.MASS}


def test_after_many_attempts_it_failed_for_the_time_and_the_chat_shows_it() -> None:
    tired = after_call(replace(SENDING, attempts=MOST_ATTEMPTS), Sent(Verdict.AGAIN), NOW, 1.0)
    assert (tired.state, tired.reason) == (DeliveryState.FAILED_TEMP, Reason.BUSY)
    assert member_of(tired).to_show


def test_content_the_platform_refuses_is_not_tried_again() -> None:
    refused = after_call(SENDING, Sent(Verdict.CONTENT, code=45002), NOW, 1.0)
    assert (refused.state, refused.reason) == (DeliveryState.FAILED_PERM, Reason.CONTENT)
    assert not member_of(refused).to_show


@pytest.mark.parametrize("verdict", [Verdict.GONE, Verdict.BLOCKED])
def test_what_is_said_of_one_account_is_not_believed_of_thousands(verdict: Verdict) -> None:
    failed = after_call(SENDING, Sent(verdict, code=40003), NOW, 1.0)
    assert (failed.state, failed.reason, failed.code) == (DeliveryState.FAILED_TEMP, Reason.PLATFORM, 40003)
    again = begun(UNSURE, "me", NOW + MINUTE)
    assert after_call(again, Sent(verdict), NOW + MINUTE, 1.0).state is DeliveryState.UNKNOWN


def test_a_refusal_says_nothing_of_an_earlier_attempt_without_an_answer() -> None:
    again = begun(UNSURE, "me", NOW + MINUTE)
    for verdict in (Verdict.OTHER_WAY, Verdict.UNSURE, Verdict.AGAIN):
        last = replace(again, attempts=MOST_ATTEMPTS)
        assert after_call(last, Sent(verdict), NOW + MINUTE, 1.0).state is DeliveryState.UNKNOWN


def test_a_batch_whose_worker_died_is_sent_again_under_the_same_identifier() -> None:
    later = NOW + 2 * MINUTE
    again = taken_up(SENDING, RUNNING, is_halted=False, owner="another", now=later)
    assert (again.state, again.id, again.attempts) == (DeliveryState.SENDING, SENDING.id, 2)
    assert (again.unsure_since, again.sending_at, again.lease_owner) == (NOW, later, "another")


def test_a_batch_whose_worker_died_long_ago_is_unknown() -> None:
    late = NOW + RESENDABLE
    lost = taken_up(SENDING, RUNNING, is_halted=False, owner="another", now=late)
    assert (lost.state, lost.reason, lost.lease_owner) == (DeliveryState.UNKNOWN, Reason.INTERRUPTED, "")


def test_a_paused_or_halted_batch_waits_and_is_given_up_in_the_end() -> None:
    later = NOW + 2 * MINUTE
    paused = replace(RUNNING, state=BroadcastState.PAUSED)
    assert taken_up(UNSURE, paused, is_halted=False, owner="me", now=later) == UNSURE
    assert taken_up(UNSURE, RUNNING, is_halted=True, owner="me", now=later) == UNSURE
    waits = taken_up(SENDING, paused, is_halted=False, owner="me", now=later)
    assert (waits.state, waits.next_at) == (DeliveryState.QUEUED, later)
    lost = taken_up(UNSURE, paused, is_halted=True, owner="me", now=NOW + RESENDABLE)
    assert (lost.state, lost.reason) == (DeliveryState.UNKNOWN, Reason.NO_ANSWER)


def test_a_batch_of_a_broadcast_that_is_over_is_given_up() -> None:
    over = [None, replace(RUNNING, state=BroadcastState.CANCELLED), replace(RUNNING, not_after=NOW + MINUTE)]
    for broadcast in over:
        lost = taken_up(UNSURE, broadcast, is_halted=False, owner="me", now=NOW + MINUTE)
        assert lost == given_up(UNSURE)
        assert lost.state is DeliveryState.UNKNOWN


def test_a_job_that_reached_everybody_is_delivered() -> None:
    done = counted(ACCEPTED, report(TotalCount=10, FilterCount=10, SentCount=10, ErrorCount=0))
    assert (done.state, done.counts["SentCount"]) == (DeliveryState.DELIVERED, 10)
    assert counted_words(done) == ""
    assert member_of(done).state is DeliveryState.DELIVERED
    assert counted(ACCEPTED, report()).state is DeliveryState.DELIVERED


def test_a_job_that_missed_somebody_keeps_the_counts_because_nobody_says_whom() -> None:
    some = counted(ACCEPTED, report(TotalCount=10, FilterCount=9, SentCount=8, ErrorCount=1))
    assert some.state is DeliveryState.ACCEPTED
    assert member_of(some) == member_of(ACCEPTED)
    assert counted_words(some) == "微信报告：10 人里发出 8 人，另外 2 人没有发出，微信不说是谁"
    assert counted_words(ACCEPTED) == ""


@pytest.mark.parametrize("state", [DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM])
def test_a_job_that_failed_failed_for_everybody(state: DeliveryState) -> None:
    failed = counted(ACCEPTED, report(state, TotalCount=10, SentCount=0))
    assert (failed.state, failed.reason) == (state, Reason.CONTENT)
    assert member_of(failed).state is state


def test_a_report_clears_up_a_batch_that_was_unknown() -> None:
    lost = replace(given_up(UNSURE), message_id="71")
    assert counted(lost, report(TotalCount=10, SentCount=10)).state is DeliveryState.DELIVERED
    some = counted(lost, report(TotalCount=10, SentCount=8))
    assert (some.state, some.counts["SentCount"]) == (DeliveryState.UNKNOWN, 8)


def test_no_report_takes_a_batch_back() -> None:
    done = counted(ACCEPTED, report(TotalCount=10, SentCount=10))
    for late in (report(DeliveryState.FAILED_PERM), report(TotalCount=10, SentCount=1), report(TotalCount=9)):
        assert counted(done, late) == done
    apart = after_call(SENDING, Sent(Verdict.AGAIN), NOW, 1.0)
    assert counted(apart, report(TotalCount=10, SentCount=10)) == apart
    assert counted(UNSURE, report(TotalCount=10, SentCount=1)) == UNSURE


def test_a_silent_job_is_asked_about_for_a_day() -> None:
    assert asked(ACCEPTED, MassState.SENT).state is DeliveryState.DELIVERED
    failed = asked(ACCEPTED, MassState.FAILED)
    assert (failed.state, failed.reason) == (DeliveryState.FAILED_TEMP, Reason.PLATFORM)
    for state in (MassState.SENDING, MassState.UNKNOWN):
        assert asked(ACCEPTED, state) == ACCEPTED
    assert asked_later(ACCEPTED, NOW + ASK_EVERY).next_at == NOW + 2 * ASK_EVERY
    assert asked_later(ACCEPTED, NOW + timedelta(days=1)).next_at is None


def test_members_never_carry_the_identifier_of_the_job() -> None:
    assert member_of(ACCEPTED).message_id == ""
    assert member_of(ACCEPTED).next_at is None
    assert member_of(UNSURE).next_at == UNSURE.next_at
