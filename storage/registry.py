"""The registry (登记册): all dossiers, found in the ways the use cases ask for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Executable, Select, bindparam, func, select

from bot.ports import Clock
from bot.registration.archive import ArchiveStatus
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from storage.cipher import FieldCipher
from storage.dossier_changes import DossierWriter
from storage.dossier_rows import GRADUATE_COLUMNS, GraduateRow
from storage.dossiers import DossierReader, chunks
from storage.tables import correction, graduate, verification
from storage.transaction import Transaction

_of_season = graduate.c.season_id == bindparam("season_id")
_rows = select(*GRADUATE_COLUMNS)
_ids = select(graduate.c.id).where(_of_season)

_BY_ID = _rows.where(graduate.c.id == bindparam("id"))
_BY_STUDENT_NUMBER = _rows.where(_of_season, graduate.c.student_number == bindparam("student_number"))
_BY_STUDENT_NUMBERS = _rows.where(_of_season, graduate.c.student_number.in_(bindparam("keys", expanding=True)))


def _by_verification(condition: Any) -> Select[Any]:  # noqa: ANN401 -- a SQL expression of any kind
    joined = graduate.join(verification, verification.c.graduate_id == graduate.c.id)
    return select(*GRADUATE_COLUMNS, verification.c.id.label("verification_id")).select_from(joined).where(condition)


_BY_VERIFICATION = _by_verification(verification.c.id == bindparam("id"))
_BY_NUMBER = _by_verification(verification.c.number == bindparam("number"))
_NAME_BY_NUMBER = select(
    func.coalesce(
        select(graduate.c.name)
        .join(verification, verification.c.graduate_id == graduate.c.id)
        .where(verification.c.number == bindparam("number"))
        .scalar_subquery(),
        "",
    )
)

_SUBMITTED = _ids.where(graduate.c.archive_status == ArchiveStatus.SUBMITTED.name).order_by(
    graduate.c.archive_submitted_at, graduate.c.id
)
_REPORTED = (
    _ids.join(correction, correction.c.id == graduate.c.correction_id)
    .where(correction.c.state == CorrectionState.OPEN.name)
    .order_by(graduate.c.counsellor_staff_number, graduate.c.counsellor_name, correction.c.reported_at, graduate.c.id)
)
_WITHOUT_DESTINATION = _ids.where(graduate.c.destination_code.is_(None)).order_by(graduate.c.student_number)
_COUNT = select(func.count()).select_from(graduate).where(graduate.c.season_id == bindparam("season_id"))
_ALL = _ids.order_by(graduate.c.student_number)
_BOUND = _ids.where(graduate.c.openid.is_not(None)).order_by(graduate.c.student_number)


class SqlRegistry:
    """The dossiers in the database (登记册); fits ``bot.ports.Registry``.

    The iterables read piece by piece: use them up inside the unit of work. Entries submitted with the roster have
    no moment and come first.
    """

    def __init__(self, transaction: Transaction, cipher: FieldCipher, clock: Clock) -> None:
        self._transaction = transaction
        self._reader = DossierReader(transaction, cipher)
        self._writer = DossierWriter(transaction, cipher, clock)
        self._saved: dict[tuple[str, int], int] = {}  # (id, version read) → version stored by this unit of work

    def by_id(self, dossier_id: str) -> Dossier | None:
        """Return the dossier or None."""
        return self._one(_BY_ID, {"id": dossier_id})

    def by_ids(self, dossier_ids: Sequence[str]) -> Iterable[Dossier]:
        """Return the dossiers found, in the order given; to be used up inside the unit of work."""
        return self._reader.by_ids(dossier_ids)

    def by_student_number(self, season_id: str, student_number: str) -> Dossier | None:
        """Return the dossier of a student number (学号) or None."""
        return self._one(_BY_STUDENT_NUMBER, {"season_id": season_id, "student_number": student_number})

    def by_student_numbers(self, season_id: str, student_numbers: Sequence[str]) -> dict[str, Dossier]:
        """Return the dossiers found, by student number (学号); for files, thousands at a time."""
        found: dict[str, Dossier] = {}
        for piece in chunks(student_numbers):
            rows = self._transaction.rows(_BY_STUDENT_NUMBERS, {"season_id": season_id, "keys": piece})
            dossiers = self._reader.complete([GraduateRow._make(row) for row in rows])
            found |= {dossier.graduate.student_number: dossier for dossier in dossiers}
        return found

    def by_verification(self, verification_id: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of a verification's identifier or None."""
        return self._verified(_BY_VERIFICATION, {"id": verification_id})

    def by_number(self, number: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of an eight-digit number (核验编号) or None."""
        return self._verified(_BY_NUMBER, {"number": number})

    def name_by_number(self, number: str) -> str:
        """Return the graduate's name (姓名) behind a number, "" for none: one row of one column in either case."""
        row = self._transaction.row(_NAME_BY_NUMBER, {"number": number})
        return str(row[0]) if row else ""

    def with_submitted_archive(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose archive entry waits for review (待审核), oldest first."""
        return self._many(_SUBMITTED, season_id)

    def with_open_correction(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose error report waits (待处理), by counsellor, oldest first."""
        return self._many(_REPORTED, season_id)

    def without_destination(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers without destination data (N6, N18), by student number."""
        return self._many(_WITHOUT_DESTINATION, season_id)

    def count(self, season_id: str) -> int:
        """Return how many dossiers the season has (人数)."""
        row = self._transaction.row(_COUNT, {"season_id": season_id})
        return int(row[0]) if row else 0

    def all_of(self, season_id: str) -> Iterable[Dossier]:
        """Return all dossiers of the season (全届), by student number."""
        return self._many(_ALL, season_id)

    def bound(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers with a bound WeChat account (已绑定), by student number."""
        return self._many(_BOUND, season_id)

    def add_many(self, dossiers: Sequence[Dossier]) -> None:
        """Insert new dossiers.

        Raises:
            TakenError: an id, a student number of the season or an account is there already.
        """
        self._writer.insert(dossiers)

    def save(self, old: Dossier, new: Dossier) -> None:
        """Write what changed if the stored row still is ``old`` (by version).

        The stored version grows by one. What this unit of work itself has stored meanwhile does not count as a
        change by others, so that several steps of one message may save one after the other.

        Raises:
            MovedError: it was changed meanwhile, or another graduate of the season holds the account.
        """
        if old == new:
            return
        key = (old.id, old.version)
        stored = self._saved.get(key, old.version)
        self._writer.change([(old if stored == old.version else replace(old, version=stored), new)])
        self._saved[key] = stored + 1

    def save_many(self, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
        """Do ``save`` for many pairs of old and new; for files, thousands at a time."""
        self._writer.change(pairs)

    def _one(self, statement: Executable, parameters: Mapping[str, str]) -> Dossier | None:
        row = self._transaction.row(statement, parameters)
        return self._reader.complete([GraduateRow._make(row)])[0] if row else None

    def _verified(self, statement: Executable, parameters: Mapping[str, str]) -> tuple[Dossier, Verification] | None:
        row = self._transaction.row(statement, parameters)
        if row is None:
            return None
        dossier = self._reader.complete([GraduateRow._make(row[:-1])])[0]
        return dossier, next(v for v in dossier.verifications if v.id == row.verification_id)

    def _many(self, statement: Executable, season_id: str) -> Iterable[Dossier]:
        ids = [row.id for row in self._transaction.rows(statement, {"season_id": season_id})]
        return self._reader.by_ids(ids)
