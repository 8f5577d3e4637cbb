"""Results (发送结果): how a broadcast stands, person by person and counted, as staff read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.staff.policy import Scope

TO_CALL = (Reason.NOT_BOUND, Reason.NOT_FOLLOWING, Reason.NO_CHANNEL, Reason.ALONE)
"""Why somebody was not sent anything and is to be telephoned (电话名单)."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the deliveries of a broadcast stand (投递统计).

    Attributes:
        counts: (state, reason) → how many; they add up to the audience at every moment.
        channels: channel → how many went that way.
        shown: how many of those not sent, or sent as a form, were shown in the chat since.
    """

    counts: Mapping[tuple[DeliveryState, Reason | None], int]
    channels: Mapping[Channel, int] = field(default_factory=dict)
    shown: int = 0

    def of(self, *states: DeliveryState) -> int:
        """Return how many are in these states."""
        return sum(count for (state, _), count in self.counts.items() if state in states)

    @property
    def total(self) -> int:
        """Everybody."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a broadcast for one person (逐人结果).

    Attributes:
        delivery: see Delivery; without its data.
        dossier_id, student_number, name, college, class_name, counsellor: as in the roster; "" if removed since.
        shown_at: when the text was shown in the chat, or None.
        mobile: "" unless the telephone list was asked for.
    """

    delivery: Delivery
    dossier_id: str
    student_number: str = field(repr=False)
    name: str = field(repr=False)
    college: str
    class_name: str
    counsellor: str = field(repr=False)
    shown_at: datetime | None = None
    mobile: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Which:
    """Which results are wanted (结果筛选).

    Attributes:
        broadcast_id: of this broadcast.
        scope: what the person asking may see.
        states: only these, empty for all.
        reasons: only these, empty for all.
        by_phone: only those nobody has reached, who are to be telephoned (电话名单).
    """

    broadcast_id: str
    scope: Scope
    states: frozenset[DeliveryState] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    by_phone: bool = False
