"""The ports of the notice ledger (通知端口): what storage and the channels do for the rules, all in one place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import NamedTuple, Protocol

from bot.notices.audience import Audience, Headcount
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import Channel, Delivery, DeliveryState
from bot.notices.mass import MassBatch
from bot.notices.parcel import MassState, Parcel
from bot.notices.planned import PlannedNotice
from bot.notices.report import Consent, Report
from bot.notices.results import Result, Tally, Which
from bot.notices.scene import Halt, Scene
from bot.notices.settling import Sent
from bot.registration.stage import Stage
from bot.staff.policy import Scope


class Held(NamedTuple):
    """A text that waits for the person's next answer (待补发), with its broadcast if it has one."""

    delivery: Delivery
    broadcast: Broadcast | None


class Notices(Protocol):
    """Telling (告知): what the rest of the system puts into the ledger."""

    def add(self, delivery: Delivery) -> bool:
        """Store a delivery; False if one with the same ``once`` is there already."""

    def take_held(self, openid: str, now: datetime) -> Sequence[Held]:
        """Return what waits to be shown to the account, oldest first, and mark it shown."""

    def drop(self, openid: str) -> None:
        """Take back what the account was not told yet: it is nobody's, or somebody else's, from now on."""


class Ledger(Protocol):
    """The ledger (投递台账) as those see it who send; every write compares state and owner."""

    def claim(self, owner: str, until: datetime, now: datetime, most: int) -> Sequence[str]:
        """Take up to ``most`` due deliveries for nobody else until then, messages of the system first."""

    def scene(self, delivery_id: str, owner: str, now: datetime) -> Scene | None:
        """Return what is known of a delivery taken by ``owner``, or None if it is not theirs any more."""

    def move(self, delivery: Delivery, was: DeliveryState, owner: str) -> bool:
        """Write a delivery if it still is in the state ``was`` and its owner's; False, with nothing done, otherwise."""

    def note_message(self, delivery_id: str, message_id: str) -> None:
        """Note the platform's identifier of a delivery that a report has overtaken."""

    def renew(self, owner: str, delivery_ids: Sequence[str], until: datetime) -> None:
        """Keep what the owner has in hand until then (续租)."""

    def release(self, owner: str, delivery_ids: Sequence[str], now: datetime) -> None:
        """Give back what of these the owner has taken and not begun to send (放回)."""

    def expired(self, now: datetime, most: int) -> Sequence[tuple[Delivery, str]]:
        """Return deliveries whose worker has not been heard of, each with that owner."""

    def hurry(self, code: int, now: datetime) -> int:
        """Make due at once what waits because of a platform's code (额度恢复); return how many."""

    def has_pending(self) -> bool:
        """Tell whether anything waits to be sent, now or later."""

    def mark_gone(self, openid: str) -> None:
        """Note that an account does not follow (已取消关注), until it speaks again."""


class Broadcasts(Protocol):
    """The broadcasts (通知)."""

    def add(self, broadcast: Broadcast) -> bool:
        """Store a new one; False if one of the same ``planned`` is there already."""

    def by_id(self, broadcast_id: str) -> Broadcast | None:
        """Return the broadcast or None."""

    def save(self, old: Broadcast, new: Broadcast) -> Broadcast:
        """Write ``new`` if the stored row still is ``old`` (by version); return it. Raises MovedError otherwise."""

    def newest(self, season_id: str, most: int, before: datetime | None = None) -> Sequence[Broadcast]:
        """Return the newest of a season, or the newest made before a moment."""

    def in_states(self, states: Iterable[BroadcastState]) -> Sequence[Broadcast]:
        """Return all in these states, whatever the season, oldest first."""

    def freeze_some(self, broadcast: Broadcast, now: datetime, new_id: Callable[[], str], most: int) -> Broadcast:
        """Write the next ``most`` of the audience into the ledger; return it, frozen once all are there.

        Raises MovedError if somebody else went on with it.
        """

    def cancel_rest(self, broadcast_id: str) -> None:
        """Skip everything of it that was not sent yet (取消其余)."""

    def retry(self, broadcast_id: str, states: Iterable[DeliveryState], now: datetime) -> int:
        """Queue again what is in these states (重试); return how many."""

    def has_open(self, broadcast_id: str) -> bool:
        """Tell whether a worker has still something to do for it, but for what waits for a mass message."""


