"""Which channel one person is reached by, and the reason staff read."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.notices.delivery import Channel
from bot.notices.mass import batch_sizes
from bot.notices.ways import MARGIN, Means, Window, choose

NOW = datetime(2023, 6, 20, 9, tzinfo=UTC)
ALL = Means(frozenset(Channel))


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


@pytest.mark.parametrize(
    ("window", "channel"),
    [
        (Window(spoke_at=ago(hours=1)), Channel.SERVICE),
        (Window(spoke_at=ago(hours=47, minutes=59)), Channel.SERVICE),
        (Window(spoke_at=NOW - timedelta(hours=48) + MARGIN), Channel.TEMPLATE),
        (Window(spoke_at=ago(hours=1), sent_since_spoke=4), Channel.SERVICE),
        (Window(spoke_at=ago(hours=1), sent_since_spoke=5), Channel.TEMPLATE),
        (Window(acted_at=ago(seconds=20)), Channel.SERVICE),
        (Window(acted_at=ago(seconds=20), sent_since_acted=3), Channel.TEMPLATE),
        (Window(acted_at=ago(seconds=55)), Channel.TEMPLATE),
        # A tap does not open the 48 hours, and does not add to the five.
        (Window(spoke_at=ago(hours=1), acted_at=ago(seconds=5), sent_since_spoke=5), Channel.TEMPLATE),
        (Window(spoke_at=ago(hours=60), acted_at=ago(seconds=5)), Channel.SERVICE),
        (Window(), Channel.TEMPLATE),
    ],
)
def test_a_customer_service_message_goes_while_window_and_count_allow(window: Window, channel: Channel) -> None:
    assert choose(window, ALL, NOW).channel is channel


def test_what_is_not_set_up_or_refused_this_message_is_passed_over() -> None:
    spoke = Window(spoke_at=ago(hours=1), subscriptions=1)
    means = Means(frozenset({Channel.SERVICE, Channel.SUBSCRIPTION, Channel.MASS}), frozenset({Channel.SERVICE}))
    assert choose(spoke, means, NOW) == (Channel.SUBSCRIPTION, "同意过订阅通知，还能发 1 条")
    assert choose(Window(), means, NOW) == (Channel.MASS, "本月还能收 4 条群发")


def test_whoever_no_channel_reaches_is_telephoned_and_staff_read_every_reason() -> None:
    means = Means(frozenset({Channel.SERVICE, Channel.SUBSCRIPTION, Channel.MASS}))
    channel, why = choose(Window(mass_this_month=4), means, NOW)
    assert channel is None
    assert why == "48 小时内没有说过话；没有同意过订阅通知；本月 4 条群发已用完"
    assert choose(Window(), Means(frozenset()), NOW) == (None, "没有设置能用的渠道")


@pytest.mark.parametrize("most", [3, 4, 7, 10_000])
def test_batches_hold_everybody_and_none_is_too_small_or_too_large(most: int) -> None:
    for count in (*range(2, 60), 9_999, 10_000, 10_001, 10_002, 20_001, 50_000):
        sizes = batch_sizes(count, most)
        assert sum(sizes) == count
        assert all(2 <= size <= most for size in sizes)


def test_a_single_person_gets_no_mass_message() -> None:
    assert batch_sizes(1) == batch_sizes(0) == ()
    assert batch_sizes(10_001) == (9_999, 2)
