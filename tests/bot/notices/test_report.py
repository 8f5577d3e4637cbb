"""What a report says of a delivery, when it is looked at again, and when one without an identifier may be guessed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.report import AFTER, BEFORE, GIVEN_UP_AFTER, GUESSED_AFTER, Report

NOW = datetime(2023, 6, 20, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def report(**parts: object) -> Report:
    made = Report("k", "7001", "oSomebody", NOW, DeliveryState.DELIVERED, received_at=NOW)
    return replace(made, **parts)  # type: ignore[arg-type]  # the values fit


def sent(state: DeliveryState = DeliveryState.UNKNOWN, **parts: object) -> Delivery:
    made = Delivery("d" * 32, "oSomebody", "k", {}, "once", NOW, state=state, channel=Channel.TEMPLATE, sending_at=NOW)
    return replace(made, **parts)  # type: ignore[arg-type]  # the same


@pytest.mark.parametrize("state", [DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN])
def test_a_report_says_how_a_message_that_went_out_ended(state: DeliveryState) -> None:
    told = report(state=DeliveryState.FAILED_PERM, reason=Reason.BLOCKED).told(sent(state))
    assert told == sent(DeliveryState.FAILED_PERM, reason=Reason.BLOCKED)


@pytest.mark.parametrize(
    "state", [DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM, DeliveryState.SKIPPED]
)
def test_a_report_changes_nothing_that_has_ended(state: DeliveryState) -> None:
    for said in (DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM):
        assert report(state=said).told(sent(state)) == sent(state)


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.LEASED])
def test_a_report_waits_while_the_message_is_to_be_sent_again(state: DeliveryState) -> None:
    assert report().told(sent(state)) is None


def test_it_is_looked_at_again_after_one_two_four_seconds_up_to_an_hour_and_for_three_days() -> None:
    pauses = []
    waiting, now = report(), NOW
    while (then := waiting.next_look(now)) is not None:
        pauses.append(then - now)
        waiting, now = replace(waiting, tries=waiting.tries + 1), then
    assert pauses[:12] == [2**n * SECOND for n in range(12)]
    assert set(pauses[12:]) == {HOUR}
    assert GIVEN_UP_AFTER <= now - NOW <= GIVEN_UP_AFTER + HOUR


def test_it_waits_half_a_minute_for_its_identifier() -> None:
    assert not report().may_be_guessed(NOW + GUESSED_AFTER - SECOND)
    assert report().may_be_guessed(NOW + GUESSED_AFTER)


@pytest.mark.parametrize(
    ("candidate", "fits"),
    [
        (sent(), True),
        (sent(openid="oOther"), False),
        (sent(message_id="7000"), False),
        (sent(sending_at=None), False),
        (sent(sending_at=NOW - BEFORE), True),
        (sent(sending_at=NOW - BEFORE - SECOND), False),
        (sent(sending_at=NOW + AFTER), True),
        (sent(sending_at=NOW + AFTER + SECOND), False),
        # Sent again since: the report may be about the first attempt.
        (sent(sending_at=NOW + HOUR, unsure_since=NOW - SECOND), True),
        (sent(sending_at=NOW + HOUR, unsure_since=NOW + 2 * AFTER), False),
    ],
)
def test_account_and_time_say_whether_it_can_be_about_a_message(candidate: Delivery, *, fits: bool) -> None:
    assert report().only_one([candidate]) == (candidate if fits else None)


def test_of_two_that_fit_it_is_about_none_and_far_ones_do_not_count() -> None:
    one, other = sent(), sent(id="e" * 32, state=DeliveryState.QUEUED, unsure_since=NOW)
    far = sent(id="f" * 32, sending_at=NOW - HOUR)
    assert report().only_one([one, far]) == one
    assert report().only_one([one, other, far]) is None
    assert report().only_one([]) is None


def test_a_report_never_shows_whom_it_is_about() -> None:
    assert "oSomebody" not in repr(report())
    assert report(openid="").is_of_batch
    assert not report().is_of_batch
