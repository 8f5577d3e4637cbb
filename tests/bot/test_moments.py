"""Moments as numbers."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.moments import from_microseconds, to_microseconds


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(2023, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC), 1_688_169_599_999_999),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
    ],
)
def test_a_moment_is_read_back_to_the_microsecond(moment: datetime, number: int) -> None:
    assert to_microseconds(moment) == to_microseconds(moment.astimezone(timezone(timedelta(hours=8)))) == number
    assert from_microseconds(number) == moment


def test_a_moment_without_a_zone_and_a_number_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(TypeError):
        to_microseconds(datetime(2023, 6, 30))  # noqa: DTZ001 -- that is the point
    with pytest.raises(OverflowError):
        from_microseconds(10**20)
