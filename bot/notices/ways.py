"""The choice of a channel (选择渠道) for one person, with the reason staff read; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.notices.delivery import Channel

SPOKEN_WINDOW, SPOKEN_MOST = timedelta(hours=48), 5
"""After the person's own message: five customer-service messages within 48 hours (客服消息下发条数)."""

ACTED_WINDOW, ACTED_MOST = timedelta(minutes=1), 3
"""After a tap on the menu, following, or a scan: three within a minute."""

MASS_MOST = 4
"""Mass messages one person gets in a calendar month; the platform drops the fifth for this person."""

MARGIN = timedelta(seconds=10)
"""A window this close to its end counts as over: the call takes time, and the platform's clock decides."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the ledger knows of one account (客服消息台账与配额).

    Attributes:
        following: False once the platform said that the account does not follow, or the person left.
        spoke_at: when the person last wrote, or None.
        acted_at: when the person last tapped the menu, followed or scanned, or None.
        sent_since_spoke: customer-service messages since ``spoke_at``.
        sent_since_acted: customer-service messages since ``acted_at``.
        subscriptions: subscription notices the person agreed to and did not get yet.
        mass_this_month: mass messages of this calendar month.
    """

    following: bool = True
    spoke_at: datetime | None = None
    acted_at: datetime | None = None
    sent_since_spoke: int = 0
    sent_since_acted: int = 0
    subscriptions: int = 0
    mass_this_month: int = 0


@dataclass(frozen=True, slots=True)
class Means:
    """What an installation and a broadcast offer (可用渠道).

    Attributes:
        channels: the channels that are set up and allowed for this message.
        refused: channels that refused this message, so that the next one is taken.
    """

    channels: frozenset[Channel]
    refused: frozenset[Channel] = field(default_factory=frozenset)

    def has(self, channel: Channel) -> bool:
        """Tell whether the channel may be tried."""
        return channel in self.channels and channel not in self.refused


class Choice(NamedTuple):
    """The channel chosen (渠道与理由), None for a telephone call, and why, as staff read it."""

    channel: Channel | None
    why: str


def choose(window: Window, means: Means, now: datetime) -> Choice:
    """Choose the channel for one person (选择渠道): the one that says most and costs least first.

    Customer-service message while window and count allow; template message; subscription notice; mass message; else
    the telephone. Sources: doc/service/api/customer/message/api_sendcustommessage; guide/product/message/Batch_Sends.
    """
    said = []
    for channel, judge in _JUDGES.items():
        if not means.has(channel):
            continue
        can, why = judge(window, now)
        if can:
            return Choice(channel, why)
        said.append(why)
    return Choice(None, "；".join(filter(None, said)) or "没有设置能用的渠道")


def _service(window: Window, now: datetime) -> tuple[bool, str]:
    if window.spoke_at is not None and now < window.spoke_at + SPOKEN_WINDOW - MARGIN:
        left = SPOKEN_MOST - window.sent_since_spoke
        return left > 0, f"48 小时内说过话，还能发 {left} 条" if left > 0 else "48 小时内的 5 条客服消息已用完"
    if window.acted_at is not None and now < window.acted_at + ACTED_WINDOW - MARGIN:
        left = ACTED_MOST - window.sent_since_acted
        return left > 0, f"刚点过菜单，还能发 {left} 条" if left > 0 else "一分钟内的 3 条客服消息已用完"
    return False, "48 小时内没有说过话"


def _template(_window: Window, _now: datetime) -> tuple[bool, str]:
    return True, "不在客服消息的时限内，发模板消息"


def _subscription(window: Window, _now: datetime) -> tuple[bool, str]:
    if window.subscriptions > 0:
        return True, f"同意过订阅通知，还能发 {window.subscriptions} 条"
    return False, "没有同意过订阅通知"


def _mass(window: Window, _now: datetime) -> tuple[bool, str]:
    left = MASS_MOST - window.mass_this_month
    return left > 0, f"本月还能收 {left} 条群发" if left > 0 else "本月 4 条群发已用完"


_JUDGES: Mapping[Channel, Callable[[Window, datetime], tuple[bool, str]]] = {
    Channel.SERVICE: _service,
    Channel.TEMPLATE: _template,
    Channel.SUBSCRIPTION: _subscription,
    Channel.MASS: _mass,
}
