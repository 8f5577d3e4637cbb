"""Looking at a broadcast before it goes out (发送前查看): how many get it, and what one real person would read."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.conversation.facts import Facts
from bot.conversation.reply import Reply
from bot.notices.audience import Headcount
from bot.notices.broadcast import Broadcast
from bot.notices.delivery import Channel, Reason
from bot.notices.scene import Scene, in_force, usable
from bot.notices.variables import Person
from bot.notices.ways import Choice, Means, choose
from bot.ports import UnitOfWork
from bot.registration.season import end_of_day
from bot.use_cases.broadcast_words import broadcast_reply, needs_dossier
from bot.use_cases.manage_broadcasts import broadcast_of, demand_sending
from bot.use_cases.staff_changes import Office


@dataclass(frozen=True, slots=True)
class Preview:
    """What one real person would get now (预览).

    Attributes:
        person: who.
        reply: the whole text, variables filled in.
        channel: the way it would go now; None for nobody but the telephone.
        why: why this way, as staff read it.
        form_at: the moment a template message would name.
        halted: why this way is closed at present, or "".
    """

    person: Person
    reply: Reply = field(repr=False)
    channel: Channel | None
    why: str
    form_at: datetime
    halted: str = ""

    @property
    def size(self) -> int:
        """Bytes of the text, as the platform counts them (字节数)."""
        return len(self.reply.text.encode())


@dataclass(frozen=True, slots=True)
class Outlook:
    """A draft, whom it would reach, and what somebody would read (发送前查看).

    Attributes:
        draft: in the version that was looked at.
        headcount: as of now.
        preview: None if the audience has nobody, or not this student number.
    """

    draft: Broadcast
    headcount: Headcount
    preview: Preview | None


def look_ahead(office: Office, broadcast_id: str, channels: AbstractSet[Channel], student_number: str = "") -> Outlook:
    """Look at a broadcast before it goes out (发送前查看).

    Args:
        office: see Office.
        broadcast_id: which one.
        channels: the channels that are set up.
        student_number: whose message to show; "" for the first who can be reached.

    Raises:
        ForbiddenError: the role may not send.
        NotFoundError: there is no such broadcast.
    """
    demand_sending(office)
    with office.work.reading() as uow:
        draft = broadcast_of(uow, broadcast_id)
        headcount = uow.audiences.headcount(draft.season_id, draft.audience)
        scene = uow.audiences.someone(draft.season_id, draft.audience, office.clock(), student_number)
        return Outlook(draft, headcount, _preview(office, uow, draft, scene, channels))


def _preview(
    office: Office, uow: UnitOfWork, draft: Broadcast, scene: Scene | None, channels: AbstractSet[Channel]
) -> Preview | None:
    now, season = office.clock(), uow.seasons.current()
    if scene is None or scene.person is None or season is None:
        return None
    facts = Facts(now, season)
    if needs_dossier(draft):
        facts = replace(facts, dossier=uow.registry.by_id(scene.person.id))
    reply = broadcast_reply(draft, scene.person, facts)
    choice = _choice(scene, Means(usable(frozenset(channels), draft)), office)
    halt = in_force(uow.halts.all(), now).get(choice.channel) if choice.channel else None
    at = end_of_day(draft.message.day or season.closes)
    return Preview(scene.person, reply, choice.channel, choice.why, at, halt.said if halt else "")


def _choice(scene: Scene, means: Means, office: Office) -> Choice:
    if scene.person is None or not scene.person.openid:
        return Choice(None, Reason.NOT_BOUND.value)
    if not scene.window.following:
        return Choice(None, Reason.NOT_FOLLOWING.value)
    return choose(scene.window, means, office.clock())
