"""The words of a broadcast (通知用语) for one reader: sent by themselves, shown above an answer, or previewed."""

from datetime import date

from bot.conversation.facts import Facts
from bot.conversation.reply import Reply
from bot.conversation.vocabulary import next_step
from bot.conversation.wording import LINK_LINE, notice_reply
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.ports import Held
from bot.notices.scene import refused
from bot.notices.variables import NEXT_STEP, Person, Reading, filled, used
from bot.registration.dossier import Dossier
from bot.registration.season import day_of
from bot.registration.stage import stage_of


def broadcast_reply(broadcast: Broadcast, person: Person, facts: Facts) -> Reply:
    """Return what one person reads (通知正文).

    Args:
        broadcast: see Broadcast.
        person: who reads it.
        facts: the moment and the season; the dossier too if ``needs_dossier`` says so.
    """
    season = facts.season
    step = next_step_words(facts) if facts.dossier and needs_dossier(broadcast) else ""
    day = broadcast.message.day or season.closes
    return Reply(filled(broadcast.message.text, Reading(season, facts.today, day, person, step)))


def next_step_words(facts: Facts) -> str:
    """Return what the graduate does next in plain words (下一步), which have no links under them."""
    return LINK_LINE.sub("", next_step(facts)).strip()


def needs_dossier(broadcast: Broadcast) -> bool:
    """Tell whether the text names what only the whole dossier knows (要整份档案)."""
    return NEXT_STEP in used(broadcast.message.text)


def held_reply(held: Held, facts: Facts) -> Reply | None:
    """Return what was held back, as it is shown above an answer (补发), or None if it is not true any more.

    Args:
        held: a message of the system, or a broadcast's.
        facts: after the turn.
    """
    broadcast = held.broadcast
    if broadcast is None:
        return notice_reply(held.delivery, alone=False)
    if broadcast.state is BroadcastState.CANCELLED or facts.dossier is None:
        return None
    if broadcast.not_after is not None and facts.now >= broadcast.not_after:
        return None
    person = person_of(facts.dossier)
    if person.id != held.delivery.graduate_id or refused(person, broadcast) is not None:
        return None
    return Reply(held_words(day_of(held.delivery.created_at), broadcast_reply(broadcast, person, facts)))


def held_words(day: date, reply: Reply) -> str:
    """Return a broadcast of that day as it stands above an answer (补发的样子)."""
    return f"📢 {day.month} 月 {day.day} 日的通知：{reply.text}"


def person_of(dossier: Dossier) -> Person:
    """Return the reader (收件人) a dossier is about."""
    graduate = dossier.graduate
    return Person(
        dossier.id,
        stage_of(dossier),
        dossier.openid,
        graduate.name,
        graduate.college,
        graduate.major,
        graduate.class_name,
        graduate.counsellor.name,
        graduate.counsellor.phone,
    )
