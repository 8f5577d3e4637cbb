"""The beat of the workers (后台心跳) in the database."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from storage.notice_tables import sender_beat
from storage.tables import Moment
from storage.transaction import Transaction

_NAME = "sender"
_s = sender_beat.c
_LAST = select(_s.at).where(_s.name == _NAME)
_BEAT = update(sender_beat).where(_s.name == _NAME, _s.at < bindparam("now", type_=Moment))
_INSERT = insert(sender_beat)


class SqlBeats:
    """The beat in the database (后台心跳); fits ``bot.notices.ports.Beats``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def last(self) -> datetime | None:
        """Return when a worker last said that it lives, as this database remembers it; None before the first."""
        row = self._transaction.row(_LAST)
        return row.at if row else None

    def beat(self, now: datetime) -> None:
        """Say that a worker lives (报到); never goes back."""
        if self._transaction.write(_BEAT, {"now": now, "at": now}) == 0 and self.last() is None:
            self._transaction.write_new(_INSERT, {"name": _NAME, "at": now})
