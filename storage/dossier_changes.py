"""Writing dossiers (写入登记档): only the parts that changed, and only over the version that was read."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from sqlalchemy import Executable, bindparam, insert, update

from bot.errors import MovedError
from bot.ports import Clock
from bot.registration.dossier import Dossier
from bot.registration.stage import passed, stage_of
from storage.attached_rows import correction_columns, verification_columns
from storage.cipher import FieldCipher
from storage.dossier_rows import (
    Columns,
    archive_columns,
    destination_columns,
    graduate_columns,
    household_columns,
    mark_columns,
)
from storage.ready import Ready
from storage.school_digest import school_digest
from storage.staff_tables import milestone
from storage.tables import correction, graduate, verification
from storage.transaction import Transaction

Pair = tuple[Dossier, Dossier]
"""A dossier as it was read and as it shall be."""

_BATCH = 1000  # rows turned into parameters at a time, so that a roster of 100,000 stays small in memory

_PARTS: dict[str, Callable[[FieldCipher, Dossier], Columns]] = {
    "graduate": graduate_columns,
    "destination": destination_columns,
    "archive": archive_columns,
    "household": household_columns,
    "marks": mark_columns,
    "school": lambda cipher, dossier: {"school_digest": school_digest(cipher, dossier)},
}
_STAGE = "stage"
_MARKS = ("chsi_bound", "checked_at", "confirmation", "reopened_at", "real_person_at", "openid")

# What an UPDATE sets is named by its parameters; SQLAlchemy compiles each set of names once.
_UPDATE = update(graduate).where(graduate.c.id == bindparam("row_id"), graduate.c.version == bindparam("old_version"))
_INSERT_VERIFICATION = insert(verification)
_UPDATE_VERIFICATION = update(verification).where(verification.c.id == bindparam("row_id"))
_INSERT_CORRECTION = insert(correction)
_UPDATE_CORRECTION = update(correction).where(correction.c.id == bindparam("row_id"))
# inline: nobody needs the number of the row, so PostgreSQL need not return it.
_INSERT_MILESTONE = insert(milestone).inline()


class DossierWriter:
    """Inserts dossiers and writes what changed in them (写入登记档), and what that means for the stage (办理阶段)."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher, clock: Clock) -> None:
        self._transaction = transaction
        self._cipher = cipher
        self._clock = clock
        self._inserted = 0
        self._analyse_at = _BATCH

    def insert(self, dossiers: Sequence[Dossier]) -> None:
        """Insert new dossiers with all that is attached.

        Raises:
            TakenError: an id, a student number of the season or an account is there already.
        """
        for start in range(0, len(dossiers), _BATCH):
            piece = dossiers[start : start + _BATCH]
            self._transaction.insert_many(graduate, [self._all_columns(dossier) for dossier in piece])
            self._write_attached((None, dossier) for dossier in piece)
        self._inserted += len(dossiers)
        if self._inserted >= self._analyse_at:
            self._transaction.analyse(graduate)
            self._analyse_at = self._inserted * 4

    def change(self, pairs: Sequence[Pair]) -> None:
        """Write what changed in each pair, if the stored version still is the old one's.

        Raises:
            MovedError: one of them was changed meanwhile; the unit of work is to be left without commit.
        """
        for start in range(0, len(pairs), _BATCH):
            piece = [(old, new) for old, new in pairs[start : start + _BATCH] if old != new]
            by_parts: dict[frozenset[str], list[Columns]] = defaultdict(list)
            for old, new in piece:
                parts = _changed_parts(old, new)
                by_parts[parts].append(self._changed_columns(old, new, parts))
            for rows in by_parts.values():
                self._write_all(_UPDATE, rows)
            self._write_attached(piece)

    def _all_columns(self, dossier: Dossier) -> Columns:
        columns: Columns = {"id": dossier.id, "season_id": dossier.season_id, "version": dossier.version}
        for columns_of in _PARTS.values():
            columns |= columns_of(self._cipher, dossier)
        return columns | self._stage_columns(dossier)

    def _changed_columns(self, old: Dossier, new: Dossier, parts: frozenset[str]) -> Columns:
        columns: Columns = {"row_id": old.id, "old_version": old.version, "version": old.version + 1}
        for part in parts:
            columns |= self._stage_columns(new) if part == _STAGE else _PARTS[part](self._cipher, new)
        return columns

    def _stage_columns(self, dossier: Dossier) -> Columns:
        return {"stage": stage_of(dossier).name, "stage_since": self._clock()}

    def _write_attached(self, pairs: Iterable[tuple[Dossier | None, Dossier]]) -> None:
        rows: dict[Executable, list[Columns]] = defaultdict(list)
        for old, new in pairs:
            if old is not None:
                rows[_INSERT_MILESTONE] += self._milestones(old, new)
            if new.verifications and (old is None or new.verifications != old.verifications):
                known = {} if old is None else {v.id: v for v in old.verifications}
                for ordinal, verified in enumerate(new.verifications):
                    if known.get(verified.id) != verified:
                        columns = verification_columns(new.id, ordinal, verified)
                        rows[_UPDATE_VERIFICATION if verified.id in known else _INSERT_VERIFICATION].append(columns)
            if new.correction and (old is None or new.correction != old.correction):
                columns = correction_columns(self._cipher, new.id, new.correction)
                is_known = old is not None and old.correction is not None and old.correction.id == new.correction.id
                rows[_UPDATE_CORRECTION if is_known else _INSERT_CORRECTION].append(columns)
        for statement, written in rows.items():
            if written:
                self._write_all(statement, written)

    def _milestones(self, old: Dossier, new: Dossier) -> list[Columns]:
        return [
            {"graduate_id": new.id, "kind": step.milestone.name, "detail": step.detail, "at": self._clock()}
            for step in passed(old, new)
        ]

    def _write_all(self, statement: Executable, rows: Sequence[Columns]) -> None:
        if statement in {_UPDATE_VERIFICATION, _UPDATE_CORRECTION}:
            rows = [{"row_id": row["id"], **row} for row in rows]
        if len(rows) == 1:
            # One alone is a graduate's own step, and takes the short way through the drivers.
            self._transaction.write_one(_ready(statement, tuple(rows[0])), rows[0])
        elif self._transaction.write(statement, rows) != len(rows) and statement is _UPDATE:
            raise MovedError("a dossier was changed meanwhile")


@cache
def _ready(statement: Executable, names: tuple[str, ...]) -> Ready:
    """There are as many as there are kinds of steps: some dozens."""
    return Ready(statement, names=[name for name in names if name not in {"row_id", "old_version"}])


def _changed_parts(old: Dossier, new: Dossier) -> frozenset[str]:
    parts = {
        part for part in ("graduate", "destination", "archive", "household") if getattr(old, part) != getattr(new, part)
    }
    if parts or old.chsi_bound != new.chsi_bound:
        parts.add("school")
    if (
        any(getattr(old, mark) != getattr(new, mark) for mark in _MARKS)
        or len(old.verifications) != len(new.verifications)
        or (old.correction and old.correction.id) != (new.correction and new.correction.id)
    ):
        parts.add("marks")
    if stage_of(old) is not stage_of(new):
        parts.add(_STAGE)
    return frozenset(parts)
