"""Plan notices (计划通知): what the calendar calls for today, each once, in the words staff have set; and setting them.

The three about the window are broadcasts to whoever has not confirmed; that a verification ends is said one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from bot.conversation.facts import Facts
from bot.conversation.vocabulary import chinese_moment
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import Delivery
from bot.notices.planned import OF_VERIFICATION, Planned, PlannedNotice, checked_notice, due
from bot.notices.ports import Ending
from bot.notices.variables import NEXT_STEP, Reading, filled, used, without_links
from bot.ports import UnitOfWork
from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI, Season, day_of
from bot.registration.verification import Subject, Verification
from bot.staff.deed import SYSTEM, Action
from bot.staff.policy import Act
from bot.use_cases.broadcast_words import next_step_words, person_of
from bot.use_cases.staff_changes import Office

FROM, UNTIL = time(9), time(21)
"""The hours of Shanghai in which the calendar may speak: nobody is woken by a reminder."""

PIECE = 200
"""Dossiers looked at in one transaction: SQLite has one writer, and the chat must not wait."""

_AHEAD, _SETTLED = timedelta(days=2), timedelta(days=1)


def plan_notices(office: Office) -> int:
    """Store what the calendar calls for now (推进计划通知); call it every few minutes.

    Returns:
        How many broadcasts and single notices are new.
    """
    now = office.clock()
    if not FROM <= now.astimezone(SHANGHAI).time() < UNTIL:
        return 0
    with office.work.reading() as uow:
        season = uow.seasons.current()
        notices = uow.planned_notices.of(season.id) if season else ()
    if season is None:
        return 0
    return _plan_broadcast(office, season, notices) + _plan_endings(office, season, notices)


def save_planned(office: Office, old: PlannedNotice, new: PlannedNotice) -> None:
    """Set whether a planned notice goes out, and its words (修改计划通知), with an entry in the audit log.

    Args:
        office: see Office.
        old: as it was when it was shown.
        new: the same notice with other words, or switched.

    Raises:
        ForbiddenError: the role may not do it.
        BadValueError: the words cannot be sent; says what to mend.
        MovedError: somebody else changed it meanwhile.
    """
    office.by.demand(Act.SEND_NOTICES)
    stored = checked_notice(new)
    changed = _changes(old, stored)
    if not changed:
        return
    with office.work.writing() as uow:
        uow.planned_notices.save(old, stored)
        details = {"计划通知": old.kind.value} | changed
        uow.audit.append(office.by, Action.PLANNED_SAVED, old.season_id, details, office.clock())
        uow.commit()


def _changes(old: PlannedNotice, new: PlannedNotice) -> dict[str, str]:
    def switch(notice: PlannedNotice) -> str:
        return "开" if notice.is_on else "关"

    pairs = {"是否发送": (switch(old), switch(new)), "标题": (old.title, new.title), "正文": (old.text, new.text)}
    return {name: f"{before} → {after}" for name, (before, after) in pairs.items() if before != after}


# -- the window ----------------------------------------------------------------------------------------


def _plan_broadcast(office: Office, season: Season, notices: Sequence[PlannedNotice]) -> int:
    now = office.clock()
    notice = due(notices, season, day_of(now))
    if notice is None:
        return 0
    with office.work.writing() as uow:
        is_new = uow.broadcasts.add(_broadcast(office.new_id(), season, notice, now))
        uow.commit()
    return int(is_new)


def _broadcast(id_: str, season: Season, notice: PlannedNotice, now: datetime) -> Broadcast:
    """Return today's broadcast; nobody approves it, because staff set its words and the calendar its day."""
    today = day_of(now)
    return Broadcast(
        id=id_,
        season_id=season.id,
        message=Message(notice.title, notice.text),
        audience=Audience(UNCONFIRMED),
        created=Signature(SYSTEM.id, SYSTEM.name, now),
        state=BroadcastState.SCHEDULED,
        planned=f"{season.id}:{notice.kind.name}:{today}",
        scheduled_at=datetime.combine(today, FROM, SHANGHAI),
        not_after=datetime.combine(today, UNTIL, SHANGHAI),
    )


# -- verifications that end ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Telling:
    """What tells graduates that a verification ends: the notice, in a season, at a moment."""

    notice: PlannedNotice
    season: Season
    now: datetime


def _plan_endings(office: Office, season: Season, notices: Sequence[PlannedNotice]) -> int:
    notice = next(notice for notice in notices if notice.kind is Planned.VERIFICATION_ENDS)
    if not notice.is_on:
        return 0
    now = office.clock()
    telling = _Telling(notice, season, now)
    with office.work.reading() as uow:
        # Whole days first, the exact moment with the dossier: the database need not know what 23:59:59 is.
        near = uow.planned_notices.ending(season.id, (day_of(now), day_of(now + _AHEAD)), now - _SETTLED)
        told = uow.planned_notices.told([_once(one.verification_id, one.last_day) for one in near])
    left = [one for one in near if _once(one.verification_id, one.last_day) not in told]
    pieces = (left[start : start + PIECE] for start in range(0, len(left), PIECE))
    return sum(_tell_some(office, telling, piece) for piece in pieces)


def _tell_some(office: Office, telling: _Telling, endings: Sequence[Ending]) -> int:
    with office.work.writing() as uow:
        dossiers = uow.registry.by_ids(list(dict.fromkeys(one.dossier_id for one in endings)))
        stored = sum(_tell(uow, office, telling, dossier) for dossier in dossiers)
        uow.commit()
    return stored


def _tell(uow: UnitOfWork, office: Office, telling: _Telling, dossier: Dossier) -> int:
    now, stored = telling.now, 0
    for subject in Subject:
        running = dossier.running(subject, now)
        # Whoever set a day or two only has just done so, and knows.
        if running and now > running.valid_until - _AHEAD and now - running.issued_at > _SETTLED and dossier.openid:
            stored += uow.notices.add(
                Delivery(
                    id=office.new_id(),
                    openid=dossier.openid,
                    key="notice.plain",
                    data={"text": _words(telling, dossier, running), "title": telling.notice.title},
                    once=_once(running.id, running.last_day),
                    created_at=now,
                    graduate_id=dossier.id,
                    next_at=now,
                )
            )
    return stored


def _once(verification_id: str, last_day: date) -> str:
    """Name the reminder, so that it is said once for each last day: an extension makes another one."""
    return f"verification_ending:{verification_id}:{last_day}"


def _words(telling: _Telling, dossier: Dossier, running: Verification) -> str:
    text, now = telling.notice.text, telling.now
    step = ""
    if NEXT_STEP in used(text):
        step = next_step_words(Facts(now, telling.season, dossier))
    values = (running.subject.value, running.number, chinese_moment(running.valid_until))
    for name, value in zip(OF_VERIFICATION, values, strict=True):
        text = text.replace(f"{{{name}}}", value)
    reading = Reading(telling.season, day_of(now), running.last_day, person_of(dossier), step)
    return without_links(filled(text, reading))
