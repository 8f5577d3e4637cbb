"""The receipts (档案接收登记): what departments say they received; nothing is ever deleted, only withdrawn."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from storage.cipher import FieldCipher
from storage.dossiers import DossierReader
from storage.tables import graduate, receipt, verification
from storage.transaction import Transaction

_DEPARTMENT, _CONTACT, _NOTE = "receipt:department", "receipt:contact", "receipt:note"
_c = receipt.c

_INSERT = insert(receipt)
_BY_ID = select(receipt).where(_c.id == bindparam("id"))
_AT_THESE = select(receipt).where(_c.verification_id.in_(bindparam("keys", expanding=True))).order_by(_c.at, _c.id)
_OF_SEASON = (
    select(receipt, verification.c.graduate_id)
    .select_from(receipt.join(verification, verification.c.id == _c.verification_id).join(graduate))
    .where(graduate.c.season_id == bindparam("season_id"))
    .order_by(_c.at.desc(), _c.id)
)
_WITHDRAW = update(receipt).where(_c.id == bindparam("row_id"), _c.withdrawn_at.is_(None))


class SqlReceipts:
    """The receipts in the database (档案接收登记); fits ``bot.ports.Receipts``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, receipt: Receipt) -> None:
        """Append a record."""
        self._transaction.write(
            _INSERT,
            {
                "id": receipt.id,
                "verification_id": receipt.verification_id,
                "at": receipt.at,
                "department": self._cipher.seal(receipt.department, _DEPARTMENT, receipt.id),
                "contact": self._cipher.seal(receipt.contact, _CONTACT, receipt.id),
                "note": self._cipher.seal_optional(receipt.note, _NOTE, receipt.id),
                "withdrawn_at": receipt.withdrawn_at,
                "withdrawn_by": receipt.withdrawn_by,
            },
        )

    def of(self, verification_ids: Sequence[str]) -> Sequence[Receipt]:
        """Return the records at some verifications, withdrawn ones included, oldest first."""
        if not verification_ids:
            return ()
        return [self._receipt(row) for row in self._transaction.rows(_AT_THESE, {"keys": list(verification_ids)})]

    def by_id(self, receipt_id: str) -> Receipt | None:
        """Return the record or None."""
        row = self._transaction.row(_BY_ID, {"id": receipt_id})
        return self._receipt(row) if row else None

    def of_season(self, season_id: str) -> Iterable[tuple[Dossier, Receipt]]:
        """Return all records of a season with their dossiers, newest first."""
        rows = self._transaction.rows(_OF_SEASON, {"season_id": season_id})
        ids = list(dict.fromkeys(row.graduate_id for row in rows))
        dossiers = {dossier.id: dossier for dossier in DossierReader(self._transaction, self._cipher).by_ids(ids)}
        return [(dossiers[row.graduate_id], self._receipt(row)) for row in rows]

    def withdraw(self, receipt_id: str, by: str, now: datetime) -> bool:
        """Mark a record as withdrawn (撤回); False if there is none, or it is withdrawn already."""
        changes = {"row_id": receipt_id, "withdrawn_at": now, "withdrawn_by": by}
        return self._transaction.write(_WITHDRAW, changes) == 1

    def _receipt(self, row: Row[Any]) -> Receipt:
        return Receipt(
            id=row.id,
            verification_id=row.verification_id,
            at=row.at,
            department=self._cipher.unseal(row.department, _DEPARTMENT, row.id),
            contact=self._cipher.unseal(row.contact, _CONTACT, row.id),
            note=self._cipher.unseal_optional(row.note, _NOTE, row.id),
            withdrawn_at=row.withdrawn_at,
            withdrawn_by=row.withdrawn_by,
        )
