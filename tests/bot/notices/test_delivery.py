"""What becomes of a delivery: every verdict in every situation, and no way back."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import RuleError
from bot.notices.delivery import MOST_ATTEMPTS, OPEN, RESENDABLE, SENT, WAYS, Channel, Delivery, DeliveryState, Reason
from bot.notices.settling import (
    Sent,
    Verdict,
    interrupted,
    is_too_late,
    pause_after,
    reported,
    settled,
    skipped,
    tried_again,
)

NOW = datetime(2023, 6, 20, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENDS = {DeliveryState.DELIVERED, DeliveryState.FAILED_PERM, DeliveryState.SKIPPED}


def sending(channel: Channel = Channel.TEMPLATE, attempts: int = 1, unsure: timedelta | None = None) -> Delivery:
    """A delivery whose call is under way; ``unsure``: how long ago an earlier attempt got no answer."""
    return Delivery(
        id="d" * 32,
        openid="oSomebody",
        key="notice.archive_approved",
        data={},
        once="window:1",
        created_at=NOW - timedelta(minutes=20),
        state=DeliveryState.SENDING,
        channel=channel,
        attempts=attempts,
        sending_at=NOW,
        unsure_since=None if unsure is None else NOW - unsure,
    )


SITUATIONS = [
    sending(channel, attempts, unsure)
    for channel, attempts, unsure in itertools.product(
        Channel, (1, 2, MOST_ATTEMPTS), (None, timedelta(minutes=1), RESENDABLE)
    )
]


@pytest.mark.parametrize("verdict", Verdict)
def test_no_verdict_leads_where_a_delivery_may_not_go(verdict: Verdict) -> None:
    for delivery in SITUATIONS:
        after = settled(delivery, Sent(verdict, "m1", 7, until=NOW + timedelta(hours=1)), NOW, 1)
        assert after.state in WAYS[DeliveryState.SENDING]
        assert (after.id, after.once, after.openid) == (delivery.id, delivery.once, delivery.openid)
        assert after.attempts in {delivery.attempts, delivery.attempts - 1}


@pytest.mark.parametrize("verdict", Verdict)
def test_what_may_have_gone_out_goes_the_same_way_again_within_nine_minutes_or_not_at_all(verdict: Verdict) -> None:
    for delivery in SITUATIONS:
        after = settled(delivery, Sent(verdict, until=NOW + timedelta(hours=1)), NOW, 1)
        if after.state is DeliveryState.QUEUED and (delivery.unsure_since or verdict is Verdict.UNSURE):
            assert after.channel is delivery.channel
            assert after.unsure_since
        if verdict is Verdict.UNSURE and after.state is DeliveryState.QUEUED:
            assert delivery.channel in {Channel.TEMPLATE, Channel.MASS}
            assert not is_too_late(after, after.next_at or NOW)


def test_what_surely_did_not_go_out_may_go_any_way_the_next_time() -> None:
    for verdict in (Verdict.AGAIN, Verdict.OTHER_WAY, Verdict.TOO_FREQUENT, Verdict.HALT):
        assert settled(sending(), Sent(verdict), NOW, 1).channel is None


def test_an_accepted_message_keeps_the_identifier_its_report_will_name() -> None:
    after = settled(sending(), Sent(Verdict.ACCEPTED, "m42"), NOW, 1)
    assert (after.state, after.message_id, after.reason) == (DeliveryState.ACCEPTED, "m42", None)


@pytest.mark.parametrize("channel", [Channel.SERVICE, Channel.SUBSCRIPTION])
def test_without_an_answer_a_channel_that_forgets_is_never_repeated(channel: Channel) -> None:
    after = settled(sending(channel), Sent(Verdict.UNSURE), NOW, 1)
    assert (after.state, after.reason) == (DeliveryState.UNKNOWN, Reason.NO_ANSWER)
    assert interrupted(sending(channel), NOW, Reason.INTERRUPTED).reason is Reason.INTERRUPTED


def test_an_interrupted_template_message_is_repeated_at_once_and_after_nine_minutes_no_more() -> None:
    fresh = replace(sending(), sending_at=NOW - RESENDABLE + SECOND)
    assert interrupted(fresh, NOW, Reason.INTERRUPTED).state is DeliveryState.QUEUED
    assert interrupted(fresh, NOW, Reason.INTERRUPTED).next_at == NOW
    old = replace(sending(), sending_at=NOW - RESENDABLE)
    assert interrupted(old, NOW, Reason.INTERRUPTED).state is DeliveryState.UNKNOWN


def test_the_nine_minutes_count_from_the_first_attempt_without_an_answer() -> None:
    first = settled(sending(), Sent(Verdict.UNSURE), NOW, 1)
    assert first.unsure_since == NOW
    later = replace(first, state=DeliveryState.SENDING, attempts=2, sending_at=NOW + timedelta(minutes=8, seconds=58))
    second = settled(later, Sent(Verdict.UNSURE), NOW + timedelta(minutes=8, seconds=59), 1)
    assert (second.state, second.unsure_since) == (DeliveryState.UNKNOWN, NOW)


def test_a_halted_channel_costs_no_attempt_and_waits_until_it_opens() -> None:
    after = settled(sending(attempts=3), Sent(Verdict.HALT, code=45009, until=NOW + timedelta(hours=9)), NOW, 1)
    assert (after.state, after.attempts, after.next_at) == (DeliveryState.QUEUED, 2, NOW + timedelta(hours=9))


def test_a_code_nobody_knows_does_not_keep_a_channel_closed_for_ever() -> None:
    odd = Sent(Verdict.HALT, code=99999, until=NOW + timedelta(minutes=10))
    assert settled(sending(attempts=2), odd, NOW, 1).attempts == 2
    last = settled(sending(attempts=3), odd, NOW, 1)
    assert (last.state, last.reason) == (DeliveryState.FAILED_TEMP, Reason.PLATFORM)
    everywhere = Sent(Verdict.HALT, code=40164, until=NOW + timedelta(minutes=1), is_everywhere=True)
    assert settled(sending(attempts=3), everywhere, NOW, 1).state is DeliveryState.QUEUED


def test_passing_faults_are_tried_eight_times_with_doubling_pauses_and_then_can_be_retried_by_hand() -> None:
    pauses = []
    for attempts in range(1, MOST_ATTEMPTS):
        after = settled(sending(attempts=attempts), Sent(Verdict.AGAIN, code=-1), NOW, 1)
        assert after.next_at
        pauses.append((after.next_at - NOW).total_seconds())
    assert pauses == [2, 4, 8, 16, 32, 64, 128]
    last = settled(sending(attempts=MOST_ATTEMPTS), Sent(Verdict.AGAIN, code=-1), NOW, 1)
    assert (last.state, last.reason, last.code) == (DeliveryState.FAILED_TEMP, Reason.BUSY, -1)
    again = tried_again(last, NOW)
    assert (again.state, again.attempts, again.next_at, again.id) == (DeliveryState.QUEUED, 0, NOW, last.id)


def test_pauses_are_spread_and_end_at_four_minutes() -> None:
    assert pause_after(1, 0.5) == SECOND
    assert pause_after(0, 1) == 2 * SECOND
    assert pause_after(50, 1) == 256 * SECOND


def test_somebody_who_got_too_many_waits_minutes_and_nobody_else_does() -> None:
    after = settled(sending(), Sent(Verdict.TOO_FREQUENT, code=43117), NOW, 1)
    assert (after.state, after.next_at) == (DeliveryState.QUEUED, NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.GONE, Reason.NOT_FOLLOWING),
        (Verdict.BLOCKED, Reason.BLOCKED),
        (Verdict.CONTENT, Reason.CONTENT),
    ],
)
def test_what_trying_again_cannot_help_fails_for_good(verdict: Verdict, reason: Reason) -> None:
    after = settled(sending(), Sent(verdict), NOW, 1)
    assert (after.state, after.reason) == (DeliveryState.FAILED_PERM, reason)
    with pytest.raises(RuleError):
        tried_again(after, NOW)


def test_whoever_may_have_it_is_not_called_skipped() -> None:
    queued = replace(sending(), state=DeliveryState.QUEUED, channel=None)
    assert skipped(queued, Reason.DONE).state is DeliveryState.SKIPPED
    doubtful = skipped(replace(queued, unsure_since=NOW, channel=Channel.TEMPLATE), Reason.DONE)
    assert (doubtful.state, doubtful.channel) == (DeliveryState.UNKNOWN, Channel.TEMPLATE)


def test_a_report_moves_forward_only_whatever_order_reports_come_in() -> None:
    for before, says in itertools.product(DeliveryState, DeliveryState):
        delivery = replace(sending(), state=before)
        after = reported(delivery, says, None)
        assert after.state is before or after.state in WAYS[before]
        if before in ENDS | {DeliveryState.FAILED_TEMP, DeliveryState.QUEUED, DeliveryState.LEASED}:
            assert after is delivery
    early = reported(sending(), DeliveryState.DELIVERED, None)
    assert reported(early, DeliveryState.FAILED_PERM, Reason.BLOCKED) is early


def test_states_that_are_over_lead_nowhere() -> None:
    assert set(WAYS) == set(DeliveryState)
    assert {state for state, ways in WAYS.items() if not ways} == ENDS
    assert not OPEN & ENDS
    assert DeliveryState.UNKNOWN in SENT
