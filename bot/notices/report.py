"""The platform's reports (回执): what became of a message, told later, early, twice, in any order or never; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.notices.delivery import Delivery, DeliveryState, Reason
from bot.notices.settling import reported

GUESSED_AFTER = timedelta(seconds=30)
"""How long a report waits for its identifier to be noted before the account and the time have to do."""

GIVEN_UP_AFTER = timedelta(days=3)
"""After so long a report is looked at no more."""

BEFORE, AFTER = timedelta(minutes=10), timedelta(seconds=5)
"""An attempt a report may be about began at most so long before it, or so little after it: clocks differ."""

_LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 12


@dataclass(frozen=True, slots=True)
class Report:
    """One report, as it came (回执).

    Attributes:
        key: digest of who, when and which message; the same report twice has the same key.
        message_id: the platform's identifier of the message or of the mass job.
        openid: the account it went to; "" for a mass job, whose event names somebody who varies.
        at: CreateTime.
        state: the state of a delivery it means: DELIVERED, FAILED_TEMP or FAILED_PERM.
        reason: why it failed, or None.
        counts: the numbers of a mass job: TotalCount, FilterCount, SentCount, ErrorCount; empty for one person's.
        tries: how often it was looked at without finding what it is about.
        received_at: when it came in, or None before it was stored.
    """

    key: str
    message_id: str
    openid: str = field(repr=False)
    at: datetime
    state: DeliveryState
    reason: Reason | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    tries: int = 0
    received_at: datetime | None = None

    @property
    def is_of_batch(self) -> bool:
        """Whether it is about a mass job (群发), not about one person's message."""
        return not self.openid

    def may_be_guessed(self, now: datetime) -> bool:
        """Tell whether it waited long enough for its identifier (可以推断): the send's answer must have been lost."""
        return now - (self.received_at or now) >= GUESSED_AFTER

    def next_look(self, now: datetime) -> datetime | None:
        """Return when to look again (下次再看): after 1, 2, 4 … seconds, at most an hour; None to give up."""
        if now - (self.received_at or now) >= GIVEN_UP_AFTER:
            return None
        return now + min(timedelta(seconds=2 ** min(self.tries, _MOST_DOUBLINGS)), _LONGEST_PAUSE)

    def told(self, delivery: Delivery) -> Delivery | None:
        """Return the delivery it is about as it makes it (按回执改状态), or None to wait: it is to be sent again."""
        if delivery.state in {DeliveryState.QUEUED, DeliveryState.LEASED}:
            return None
        return reported(delivery, self.state, self.reason)

    def only_one(self, candidates: Iterable[Delivery]) -> Delivery | None:
        """Return the one delivery that it can be about by account and time (唯一候选), None for none or several.

        One that waits to be repeated counts too: its first attempt may be what the report is about.
        """
        fitting = [one for one in candidates if one.openid == self.openid and self._is_near(one)]
        return fitting[0] if len(fitting) == 1 else None

    def _is_near(self, delivery: Delivery) -> bool:
        last = delivery.sending_at
        if last is None or delivery.message_id:
            return False
        first = delivery.unsure_since or last
        return last >= self.at - BEFORE and first <= self.at + AFTER


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody agreed to one subscription notice, or wants no more of them (订阅授权).

    Attributes:
        key: digest of the event, so that one that comes twice counts once.
        openid: who.
        template_id: of which form.
        accepts: True for one more, False for none any more.
        at: CreateTime.
    """

    key: str
    openid: str = field(repr=False)
    template_id: str
    accepts: bool
    at: datetime
