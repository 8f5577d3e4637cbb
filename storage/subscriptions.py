"""What people agreed to get (订阅通知授权) in the database: how many notices are left for each account and form.

An event that says so comes as often as a report does. Its key is put into the inbox of the reports, in the same
transaction as the count, as a row that nobody ever looks at: without a state, and due never.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, case, delete, insert, or_, select, update

from bot.notices.report import Consent
from storage.delivery_reports import put_down
from storage.notice_tables import subscription
from storage.tables import Moment
from storage.transaction import Transaction

_s = subscription.c
_AT = bindparam("at", type_=Moment)
_IS_NEWEST = _s.changed_at <= _AT


def _change(left: ColumnElement[Any]) -> Update:
    # MariaDB assigns from left to right: the count is taken while ``changed_at`` is still the old one.
    return (
        update(subscription)
        .where(_s.openid == bindparam("row_openid"), _s.template_id == bindparam("row_template_id"))
        .ordered_values((_s.left, left), (_s.changed_at, case((_IS_NEWEST, _AT), else_=_s.changed_at)))
    )


# Events may overtake each other. A consent that comes late is not counted where a newer refusal may have taken it.
_MORE = _change(case((or_(_IS_NEWEST, _s.left > 0), _s.left + 1), else_=_s.left))
# A refusal that comes late leaves the consent that is newer.
_NONE = _change(case((_IS_NEWEST, 0), (_s.left > 1, 1), else_=_s.left))
_INSERT = insert(subscription)
_NEWEST = (
    select(_s.template_id)
    .where(_s.openid == bindparam("openid"), _s.left > 0)
    .order_by(_s.changed_at.desc(), _s.template_id)
    .limit(1)
)
_SPEND = (
    update(subscription)
    .where(_s.openid == bindparam("row_openid"), _s.template_id == bindparam("row_template_id"), _s.left > 0)
    .values(left=_s.left - 1)
)
_FORGET = delete(subscription).where(_s.openid == bindparam("row_openid"))


class SqlSubscriptions:
    """The consents in the database (订阅通知授权); fits ``bot.notices.ports.Subscriptions``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def note(self, consent: Consent, now: datetime) -> bool:
        """Note that somebody agreed to one more notice, or wants none any more (授权); False if noted already."""
        if not put_down(self._transaction, _seen(consent, now)):
            return False
        change = _MORE if consent.accepts else _NONE
        whose = {"row_openid": consent.openid, "row_template_id": consent.template_id, "at": consent.at}
        if self._transaction.write(change, whose) == 1:
            return True
        first = {
            "openid": consent.openid,
            "template_id": consent.template_id,
            "left": int(consent.accepts),
            "changed_at": consent.at,
        }
        if not self._transaction.write_new(_INSERT, first):
            self._transaction.write(change, whose)  # another event of the same person was first
        return True

    def spend(self, openid: str) -> None:
        """Count one notice as sent (用掉一次), of the form agreed to last; never below none."""
        row = self._transaction.row(_NEWEST, {"openid": openid})
        if row is not None:
            self._transaction.write(_SPEND, {"row_openid": openid, "row_template_id": row.template_id})

    def forget(self, openid: str) -> None:
        """Forget what an account agreed to (清除授权): it has left."""
        self._transaction.write(_FORGET, {"row_openid": openid})


def _seen(consent: Consent, now: datetime) -> dict[str, Any]:
    return {
        "key": consent.key,
        "message_id": "",
        "openid": consent.openid,
        "at": consent.at,
        "state": "",
        "reason": None,
        "counts": "",
        "received_at": now,
        "tries": 0,
        "next_at": None,
        "delivery_id": "",
    }
