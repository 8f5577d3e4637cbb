"""The review queue (审核队列) in the database: what waits, oldest first, always within a scope."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, true

from bot.registration.archive import ArchiveStatus, TransferType
from bot.registration.dossier import Dossier
from bot.staff.policy import Scope
from bot.staff.review_queue import Filter, Hinted, Place, Waiting
from storage.cipher import FieldCipher
from storage.dossier_rows import GRADUATE_COLUMNS, GraduateRow
from storage.dossiers import DossierReader
from storage.tables import graduate
from storage.transaction import Transaction

_c = graduate.c
_is_hinted = _c.archive_hints > 0
_kinds = (_c.college, _c.archive_transfer_type, (func.coalesce(_c.archive_hints, 0) > 0).label("is_hinted"))


class SqlReviewQueue:
    """The review queue in the database (审核队列); fits ``bot.ports.ReviewQueue``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._reader = DossierReader(transaction, cipher)

    def waiting(
        self, season_id: str, scope: Scope, wanted: Filter, after: Place | None = None, most: int = 20
    ) -> Sequence[Dossier]:
        """Return the waiting entries after a place, oldest first."""
        chosen = and_(_waits(season_id, scope), _passes(wanted), _after(after))
        found = select(*GRADUATE_COLUMNS).where(chosen).order_by(_c.archive_submitted_at, _c.id).limit(most)
        return self._reader.complete([GraduateRow._make(row) for row in self._transaction.rows(found)])

    def next_id(self, season_id: str, scope: Scope, wanted: Filter, after: Place, skipped: int = 0) -> str | None:
        """Return the entry to open after a place, ``skipped`` further on if there are so many; then the first again."""
        queue = select(_c.id).where(_waits(season_id, scope), _passes(wanted))
        queue = queue.order_by(_c.archive_submitted_at, _c.id)
        following = self._transaction.rows(queue.where(_after(after)).limit(skipped + 1))
        if following:
            return str(following[-1].id)
        first = self._transaction.row(queue.where(_c.id != after.dossier_id).limit(1))
        return str(first.id) if first else None

    def previous_id(self, season_id: str, scope: Scope, wanted: Filter, before: Place) -> str | None:
        """Return the entry just before a place, or None."""
        earlier = or_(
            _c.archive_submitted_at < before.submitted_at,
            and_(_c.archive_submitted_at == before.submitted_at, _c.id < before.dossier_id),
        )
        queue = select(_c.id).where(_waits(season_id, scope), _passes(wanted), earlier)
        row = self._transaction.row(queue.order_by(_c.archive_submitted_at.desc(), _c.id.desc()).limit(1))
        return str(row.id) if row else None

    def entry(self, dossier_id: str, season_id: str, scope: Scope) -> Dossier | None:
        """Return a dossier of the season in the scope, waiting or not, or None."""
        found = self.entries([dossier_id], season_id, scope)
        return found.get(dossier_id)

    def entries(self, dossier_ids: Sequence[str], season_id: str, scope: Scope) -> Mapping[str, Dossier]:
        """Return those of some dossiers that are of the season and in the scope, by identifier."""
        chosen = select(*GRADUATE_COLUMNS).where(_c.id.in_(dossier_ids), _c.season_id == season_id, _within(scope))
        rows = [GraduateRow._make(row) for row in self._transaction.rows(chosen)]
        return {dossier.id: dossier for dossier in self._reader.complete(rows)}

    def counts(self, season_id: str, scope: Scope) -> Sequence[Waiting]:
        """Return how many entries wait, by college, transfer type, and whether there are hints."""
        counted = select(*_kinds, func.count().label("number")).where(_waits(season_id, scope)).group_by(*_kinds)
        return [
            Waiting(row.college, TransferType[row.archive_transfer_type], bool(row.is_hinted), row.number)
            for row in self._transaction.rows(counted.order_by(_c.college))
        ]


def _waits(season_id: str, scope: Scope) -> ColumnElement[bool]:
    """The condition that an entry waits; a moment is always there, since only graduates submit."""
    return and_(
        _c.archive_status == ArchiveStatus.SUBMITTED.name,
        _c.season_id == season_id,
        _c.archive_submitted_at.is_not(None),
        _within(scope),
    )


def _within(scope: Scope) -> ColumnElement[bool]:
    if scope.staff_number is None:
        return true()
    return _c.counsellor_staff_number == scope.staff_number if scope.staff_number else false()


def _passes(wanted: Filter) -> ColumnElement[bool]:
    conditions: list[Any] = [true()]
    if wanted.college is not None:
        conditions.append(_c.college == wanted.college)
    if wanted.transfer is not None:
        conditions.append(_c.archive_transfer_type == wanted.transfer.name)
    if wanted.hinted is not None:
        conditions.append(_is_hinted if wanted.hinted is Hinted.WITH else func.coalesce(_c.archive_hints, 0) == 0)
    return and_(*conditions)


def _after(place: Place | None) -> ColumnElement[bool]:
    if place is None:
        return true()
    return and_(
        _c.archive_submitted_at >= place.submitted_at,
        or_(_c.archive_submitted_at > place.submitted_at, _c.id > place.dossier_id),
    )
