"""What became of broadcasts (通知结果), for whoever asks: nobody learns of what is not theirs, and files are noted."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from bot.notices.broadcast import Broadcast
from bot.notices.results import Result, Tally, Which
from bot.ports import UnitOfWork
from bot.staff.deed import Action
from bot.staff.policy import EVERYONE, Act, Actor, ForbiddenError
from bot.use_cases.staff_changes import NotFoundError, Office

Write = Callable[[Iterable[Result]], int]
"""Writes results into a file and returns how many there were."""


class Sight(NamedTuple):
    """A broadcast with the numbers that somebody may see (通知与统计)."""

    broadcast: Broadcast
    tally: Tally


def sight_of(uow: UnitOfWork, by: Actor, broadcast_id: str) -> Sight:
    """Return a broadcast with its numbers (一条通知), to counsellors only once it is for a student of theirs.

    Raises:
        NotFoundError: there is none; one answer for both.
    """
    by.demand(Act.SEE_NOTICES)
    broadcast = uow.broadcasts.by_id(broadcast_id)
    if broadcast is not None:
        sight = Sight(broadcast, uow.results.tally(broadcast.id, by.scope))
        if _is_seen(sight, by):
            return sight
    raise NotFoundError("没有这条通知，或者里面没有您的学生")


def sights(
    uow: UnitOfWork, by: Actor, season_id: str, most: int, before: datetime | None = None
) -> tuple[Sequence[Sight], datetime | None]:
    """Return the newest broadcasts with their numbers (通知列表), and before which moment the next ones were made."""
    by.demand(Act.SEE_NOTICES)
    found = uow.broadcasts.newest(season_id, most + 1, before)
    shown, more = found[:most], found[most - 1].created.at if len(found) > most else None
    tallies = uow.results.tallies([each.id for each in shown], by.scope)
    seen = [Sight(each, tallies[each.id]) for each in shown]
    return [sight for sight in seen if _is_seen(sight, by)], more


def _is_seen(sight: Sight, by: Actor) -> bool:
    return by.scope == EVERYONE or sight.tally.total > 0


def take_results(office: Office, which: Which, write: Write) -> int:
    """Write results, or the telephone list (导出结果、电话名单), and note it; only then may the file leave the house.

    Args:
        office: see Office.
        which: within what this person sees.
        write: see Write; no lock is held while it works.

    Returns:
        How many people it holds.

    Raises:
        ForbiddenError: the role does not allow it, or it goes beyond what this person sees.
        NotFoundError: no such broadcast, or nobody in it that this person sees.
    """
    by = office.by
    by.demand(Act.EXPORT)
    if which.by_phone:
        by.demand(Act.REVEAL)  # it holds the mobiles
    if which.scope != by.scope:
        raise ForbiddenError("这份名单超出您的可见范围")
    with office.work.reading() as uow:
        title = sight_of(uow, by, which.broadcast_id).broadcast.message.title
        count = write(uow.results.lines(which, with_mobile=which.by_phone))
    parts = [*sorted(state.value for state in which.states), *sorted(reason.value for reason in which.reasons)]
    details = {
        "标题": title,
        "内容": "电话名单" if which.by_phone else "逐人结果",
        "人数": str(count),
        "只含": "、".join(parts) or "全部",
    }
    with office.work.writing() as uow:
        uow.audit.append(by, Action.NOTICE_EXPORTED, which.broadcast_id, details, office.clock())
        uow.commit()
    return count
