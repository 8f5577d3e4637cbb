"""The halts (暂停的渠道) in the database: which ways are closed, until when and why."""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, exists, insert, or_, select, update

from bot.notices.delivery import Channel
from bot.notices.scene import ALL, Halt
from storage.notice_tables import channel_halt
from storage.tables import Moment
from storage.transaction import Transaction

_h = channel_halt.c
IS_CLOSED = (
    exists()
    .where(_h.scope == ALL, or_(_h.until.is_(None), _h.until > bindparam("now", type_=Moment)))
    .label("is_closed")
)
"""Whether nothing at all is sent for now; needs the parameter ``now``."""

_EVERY = select(channel_halt).order_by(_h.scope)
_UPDATE = update(channel_halt).where(_h.scope == bindparam("row_scope"))
_INSERT = insert(channel_halt)
_LIFT = delete(channel_halt).where(_h.scope == bindparam("row_scope"))


class SqlHalts:
    """The halts in the database (暂停的渠道); fits ``bot.notices.ports.Halts``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def all(self) -> Sequence[Halt]:
        """Return all that were noted and not taken away, those that are over included."""
        rows = self._transaction.rows(_EVERY)
        return [Halt(_channel(row.scope), row.until, row.code, row.said, row.at) for row in rows]

    def put(self, halt: Halt) -> None:
        """Note a halt (暂停), over an older one of the same channel."""
        values = {"until": halt.until, "code": halt.code, "said": halt.said, "at": halt.at}
        scope = halt.name
        if self._transaction.write(_UPDATE, {"row_scope": scope, **values}) == 0:
            # Two senders may meet the same refusal at once; what they note says the same.
            self._transaction.write_new(_INSERT, {"scope": scope, **values})

    def lift(self, scope: Channel | None) -> bool:
        """Take a halt away (恢复); False if there is none."""
        return self._transaction.write(_LIFT, {"row_scope": scope.name if scope else ALL}) == 1


def _channel(scope: str) -> Channel | None:
    return None if scope == ALL else Channel[scope]
