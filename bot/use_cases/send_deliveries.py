"""Send deliveries (投递): take what is due, look once more, note that it is being sent, call, note what came of it.

One transaction between two calls: it writes down what the last one came to and commits that the next one begins. So
whoever dies leaves behind exactly what may have gone out, and nothing is sent that was not looked at a moment before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.conversation.facts import Facts
from bot.conversation.reply import Reply
from bot.conversation.texts import texts
from bot.conversation.wording import notice_reply
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import LEASE, Channel, Delivery, DeliveryState, Reason
from bot.notices.parcel import Parcel
from bot.notices.ports import Pace, Post
from bot.notices.scene import Halt, Offer, Scene, halt_of, in_force, judge
from bot.notices.settling import BUSY, TOO_FAST, Sent, Verdict, interrupted, released, settled, skipped
from bot.ports import Clock, UnitOfWork, Work
from bot.registration.season import Season, end_of_day
from bot.use_cases.broadcast_words import broadcast_reply, needs_dossier

CLAIM = 10
"""How many one sender takes at a time: few enough that a pause or a killed worker holds up hardly anybody."""

_FRESH = timedelta(seconds=1)
_LOST = frozenset({DeliveryState.UNKNOWN, DeliveryState.FAILED_TEMP})


@dataclass(frozen=True, slots=True)
class Means:
    """What sending needs from the world (发送条件).

    Attributes:
        work: opens units of work.
        post: the channels.
        pace: the rate all processes share.
        clock: the present moment.
        owner: names this process in the ledger.
        my_turn: waits for the next slot; False if there is none within a second, or it is time to stop.
        jitter: 0.5 to 1.5, spreads the pauses.
        render: turns a reply into pages of at most 2000 bytes.
    """

    work: Work
    post: Post
    pace: Pace
    clock: Clock
    owner: str
    my_turn: Callable[[], bool]
    jitter: Callable[[], float]
    render: Callable[[Reply], tuple[str, ...]]


@dataclass(slots=True)
class Known:
    """What a sender may remember for a second (短时记忆): the season, the halts; and broadcasts by their version."""

    season: Season | None = None
    halts: Mapping[Channel, Halt] = field(default_factory=dict)
    read_at: datetime | None = None
    broadcasts: dict[str, Broadcast] = field(default_factory=dict)

    def refresh(self, uow: UnitOfWork, now: datetime) -> None:
        """Read again what may have changed."""
        if self.read_at is None or not timedelta(0) <= now - self.read_at < _FRESH:
            self.season, self.halts, self.read_at = uow.seasons.current(), in_force(uow.halts.all(), now), now

    def broadcast(self, uow: UnitOfWork, scene: Scene) -> Broadcast | None:
        """Return the broadcast of a scene, in the version the scene has seen."""
        id_ = scene.delivery.broadcast_id
        known = self.broadcasts.get(id_)
        if id_ and (known is None or known.version != scene.broadcast_version):
            found = uow.broadcasts.by_id(id_)
            if found is None:
                return None
            self.broadcasts[id_] = known = found
        return known


@dataclass(frozen=True, slots=True)
class _Ready:
    """A delivery noted as SENDING, with what its channel is handed."""

    delivery: Delivery
    parcel: Parcel


@dataclass(slots=True)
class Sender:
    """One sender (发送者); a process may have several, each for one thread.

    Attributes:
        means: see Means.
        is_stopping: tells whether to begin nothing more.
        known: see Known.
        in_hand: what this sender holds now, for whoever says in the ledger that it lives.
    """

    means: Means
    is_stopping: Callable[[], bool] = lambda: False
    known: Known = field(default_factory=Known)
    in_hand: Sequence[str] = ()
    _last: tuple[Delivery, Sent] | None = None

    def send_due(self) -> int:
        """Send what is due, a few at most (发送一轮); return how many were taken."""
        means, now = self.means, self.means.clock()
        with means.work.writing() as uow:
            self.in_hand = uow.ledger.claim(means.owner, now + LEASE, now, CLAIM)
            uow.commit()
        taken = self.in_hand
        begun = 0
        try:
            for delivery_id in taken:
                if self.is_stopping():
                    break
                begun += 1
                self._one(delivery_id)
        finally:
            # Whatever broke: what is not in hand any more is not renewed, and somebody takes it over.
            self.in_hand = ()
            self._finish(taken[begun:])
        return len(taken)

    def _one(self, delivery_id: str) -> None:
        ready = self._prepare(delivery_id)
        if ready is None:
            return
        if not self.means.my_turn():
            # Not called, and surely so: it goes back, and this attempt does not count.
            later = self.means.clock() + _FRESH
            self._last = (ready.delivery, Sent(Verdict.HALT, until=later))
            return
        sent = self.means.post.send(ready.parcel)
        self._last = (ready.delivery, sent)
        if sent.code in {BUSY, TOO_FAST}:
            self.means.pace.slow_down(self.means.clock(), by_limit=sent.code == TOO_FAST)

    def _prepare(self, delivery_id: str) -> _Ready | None:
        means, now = self.means, self.means.clock()
        with means.work.writing() as uow:
            self._settle(uow, now)
            scene = uow.ledger.scene(delivery_id, means.owner, now)
            ready = None
            if scene is not None:
                self.known.refresh(uow, now)
                ready = self._judged(uow, scene, now)
            uow.commit()
        self._last = None
        return ready

    def _judged(self, uow: UnitOfWork, scene: Scene, now: datetime) -> _Ready | None:
        broadcast = self.known.broadcast(uow, scene)
        season = self.known.season
        if season is None or (scene.delivery.broadcast_id and broadcast is None):
            uow.ledger.move(released(scene.delivery, now + _FRESH), DeliveryState.LEASED, self.means.owner)
            return None
        after = judge(scene, broadcast, Offer(self.means.post.channels, self.known.halts), now)
        reply = Reply("")
        if after.state is DeliveryState.SENDING:
            reply = self._reply(uow, scene, broadcast, Facts(now, season))
            if not reply.text:
                after = skipped(scene.delivery, Reason.SAID_NOTHING)
            elif len(self.means.render(reply)) > 1:
                # One delivery is one message: this one says that there is more, and the chat shows it.
                after, reply = replace(after, to_show=True), Reply(texts()["notice.long"])
        if not uow.ledger.move(after, DeliveryState.LEASED, self.means.owner):
            return None
        if after.state is not DeliveryState.SENDING or after.channel is None:
            return None
        title, at = _form(after, broadcast, season, now)
        return _Ready(after, Parcel(after.id, after.openid, after.channel, reply, title, at))

    def _reply(self, uow: UnitOfWork, scene: Scene, broadcast: Broadcast | None, facts: Facts) -> Reply:
        if broadcast is None:
            return notice_reply(scene.delivery)
        if scene.person is None:
            return Reply("")
        if needs_dossier(broadcast):
            facts = replace(facts, dossier=uow.registry.by_id(scene.person.id))
        return broadcast_reply(broadcast, scene.person, facts)

    def _settle(self, uow: UnitOfWork, now: datetime) -> None:
        """Write down what the last call came to (结算); a report that was quicker keeps its word."""
        if self._last is None:
            return
        delivery, sent = self._last
        after = unless_cancelled(uow, still_told(settled(delivery, sent, now, self.means.jitter())))
        if not uow.ledger.move(after, DeliveryState.SENDING, self.means.owner) and sent.message_id:
            uow.ledger.note_message(delivery.id, sent.message_id)
        if sent.verdict is Verdict.GONE:
            uow.ledger.mark_gone(delivery.openid)
        if (halt := halt_of(sent, delivery.channel, now)) is not None:
            uow.halts.put(halt)
            self.known.read_at = None
        if delivery.channel is Channel.SUBSCRIPTION and sent.verdict in {Verdict.ACCEPTED, Verdict.OTHER_WAY}:
            # Used up, or withdrawn without our hearing of it: either way there is one less.
            uow.subscriptions.spend(delivery.openid)

    def _finish(self, left: Sequence[str]) -> None:
        """Write down what the last call came to, and give back what was not begun."""
        if self._last is None and not left:
            return
        now = self.means.clock()
        with self.means.work.writing() as uow:
            self._settle(uow, now)
            if left:
                uow.ledger.release(self.means.owner, left, now)
            uow.commit()
        self._last = None


def still_told(delivery: Delivery) -> Delivery:
    """Return a delivery that did not surely arrive, so that the chat shows it (补发): what the system says is not lost.

    A broadcast is shown too if it surely did not arrive, but not if it may have: nobody shall read it twice.
    """
    lost = _LOST if not delivery.broadcast_id else {DeliveryState.FAILED_TEMP}
    return replace(delivery, to_show=True) if delivery.state in lost else delivery


def unless_cancelled(uow: UnitOfWork, delivery: Delivery) -> Delivery:
    """Return a delivery that would be tried again as skipped, if its broadcast was cancelled meanwhile (已取消)."""
    if delivery.state is not DeliveryState.QUEUED or not delivery.broadcast_id:
        return delivery
    broadcast = uow.broadcasts.by_id(delivery.broadcast_id)
    is_over = broadcast is not None and broadcast.state is BroadcastState.CANCELLED
    return skipped(delivery, Reason.CANCELLED) if is_over else delivery


def _form(delivery: Delivery, broadcast: Broadcast | None, season: Season, now: datetime) -> tuple[str, datetime]:
    """Return title and moment for the channels with fixed forms."""
    if broadcast is not None:
        return broadcast.message.title, end_of_day(broadcast.message.day or season.closes)
    key = delivery.key.replace("notice.", "notice_title.", 1)
    return delivery.data.get("title") or texts().get(key, texts()["notice_title.other"]), now


def recover(work: Work, now: datetime, most: int = 100) -> int:
    """Take over what a worker left that has not been heard of (接管失联); return how many.

    What it had only taken is queued again; what it may have sent is repeated only where the platform knows repeats.
    """
    with work.writing() as uow:
        lost = uow.ledger.expired(now, most)
        for delivery, owner in lost:
            if delivery.state is DeliveryState.LEASED:
                after = released(delivery, now)
            else:
                after = still_told(interrupted(delivery, now, Reason.INTERRUPTED))
            uow.ledger.move(unless_cancelled(uow, after), delivery.state, owner)
        uow.commit()
    return len(lost)
