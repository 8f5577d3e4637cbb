"""Moments as numbers (时刻): microseconds since 1970 UTC, as they are stored, hashed, and written into addresses."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return the whole microseconds since 1970 UTC (微秒数) of an aware moment.

    Raises:
        TypeError: the moment is naive.
    """
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the moment in UTC (时刻) of a number ``to_microseconds`` gave.

    Raises:
        OverflowError: no calendar reaches so far.
    """
    return _EPOCH + timedelta(microseconds=microseconds)
