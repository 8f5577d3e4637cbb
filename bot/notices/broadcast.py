"""The broadcast (通知): one text for many, from the draft to the end, and who may move it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import Enum

from bot.errors import RuleError
from bot.notices.audience import Audience

GRACE = timedelta(minutes=15)
"""A schedule this late still starts by itself: a deploy or a restart lay in between."""


class BroadcastState(Enum):
    """The state of a broadcast (通知状态); the value is what staff read."""

    DRAFT = "草稿"
    AWAITING = "待审批"
    SCHEDULED = "等待发送"
    MISSED = "错过了时间"  # asks before it starts
    RUNNING = "正在发送"
    PAUSED = "已暂停"
    DONE = "已完成"
    CANCELLED = "已取消"


ENDED = frozenset({BroadcastState.DONE, BroadcastState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Signature:
    """Who did something to a broadcast, and when (签署)."""

    account_id: str
    name: str = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What a broadcast says (通知内容).

    Attributes:
        title: at most 20 characters: template messages and subscription notices have no room for more.
        text: the words, with variables such as ``{姓名}``.
        day: the day a template message names (截止日期), or None for the season's last day to confirm.
        use_mass: whether mass messages (群发) may be used for whoever cannot be reached otherwise.
    """

    title: str
    text: str
    day: date | None = None
    use_mass: bool = False


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One text for many (通知).

    Attributes:
        id: identifier, 32 hex digits.
        version: compare-and-swap counter, 0 before it is stored.
        season_id: the season.
        message: see Message.
        audience: see Audience; frozen at the start.
        created: who wrote it.
        state: see BroadcastState.
        planned: name of the planned notice (计划通知) it was made from, "" for one by hand.
        approved: who approved it, or None.
        scheduled_at: when it starts, or None for at once.
        not_after: after this moment nobody is sent anything any more, or None.
        started_at: when it began to run.
        frozen_at: when the audience was written down completely; nothing is sent before.
        size: how many deliveries it has, once frozen.
        ended_at: when it was done or cancelled.
        said: why it is paused or asks, as staff read it; "" for nothing special.
    """

    id: str
    season_id: str
    message: Message = field(repr=False)
    audience: Audience
    created: Signature
    version: int = 0
    state: BroadcastState = BroadcastState.DRAFT
    planned: str = ""
    approved: Signature | None = None
    scheduled_at: datetime | None = None
    not_after: datetime | None = None
    started_at: datetime | None = None
    frozen_at: datetime | None = None
    size: int = 0
    ended_at: datetime | None = None
    said: str = ""

    # -- the draft -------------------------------------------------------------------------------------

    def edit(self, message: Message, audience: Audience) -> "Broadcast":
        """Return it with other words or another audience (修改): a draft again, and approved by nobody."""
        self._demand({BroadcastState.DRAFT, BroadcastState.AWAITING, BroadcastState.SCHEDULED, BroadcastState.MISSED})
        return replace(self._cleared(), message=message, audience=audience)

    def submit(self, scheduled_at: datetime | None, not_after: datetime | None, *, needs_approval: bool) -> "Broadcast":
        """Return it on its way (提交): to a second person, or into the schedule."""
        self._demand({BroadcastState.DRAFT})
        if not_after is not None and scheduled_at is not None and not_after <= scheduled_at:
            raise RuleError("sending.rule.not_after", "最晚时间要在发送时间之后")
        state = BroadcastState.AWAITING if needs_approval else BroadcastState.SCHEDULED
        return replace(self, state=state, scheduled_at=scheduled_at, not_after=not_after, said="")

    def approve(self, by: Signature) -> "Broadcast":
        """Return it approved (批准) by a second person."""
        self._demand({BroadcastState.AWAITING})
        if by.account_id == self.created.account_id:
            raise RuleError("sending.rule.second_person", "人数较多的通知要由另一位老师批准")
        return replace(self, state=BroadcastState.SCHEDULED, approved=by)

    def refuse(self, said: str) -> "Broadcast":
        """Return it as a draft again (退回), with the reason."""
        self._demand({BroadcastState.AWAITING})
        return replace(self._cleared(), said=said)

    def take_back(self) -> "Broadcast":
        """Return it as a draft again (撤回)."""
        self._demand({BroadcastState.AWAITING, BroadcastState.SCHEDULED, BroadcastState.MISSED})
        return self._cleared()

    # -- sending ---------------------------------------------------------------------------------------

    def is_due(self, now: datetime) -> bool:
        """Tell whether the schedule has come (到时间)."""
        return self.state is BroadcastState.SCHEDULED and (self.scheduled_at is None or now >= self.scheduled_at)

    def start(self, now: datetime) -> "Broadcast":
        """Return it running, or asking, if its time was missed (开始)."""
        self._demand({BroadcastState.SCHEDULED})
        if self.not_after is not None and now >= self.not_after:
            return replace(self, state=BroadcastState.MISSED, said="已过最晚发送时间，还没有开始发送")
        if self.scheduled_at is not None and now > self.scheduled_at + GRACE:
            return replace(self, state=BroadcastState.MISSED, said="到时间时系统没有运行，还没有开始发送")
        return replace(self, state=BroadcastState.RUNNING, started_at=now, said="")

    def start_late(self, now: datetime, not_after: datetime | None) -> "Broadcast":
        """Return one that missed its time running after all (仍要发送), because somebody said so."""
        self._demand({BroadcastState.MISSED})
        return replace(self, state=BroadcastState.RUNNING, started_at=now, not_after=not_after, said="")

    def freeze(self, size: int, now: datetime) -> "Broadcast":
        """Return it with its audience written down (冻结名单)."""
        return replace(self, frozen_at=now, size=size)

    def pause(self, said: str = "") -> "Broadcast":
        """Return it paused (暂停); what is under way is finished, nothing else is sent."""
        self._demand({BroadcastState.RUNNING})
        return replace(self, state=BroadcastState.PAUSED, said=said)

    def resume(self) -> "Broadcast":
        """Return it running again (继续)."""
        self._demand({BroadcastState.PAUSED})
        return replace(self, state=BroadcastState.RUNNING, said="")

    def reopen(self) -> "Broadcast":
        """Return one that is done running again, for those that failed (重试)."""
        self._demand({BroadcastState.DONE})
        return replace(self, state=BroadcastState.RUNNING, ended_at=None, said="")

    def finish(self, now: datetime) -> "Broadcast":
        """Return it done (完成)."""
        self._demand({BroadcastState.RUNNING})
        return replace(self, state=BroadcastState.DONE, ended_at=now, said="")

    def cancel(self, now: datetime) -> "Broadcast":
        """Return it cancelled (取消); whoever was not sent anything will not be."""
        self._demand(frozenset(BroadcastState) - ENDED)
        return replace(self, state=BroadcastState.CANCELLED, ended_at=now, said="")

    # -- helpers ---------------------------------------------------------------------------------------

    def _cleared(self) -> "Broadcast":
        return replace(self, state=BroadcastState.DRAFT, approved=None, scheduled_at=None, not_after=None, said="")

    def _demand(self, states: AbstractSet[BroadcastState]) -> None:
        if self.state not in states:
            raise RuleError("sending.rule.state", f"这条通知现在是“{self.state.value}”，不能这样办；请刷新看看")
