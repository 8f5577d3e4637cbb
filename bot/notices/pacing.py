"""Pacing (控制速度): slots in time that all processes share, and a rate that gives way to limits nobody told; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

AHEAD = timedelta(milliseconds=50)
"""How much of the future one reservation takes: fewer trips to the database, and no process holds much."""

LATE = timedelta(milliseconds=20)
"""A slot this much in the past is thrown away, so that calls held up somewhere do not go out in a crowd."""

SHARE = 0.95
"""The part of the rate that is used: calls are never quite even, and no second may hold more than was set."""

_QUIET = timedelta(seconds=1)
_LEAST = 1000  # one call a second, in calls in a thousand seconds


@dataclass(frozen=True, slots=True)
class Setting:
    """The pace as stored (发送速度).

    Attributes:
        next_slot: when the next call may begin.
        rate: calls in a thousand seconds, at present.
        changed_at: when the rate was changed last, up or down.
        lowered_at: when it was lowered last.
    """

    next_slot: datetime
    rate: int
    changed_at: datetime
    lowered_at: datetime

    @property
    def gap(self) -> timedelta:
        """The time between two slots."""
        return timedelta(seconds=1000 / (self.rate * SHARE))


def spread(setting: Setting, now: datetime, most: int) -> tuple[Setting, Sequence[datetime]]:
    """Return slots from the next one on (分配时刻): those of the next twentieth of a second, at least one."""
    first = max(setting.next_slot, now)
    gap = setting.gap
    count = min(most, max(1, AHEAD // gap))
    slots = [first + gap * place for place in range(count)]
    return replace(setting, next_slot=first + gap * count), slots


def slowed(setting: Setting, now: datetime, *, by_limit: bool) -> Setting:
    """Return a lower rate (降速), once for a second, since what is under way was sent at the old rate.

    Half of it if the platform named a limit; a tenth less if it was only busy: one call in a hundred always meets that.
    """
    if timedelta(0) <= now - setting.lowered_at < _QUIET:
        return setting
    lower = setting.rate // 2 if by_limit else setting.rate * 9 // 10
    return replace(setting, rate=max(lower, min(_LEAST, setting.rate)), changed_at=now, lowered_at=now)


def grown(setting: Setting, most: int, now: datetime) -> Setting:
    """Return the rate a twentieth higher after a quiet second (提速), never above what was set."""
    if setting.rate > most:
        return replace(setting, rate=most, changed_at=now)
    if setting.rate == most or now - setting.changed_at < _QUIET:
        return setting
    return replace(setting, rate=min(most, setting.rate + max(setting.rate // 20, 1)), changed_at=now)