class Audiences(Protocol):
    """Who an audience is (发送对象), within a scope."""

    def headcount(self, season_id: str, audience: Audience) -> Headcount:
        """Count an audience by reason, as of now."""

    def someone(self, season_id: str, audience: Audience, now: datetime, student_number: str = "") -> Scene | None:
        """Return a real recipient for a preview: of a student number, or the first; None for nobody.

        The scene holds person and window; its delivery is an empty one.
        """


class Results(Protocol):
    """What became of broadcasts (发送结果), as staff read it, always within a scope."""

    def tally(self, broadcast_id: str, scope: Scope) -> Tally:
        """Count the deliveries of a broadcast."""

    def tallies(self, broadcast_ids: Sequence[str], scope: Scope) -> Mapping[str, Tally]:
        """Do ``tally`` for several at once."""

    def page(self, which: Which, after: str, most: int) -> Sequence[Result]:
        """Return the next results after a delivery's identifier, "" for the first."""

    def lines(self, which: Which, *, with_mobile: bool) -> Iterable[Result]:
        """Return all results, piece by piece, by counsellor and student number: use it up inside the unit of work."""

    def count(self, which: Which) -> int:
        """Return how many there are."""


class Batches(Protocol):
    """The mass batches (群发批次); members of a batch share its state."""

    def waiting_count(self, broadcast_id: str) -> int:
        """Return how many of a broadcast wait for a mass message, or are in a batch that is still under way."""

    def waiting(self, broadcast_id: str, now: datetime) -> Iterable[Scene]:
        """Return everybody of a broadcast who waits for a mass message and is due, as of now, in order.

        Read piece by piece: use it up inside the unit of work.
        """

    def leave_out(self, members: Sequence[Delivery]) -> None:
        """Write who of those waiting is not sent it after all, each with the reason."""

    def add(self, batch: MassBatch, members: Sequence[Delivery], stages: Iterable[Stage]) -> MassBatch | None:
        """Store a batch about to be sent and move its members to SENDING; return it with its true size.

        Who moved meanwhile, is not at one of the stages any more or has no account stays outside. None if fewer are
        left than one call takes: then the unit of work must be left without a commit.
        """

    def to_do(self, now: datetime) -> Sequence[MassBatch]:
        """Return batches that are to be sent again, or whose worker has not been heard of."""

    def openids(self, batch_id: str) -> Sequence[str]:
        """Return the accounts of a batch, in order."""

    def move(self, old: MassBatch, new: MassBatch) -> bool:
        """Write a batch, and its members with it, if it still is as it was; False, with nothing done, otherwise."""

    def note_message(self, batch_id: str, message_id: str) -> None:
        """Note the platform's identifier of a batch that was given up or reported meanwhile."""

    def of(self, broadcast_id: str) -> Sequence[MassBatch]:
        """Return the batches of a broadcast, oldest first."""

    def to_ask(self, now: datetime, most: int) -> Sequence[MassBatch]:
        """Return accepted batches that no report has come about and that are to be asked about."""

    def by_message(self, message_id: str) -> MassBatch | None:
        """Return the batch of a platform's identifier or None."""


class Move(NamedTuple):
    """A delivery as it was, and as a report makes it (状态变动)."""

    old: Delivery
    new: Delivery


