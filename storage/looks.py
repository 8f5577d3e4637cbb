"""The looks (查看记录): one row for every time somebody asked about a verification."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, insert, select

from bot.registration.look import Look, Way
from bot.registration.report import Standing
from storage.cipher import FieldCipher
from storage.tables import Moment, look
from storage.transaction import Transaction

_DEPARTMENT = "look:department"
_c = look.c
_at_these = _c.verification_id.in_(bindparam("keys", expanding=True))

_INSERT = insert(look)
_ANY = select(_c.id).where(_c.verification_id == bindparam("verification_id")).limit(1)
_NEWEST = select(look).where(_at_these).order_by(_c.at.desc(), _c.id).limit(bindparam("most"))
_NEWEST_BEFORE = _NEWEST.where(_c.at < bindparam("before", type_=Moment))
_COUNT = select(func.count()).select_from(look).where(_at_these)


class SqlLooks:
    """The looks in the database (查看记录); fits ``bot.ports.Looks``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, look: Look) -> bool:
        """Append a look; True if it is the first one at this verification."""
        is_first = self._transaction.row(_ANY, {"verification_id": look.verification_id}) is None
        columns = {
            "id": look.id,
            "verification_id": look.verification_id,
            "at": look.at,
            "way": look.way.name,
            "standing": look.standing.value,
            "department": self._cipher.seal_optional(look.department, _DEPARTMENT, look.id),
        }
        self._transaction.write(_INSERT, columns)
        return is_first

    def of(self, verification_ids: Sequence[str], most: int, before: datetime | None = None) -> Sequence[Look]:
        """Return the newest looks at some verifications, or the newest older than a moment, newest first."""
        if not verification_ids:
            return ()
        asked = {"keys": list(verification_ids), "most": most}
        newest = (_NEWEST, asked) if before is None else (_NEWEST_BEFORE, {**asked, "before": before})
        return [
            Look(
                id=row.id,
                verification_id=row.verification_id,
                at=row.at,
                way=Way[row.way],
                standing=Standing(row.standing),
                department=self._cipher.unseal_optional(row.department, _DEPARTMENT, row.id),
            )
            for row in self._transaction.rows(*newest)
        ]

    def count(self, verification_ids: Sequence[str]) -> int:
        """Return how many looks some verifications had (查看次数)."""
        if not verification_ids:
            return 0
        row = self._transaction.row(_COUNT, {"keys": list(verification_ids)})
        return int(row[0]) if row else 0
