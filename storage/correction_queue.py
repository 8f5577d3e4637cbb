"""The error reports (信息有误) as staff see them: those that wait, by counsellor, and those that were decided."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, select, true

from bot.ports import Reported, Tally
from bot.registration.correction import CorrectionState
from bot.registration.graduate import Counsellor
from bot.staff.policy import Scope
from storage.attached_rows import CORRECTION_COLUMNS, CorrectionRow, to_correction
from storage.cipher import FieldCipher
from storage.dossiers import DossierReader, chunks
from storage.tables import correction, graduate
from storage.transaction import Transaction

_rows = select(*CORRECTION_COLUMNS).join_from(correction, graduate, graduate.c.id == correction.c.graduate_id)
_is_open = correction.c.state == CorrectionState.OPEN.name
# Only the latest report of a graduate can be decided.
_waits = and_(_is_open, graduate.c.correction_id == correction.c.id)
_BY_COUNSELLOR = (graduate.c.counsellor_staff_number, graduate.c.counsellor_name)
_MOST = 100_000  # a number for "all": the databases disagree on an offset without a limit


class SqlCorrectionQueue:
    """The error reports in the database (更正); fits ``bot.ports.CorrectionQueue``. Every statement asks the scope."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher
        self._reader = DossierReader(transaction, cipher)

    def tally(self, season_id: str, scope: Scope) -> Sequence[Tally]:
        """Count the reports that wait (待处理份数), by counsellor."""
        statement = (
            select(*_BY_COUNSELLOR, func.count().label("waiting"), func.min(correction.c.reported_at).label("oldest"))
            .join_from(correction, graduate, graduate.c.id == correction.c.graduate_id)
            .where(graduate.c.season_id == season_id, _waits, _seen(scope))
            .group_by(*_BY_COUNSELLOR)
            .order_by(*_BY_COUNSELLOR)
        )
        return [
            Tally(
                Counsellor(row.counsellor_name, staff_number=row.counsellor_staff_number), int(row.waiting), row.oldest
            )
            for row in self._transaction.rows(statement)
        ]

    def waiting(
        self, season_id: str, scope: Scope, counsellor: Counsellor | None = None, start: int = 0, most: int = _MOST
    ) -> Sequence[Reported]:
        """Return reports that wait (待处理), by counsellor, oldest first."""
        statement = _rows.where(graduate.c.season_id == season_id, _waits, _seen(scope))
        if counsellor is not None:
            statement = statement.where(
                graduate.c.counsellor_staff_number == counsellor.staff_number,
                graduate.c.counsellor_name == counsellor.name,
            )
        ordered = statement.order_by(*_BY_COUNSELLOR, correction.c.reported_at, correction.c.id)
        return self._reported(ordered.offset(start).limit(most))

    def decided(self, season_id: str, scope: Scope, start: int, most: int) -> Sequence[Reported]:
        """Return reports that were decided (已处理), newest first."""
        statement = _rows.where(graduate.c.season_id == season_id, ~_is_open, _seen(scope))
        ordered = statement.order_by(correction.c.decided_at.desc(), correction.c.id)
        return self._reported(ordered.offset(start).limit(most))

    def by_ids(self, scope: Scope, correction_ids: Sequence[str]) -> Mapping[str, Reported]:
        """Return the reports found in the scope, by identifier."""
        return {
            found.correction.id: found
            for piece in chunks(correction_ids)
            for found in self._reported(_rows.where(correction.c.id.in_(piece), _seen(scope)))
        }

    def _reported(self, statement: Select[Any]) -> list[Reported]:
        rows = [CorrectionRow._make(row) for row in self._transaction.rows(statement)]
        dossiers = {d.id: d for d in self._reader.by_ids(list(dict.fromkeys(row.graduate_id for row in rows)))}
        return [Reported(dossiers[row.graduate_id], to_correction(self._cipher, row)) for row in rows]


def _seen(scope: Scope) -> ColumnElement[bool]:
    """Return the condition of the scope (可见范围) on a graduate; a number that is empty sees nobody."""
    if scope.staff_number is None:
        return true()
    return graduate.c.counsellor_staff_number == scope.staff_number if scope.staff_number else false()
