"""What the ledger knows of an account (客服消息台账与配额): windows, and what was sent within them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, Row, bindparam, func, select

from bot.notices.delivery import SENT, Channel
from bot.notices.ways import Window
from bot.registration.season import SHANGHAI
from storage.notice_tables import delivery, subscription
from storage.tables import Moment, talk

_SECOND = 1_000_000
_sent = delivery.alias("sent")
_HAS = tuple(sorted(state.name for state in SENT))


def window_columns(account: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    """Return the columns for ``to_window`` (窗口列) of an account; ``talk`` must be joined by it."""
    return (
        talk.c.following,
        talk.c.spoke_at,
        talk.c.acted_at,
        _count(account, Channel.SERVICE, talk.c.spoke_at * _SECOND).label("since_spoke"),
        _count(account, Channel.SERVICE, talk.c.acted_at * _SECOND).label("since_acted"),
        _count(account, Channel.MASS, bindparam("month", type_=Moment)).label("this_month"),
        _agreed(account),
    )


def _count(account: ColumnElement[Any], channel: Channel, since: ColumnElement[Any]) -> Any:  # noqa: ANN401 -- a scalar subquery
    """Return how many messages went this way since a moment, an attempt without an answer counted as one."""
    return (
        select(func.count())
        .select_from(_sent)
        .where(
            _sent.c.openid == account,
            _sent.c.sending_at >= since,
            _sent.c.channel == channel.name,
            _sent.c.state.in_(_HAS),
        )
        .scalar_subquery()
    )


def _agreed(account: ColumnElement[Any]) -> Label[Any]:
    left = select(func.sum(subscription.c.left)).where(subscription.c.openid == account)
    return left.scalar_subquery().label("agreed")


def window_parameters(now: datetime) -> dict[str, Any]:
    """Return what the columns ask for (参数): the calendar month counts in Shanghai."""
    month = now.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return {"month": month}


def to_window(values: Sequence[Any] | Row[Any]) -> Window:
    """Return what is known (窗口) of the values of ``window_columns``; hardly anything of who never spoke."""
    following, spoke_at, acted_at, since_spoke, since_acted, this_month, agreed = tuple(values)
    return Window(
        following=following is None or bool(following),
        spoke_at=_moment(spoke_at),
        acted_at=_moment(acted_at),
        sent_since_spoke=since_spoke,
        sent_since_acted=since_acted,
        subscriptions=int(agreed or 0),
        mass_this_month=this_month,
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
