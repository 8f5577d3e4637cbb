"""The pace: even slots, half the rate when the platform says so, and slowly back."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.notices.pacing import AHEAD, SHARE, Setting, grown, slowed, spread

NOW = datetime(2023, 6, 29, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("per_second", [1, 20, 100, 500])
def test_no_second_holds_more_than_was_set_however_slots_are_taken(per_second: int) -> None:
    slots: list[datetime] = []
    setting, now = Setting(NOW, per_second * 1000, NOW, NOW), NOW
    while now < NOW + 3 * SECOND:
        setting, some = spread(setting, now, 7)
        slots += some
        now = max(now + timedelta(milliseconds=3), some[-1] - AHEAD)
    for first in slots:
        assert sum(first <= slot < first + SECOND for slot in slots) <= per_second
    expected = 3 * per_second * SHARE
    assert expected - 1 <= sum(slot < NOW + 3 * SECOND for slot in slots) <= expected + 1


def test_slots_that_nobody_wanted_are_not_made_up_for() -> None:
    setting, _ = spread(Setting(NOW, 10_000, NOW, NOW), NOW, 4)
    _, slots = spread(setting, NOW + 60 * SECOND, 4)
    assert slots == [NOW + 60 * SECOND]


@pytest.mark.parametrize(
    ("by_limit", "rates"), [(True, (4_000, 2_000, 1_000, 1_000)), (False, (7_200, 6_480, 5_832, 5_248))]
)
def test_the_rate_gives_way_once_for_a_second_and_never_to_nothing(*, by_limit: bool, rates: tuple[int, ...]) -> None:
    setting = Setting(NOW, 8_000, NOW - SECOND, NOW - SECOND)
    for rate in rates:
        setting = slowed(setting, setting.changed_at + SECOND, by_limit=by_limit)
        assert setting.rate == rate
        assert slowed(setting, setting.changed_at + SECOND / 2, by_limit=by_limit) == setting


def test_the_rate_comes_back_a_twentieth_for_each_quiet_second_and_never_above_what_was_set() -> None:
    setting, now, steps = Setting(NOW, 5_000, NOW, NOW), NOW, 0
    while setting.rate < 10_000:
        now += SECOND
        assert grown(setting, 10_000, now - SECOND / 2) == setting
        setting, steps = grown(setting, 10_000, now), steps + 1
    assert steps == 15
    assert grown(setting, 10_000, now + 60 * SECOND) == setting
    assert grown(setting, 4_000, now).rate == 4_000


def test_what_grows_may_be_lowered_at_once() -> None:
    setting = grown(Setting(NOW, 5_000, NOW, NOW), 10_000, NOW + SECOND)
    assert slowed(setting, NOW + SECOND, by_limit=True).rate == 2_625


def test_a_limit_nobody_told_is_found_within_seconds_and_costs_little() -> None:
    arrived: list[datetime] = []
    limit, setting, now, refused = 40, Setting(NOW, 400_000, NOW, NOW), NOW, 0
    setting = slowed(setting, now, by_limit=True)
    while now < NOW + 120 * SECOND:
        setting, (now,) = spread(grown(setting, 400_000, now), now, 1)
        arrived = [moment for moment in arrived if now - moment < SECOND]
        if len(arrived) >= limit:
            refused += now > NOW + 10 * SECOND
            setting = slowed(setting, now, by_limit=True)
        arrived.append(now)
    assert 15_000 < setting.rate < 45_000
    assert refused <= 0.01 * 110 * limit
