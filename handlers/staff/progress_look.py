"""What a page of progress is made of (进度一览): one scan that counts, and three small questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate

from flask import request

from bot.registration.season import Season, day_of
from bot.registration.stage import Stage
from bot.staff.roll import CONFIRMED, LOGGED_IN, VERIFIED, Area, By, Day, Group, Progress, subject_of, total_of
from handlers.staff.console import Console
from handlers.staff.filters import area_of, by_of


@dataclass(frozen=True, slots=True)
class Seen:
    """What one page of progress is made of (进度一览).

    Attributes:
        season, area, by, now: what was asked, and when.
        groups: every part, in the order asked for.
        total: their sum.
        oldest: since when the first of each stage stands there.
        days: the days kept and today, oldest first; empty where none are kept.
    """

    season: Season
    area: Area
    by: By
    now: datetime
    groups: Sequence[Group]
    total: Progress
    oldest: Mapping[Stage, datetime]
    days: Sequence[Day] = ()


def look(console: Console) -> Seen:
    """Read everything that a page shows (读取), within the scope of whoever is logged in."""
    actor, now = console.actor, console.office.clock()
    with console.office.work.reading() as uow:
        season = console.season(uow)
        area = area_of(request.args, season.id, actor)
        by = by_of(request.args, area)
        groups = _joined(uow.roll.progress(area, by)) if by is By.COUNSELLOR else uow.roll.progress(area, by)
        oldest = uow.roll.oldest(area)
        days = uow.progress_days.of(area)
    total = total_of(group.progress for group in groups)
    today = day_of(now)
    days = [*(day for day in days if day.day < today), Day(today, total)] if subject_of(area) else []
    return Seen(season, area, by, now, sorted(groups, key=_KEYS[order_of(request.args)]), total, oldest, days)


def _joined(groups: Sequence[Group]) -> list[Group]:
    """Join what one counsellor has under two spellings of the name; those without a number are known by the name."""
    joined: dict[str, Group] = {}
    for group in groups:
        key = group.counsellor or f" {group.counsellor_name}"
        known = joined.get(key)
        joined[key] = replace(group, progress=group.progress + known.progress) if known else group
    return list(joined.values())


def _name(group: Group) -> tuple[str, ...]:
    return (group.college, group.major, group.class_name, group.counsellor_name, group.counsellor)


def _behind(group: Group) -> tuple[float | str, ...]:
    # Sorted by for every class of the school, so all is summed in one go.
    reached = list(accumulate(reversed(group.progress.counts)))
    total = reached[-1] or 1
    return (*(reached[-1 - step.stage.rank] / total for step in (VERIFIED, CONFIRMED, LOGGED_IN)), *_name(group))


_KEYS = {"behind": _behind, "name": _name}
ORDERS = {"behind": "进度慢的在前", "name": "按名称"}


def order_of(given: Mapping[str, str]) -> str:
    """Return the order an address asks for (排序)."""
    asked = given.get("order", "")
    return asked if asked in _KEYS else "behind"
