"""The scene (发送现场): what is known at the moment before a call, and the judgement whether and how to send; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.settling import Sent, Verdict, is_too_late, released, skipped
from bot.notices.variables import Person
from bot.notices.ways import Choice, Means, Window, choose

ALL = "ALL"
"""What a halt of all channels is called where it is stored or asked for."""

_A_LOOK_LATER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Halt:
    """A channel that must not be used for now (暂停的渠道).

    Attributes:
        scope: the channel, or None for all of them.
        until: when it may be tried again, or None for not before somebody says so.
        code: the platform's error code, 0 if it is our own doing.
        said: what happened and what to do, as staff read it.
        at: since when.
    """

    scope: Channel | None
    until: datetime | None
    code: int
    said: str
    at: datetime

    @property
    def name(self) -> str:
        """The name of the channel, or ALL (渠道名)."""
        return self.scope.name if self.scope else ALL

    def holds(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known of one delivery just before its call (发送现场); read in one go.

    Attributes:
        delivery: LEASED, ours.
        broadcast_state, broadcast_version: of its broadcast now, None and 0 for a message of the system.
        not_after: the latest time of its broadcast, or None.
        person: whom it is about as of now, or None if there is no such graduate (any more).
        window: what the ledger knows of the account it would go to.
        is_closed: whether nothing at all is sent for now.
    """

    delivery: Delivery
    broadcast_state: BroadcastState | None = None
    broadcast_version: int = 0
    not_after: datetime | None = None
    person: Person | None = field(default=None, repr=False)
    window: Window = field(default_factory=Window)
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to send with (可用渠道与停用情况): the channels set up, and what is halted."""

    channels: frozenset[Channel]
    halts: Mapping[Channel, Halt] = field(default_factory=dict)


def judge(scene: Scene, broadcast: Broadcast | None, offer: Offer, now: datetime) -> Delivery:
    """Judge one delivery (发送前复核) and return it as SENDING, QUEUED, SKIPPED or UNKNOWN; only SENDING is called for.

    Args:
        scene: as of now.
        broadcast: the broadcast of the version in the scene; None for a message of the system.
        offer: see Offer.
        now: the present moment.
    """
    delivery = scene.delivery
    if scene.is_closed:
        return released(delivery, now + _A_LOOK_LATER)
    if broadcast is None:
        return _sent_to(delivery, scene.window, replace(offer, channels=usable(offer.channels, None)), now)
    if scene.broadcast_state is BroadcastState.CANCELLED:
        return skipped(delivery, Reason.CANCELLED)
    if scene.broadcast_state is not BroadcastState.RUNNING:
        return released(delivery, now)
    if scene.not_after is not None and now >= scene.not_after:
        return skipped(delivery, Reason.OVERDUE)
    refusal = refused(scene.person, broadcast)
    if refusal is not None:
        return skipped(delivery, refusal)
    openid = scene.person.openid or "" if scene.person else ""
    if delivery.unsure_since is not None and openid != delivery.openid:
        # The account it may have gone to is not theirs any more; what they got nobody can say.
        return skipped(delivery, Reason.NO_ANSWER)
    offer = replace(offer, channels=usable(offer.channels, broadcast))
    return _sent_to(replace(delivery, openid=openid), scene.window, offer, now)


def usable(channels: frozenset[Channel], broadcast: Broadcast | None) -> frozenset[Channel]:
    """Return the channels a message may go (可用渠道): mass messages only if its broadcast allows them."""
    has_mass = broadcast is not None and broadcast.message.use_mass
    return channels if has_mass else channels - {Channel.MASS}


def refused(person: Person | None, broadcast: Broadcast) -> Reason | None:
    """Return why a broadcast is not for somebody, as of now (不该发的原因), or None."""
    if person is None:
        return Reason.SAID_NOTHING
    if not broadcast.audience.covers(person.stage):
        return Reason.DONE
    return Reason.NOT_BOUND if not person.openid else None


def _sent_to(delivery: Delivery, window: Window, offer: Offer, now: datetime) -> Delivery:
    if delivery.unsure_since is not None:
        if is_too_late(delivery, now) or delivery.channel is None:
            return skipped(delivery, Reason.NO_ANSWER)
        return _called(delivery, Choice(delivery.channel, delivery.why), offer, now)
    if not window.following:
        return skipped(delivery, Reason.NOT_FOLLOWING)
    choice = choose(window, Means(offer.channels, delivery.refused), now)
    if choice.channel is None:
        return replace(skipped(delivery, Reason.NO_CHANNEL), why=choice.why, to_show=True)
    if choice.channel is Channel.MASS:
        # Not one by one: it waits until everybody else has been reached, and goes with the batch.
        return replace(released(delivery, None), channel=Channel.MASS, why=choice.why)
    return _called(delivery, choice, offer, now)


def _called(delivery: Delivery, choice: Choice, offer: Offer, now: datetime) -> Delivery:
    halt = offer.halts.get(choice.channel) if choice.channel else None
    if halt is not None and halt.holds(now):
        later = halt.until or now + _A_LOOK_LATER
        return replace(released(delivery, later), why=halt.said, code=halt.code)
    return replace(
        delivery,
        state=DeliveryState.SENDING,
        channel=choice.channel,
        why=choice.why,
        reason=None,
        attempts=delivery.attempts + 1,
        sending_at=now,
        # These forms have room for a title and a day only: the text itself stands above the next answer.
        to_show=choice.channel is not None and choice.channel.has_form,
    )


def holding(halts: Sequence[Halt], now: datetime) -> Sequence[Halt]:
    """Return the halts in force (正在停用)."""
    return [halt for halt in halts if halt.holds(now)]


def in_force(halts: Sequence[Halt], now: datetime) -> Mapping[Channel, Halt]:
    """Return the halts in force by channel (暂停中的渠道); one of all channels counts for each."""
    found: dict[Channel, Halt] = {}
    for halt in holding(halts, now):
        found |= dict.fromkeys(Channel if halt.scope is None else (halt.scope,), halt)
    return found


def halt_of(sent: Sent, channel: Channel | None, now: datetime) -> Halt | None:
    """Return the halt an attempt has met (停用渠道), or None; nobody is told of one without a sentence."""
    if sent.verdict is not Verdict.HALT or not sent.said:
        return None
    return Halt(None if sent.is_everywhere else channel, sent.until, sent.code, sent.said, now)