class Reports(Protocol):
    """The inbox of the platform's reports (回执收件箱); the deliveries it hands out come without their data."""

    def add(self, report: Report, now: datetime) -> bool:
        """Store a report as it came; False if it is there already."""

    def to_match(self, now: datetime, most: int) -> Sequence[Report]:
        """Return reports that are to be looked at now, oldest first, taken so that nobody else looks."""

    def about(self, reports: Sequence[Report]) -> Mapping[str, Delivery]:
        """Return the deliveries found by account and the platform's identifier, by report key."""

    def unnamed(self, reports: Sequence[Report]) -> Sequence[Delivery]:
        """Return what was, or may have been, sent to the accounts about that time and has no identifier yet."""

    def apply(self, moves: Sequence[Move]) -> None:
        """Write new states over old ones and end the leases. Raises MovedError if one is not as it was."""

    def recognise(self, move: Move) -> bool:
        """Do ``apply`` for one that had no identifier, and note it; False if it is not as it was."""

    def settle(self, matched: Mapping[str, str]) -> None:
        """Note what reports were about, report key → delivery or batch; they are not looked at again."""

    def put_off(self, keys: Sequence[str], until: datetime | None) -> None:
        """Count one more look at these reports, and look again then, or never."""

    def unmatched(self) -> int:
        """Return how many wait."""


class Subscriptions(Protocol):
    """What people agreed to get (订阅通知授权)."""

    def note(self, consent: Consent, now: datetime) -> bool:
        """Note that somebody agreed to one more notice, or wants none any more; False if that is noted already."""

    def forget(self, openid: str) -> None:
        """Forget what an account agreed to: it has left."""

    def spend(self, openid: str) -> None:
        """Count one notice as sent."""


class Ending(NamedTuple):
    """A verification whose last day is near (快到期的核验)."""

    verification_id: str
    dossier_id: str
    last_day: date


class PlannedNotices(Protocol):
    """The planned notices (计划通知) of a season."""

    def of(self, season_id: str) -> Sequence[PlannedNotice]:
        """Return all of them, with the defaults where nothing was changed."""

    def save(self, old: PlannedNotice, new: PlannedNotice) -> None:
        """Write one if it still is as it was (by version). Raises MovedError otherwise."""

    def ending(self, season_id: str, days: tuple[date, date], issued_before: datetime) -> Sequence[Ending]:
        """Return verifications of graduates with an account whose last day lies between two days, in order.

        They were not ended early; whether they are in force only the whole dossier knows.
        """

    def told(self, names: Sequence[str]) -> AbstractSet[str]:
        """Return which of these names (``Delivery.once``) are in the ledger already."""


class Halts(Protocol):
    """The halts (暂停的渠道)."""

    def all(self) -> Sequence[Halt]:
        """Return all that were noted and not taken away."""

    def put(self, halt: Halt) -> None:
        """Note a halt, over an older one of the same channel."""

    def lift(self, scope: Channel | None) -> bool:
        """Take a halt away; False if there is none."""


class Beats(Protocol):
    """The beat of the workers (后台心跳): tells a database that was restored from one that went on."""

    def last(self) -> datetime | None:
        """Return when a worker last said that it lives, as this database remembers it."""

    def beat(self, now: datetime) -> None:
        """Say that a worker lives; never goes back."""


class Pace(Protocol):
    """The pace (发送速度) that all processes share; every method is a transaction of its own."""

    def reserve(self, now: datetime, most: int) -> Sequence[datetime]:
        """Take the next slots, at most so many of the next twentieth of a second; each is for one call."""

    def slow_down(self, now: datetime, *, by_limit: bool) -> None:
        """Lower the rate, once for a second: half for a limit nobody told, a tenth less if the platform is busy."""

    def rate(self) -> float:
        """Return the present rate in calls a second."""


class Post(Protocol):
    """The ways to people who did not just write (发送渠道); safe for threads, never raises for a fault there."""

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that are set up."""

    def send(self, parcel: Parcel) -> Sent:
        """Try once to send one message; a token the platform refused is healed once inside."""

    def send_mass(self, batch_id: str, openids: Sequence[str], text: str) -> Sent:
        """Try once to send one text to 2 … 10,000 accounts; the same ``batch_id`` is not sent twice within a day."""

    def mass_state(self, message_id: str) -> MassState:
        """Ask how far a mass job is."""

    def has_quota(self, channel: Channel) -> bool | None:
        """Ask whether a channel's calls of today are not used up; None when the platform does not say."""
