"""Deliver notices (发送主动消息): claim, send, settle; and plan the reminders of the calendar (journey, step 12)."""

from datetime import datetime, timedelta

from bot.conversation.vocabulary import chinese_day, chinese_moment
from bot.conversation.wording import notice_reply
from bot.ports import Channel, Clock, NoticeState, Outcome, UnitOfWork, Work
from bot.registration.dossier import Dossier
from bot.registration.season import Season, Window, day_of
from bot.registration.verification import Subject
from bot.use_cases.staff_changes import Office
from bot.use_cases.tell import Teller

BATCH = 20
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 8


def deliver_notices(work: Work, channel: Channel, clock: Clock) -> int:
    """Send the notices that are due; what WeChat does not take waits for the graduate's next message.

    Returns:
        How many were tried.
    """
    now = clock()
    with work.writing() as uow:
        claimed = uow.notices.claim(now, now + LEASE, BATCH)
        uow.commit()
    for notice in claimed:
        reply = notice_reply(notice)
        # A sentence that is gone since a deploy has nothing to say any more.
        outcome = channel.send(notice.openid, reply, notice.once) if reply.text else Outcome.GONE
        state, next_at = _settled(outcome, notice.attempts, clock())
        with work.writing() as uow:
            uow.notices.settle(notice, state, next_at)
            uow.commit()
    return len(claimed)


def _settled(outcome: Outcome, attempts: int, now: datetime) -> tuple[NoticeState, datetime | None]:
    if outcome is Outcome.LATER and attempts < MOST_ATTEMPTS:
        return NoticeState.WAITING, now + timedelta(seconds=2 ** min(attempts + 1, 8))
    return {
        Outcome.SENT: NoticeState.SENT,
        Outcome.GONE: NoticeState.DROPPED,
    }.get(outcome, NoticeState.HELD), None


def plan_reminders(office: Office) -> int:
    """Store the reminders the calendar calls for today, each once: window opened, window ends, verification ends.

    Returns:
        How many new ones were stored.
    """
    now = office.clock()
    with office.work.writing() as uow:
        season = uow.seasons.current()
        if season is None:
            return 0
        teller = Teller(season, now, office.links, office.new_id)
        new = sum(_remind(uow, teller, dossier, season, now) for dossier in tuple(uow.registry.bound(season.id)))
        uow.commit()
        return new


def _remind(uow: UnitOfWork, teller: Teller, dossier: Dossier, season: Season, now: datetime) -> int:
    stored = 0
    if season.window(now) is Window.OPEN and not dossier.is_confirmed:
        left = (season.closes - day_of(now)).days
        if left <= 1:
            once = f"window_ending:{dossier.id}:{season.closes}:{left}"
            closes = chinese_day(season.closes)
            stored += teller.tell(uow, dossier, "window_ending", once, notice_closes=closes)
        elif day_of(now) == season.opens:
            stored += teller.tell(uow, dossier, "window_opened", f"window_opened:{dossier.id}:{season.opens}")
    for subject in Subject:
        running = dossier.running(subject, now)
        if running and now > running.valid_until - timedelta(days=2) and now - running.issued_at > timedelta(days=1):
            stored += teller.tell(
                uow,
                dossier,
                "verification_ending",
                f"verification_ending:{running.id}:{running.last_day}",
                notice_subject=subject.value,
                notice_number=running.number,
                notice_until=chinese_moment(running.valid_until),
            )
    return stored
