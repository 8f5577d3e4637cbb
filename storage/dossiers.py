"""Reading dossiers (读取登记档): rows of ``graduate`` completed with what is attached, in few statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from bot.registration.correction import Correction
from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from storage.attached_rows import (
    CORRECTION_COLUMNS,
    VERIFICATION_COLUMNS,
    CorrectionRow,
    VerificationRow,
    to_correction,
    to_verification,
)
from storage.cipher import FieldCipher
from storage.dossier_rows import GRADUATE_COLUMNS, GraduateRow, to_dossier
from storage.tables import correction, graduate, verification
from storage.transaction import Transaction

CHUNK = 500
"""Values in one IN list; SQLite took no more than 999 parameters for long, and longer lists are no faster."""

_BY_IDS = select(*GRADUATE_COLUMNS).where(graduate.c.id.in_(bindparam("keys", expanding=True)))
_VERIFICATIONS = (
    select(*VERIFICATION_COLUMNS)
    .where(verification.c.graduate_id.in_(bindparam("keys", expanding=True)))
    .order_by(verification.c.graduate_id, verification.c.ordinal)
)
_CORRECTIONS = select(*CORRECTION_COLUMNS).where(correction.c.id.in_(bindparam("keys", expanding=True)))


def chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut keys into pieces fit for an IN list (分批)."""
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


class DossierReader:
    """Makes dossiers of rows (读取登记档)."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def complete(self, rows: Sequence[GraduateRow]) -> list[Dossier]:
        """Return the dossiers of at most ``CHUNK`` rows; asks for attached rows only where there are any."""
        verifications = self._verifications([row.id for row in rows if row.verification_count])
        corrections = self._corrections([row.correction_id for row in rows if row.correction_id])
        return [
            to_dossier(
                self._cipher,
                row,
                corrections[row.correction_id] if row.correction_id else None,
                tuple(verifications.get(row.id, ())),
            )
            for row in rows
        ]

    def with_verifications(self, row: GraduateRow, verified: Iterable[Sequence[Any]]) -> Dossier:
        """Return the dossier of a row whose verifications were read with it, as values of VERIFICATION_COLUMNS."""
        corrections = self._corrections([row.correction_id]) if row.correction_id else {}
        found = tuple(to_verification(VerificationRow._make(values)) for values in verified)
        return to_dossier(self._cipher, row, corrections.get(row.correction_id or ""), found)

    def by_ids(self, ids: Sequence[str]) -> Iterator[Dossier]:
        """Read dossiers piece by piece in the order given; to be used up inside the unit of work."""
        for piece in chunks(ids):
            rows = (GraduateRow._make(row) for row in self._transaction.rows(_BY_IDS, {"keys": piece}))
            found = {dossier.id: dossier for dossier in self.complete(list(rows))}
            yield from (found[id_] for id_ in piece if id_ in found)

    def _verifications(self, graduate_ids: Sequence[str]) -> dict[str, list[Verification]]:
        found: dict[str, list[Verification]] = defaultdict(list)
        rows = self._transaction.rows(_VERIFICATIONS, {"keys": graduate_ids}) if graduate_ids else ()
        for values in rows:
            row = VerificationRow._make(values)
            found[row.graduate_id].append(to_verification(row))
        return found

    def _corrections(self, ids: Sequence[str]) -> dict[str, Correction]:
        if not ids:
            return {}
        rows = (CorrectionRow._make(values) for values in self._transaction.rows(_CORRECTIONS, {"keys": ids}))
        return {row.id: to_correction(self._cipher, row) for row in rows}
