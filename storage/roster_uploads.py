"""The uploads of rosters (名册上传) in the database: the record, and sealed pieces of files and lists."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, exists, func, insert, or_, select, update

from bot.errors import MovedError
from bot.staff.uploads import WORK, Findings, Kind, Upload, UploadState
from storage.cipher import FieldCipher
from storage.staff_tables import roster_piece, roster_upload
from storage.tables import Moment
from storage.transaction import Transaction

_RESULT = "roster_upload:result"
_DATA = "roster_piece:data"
_u, _p = roster_upload.c, roster_piece.c

_INSERT = insert(roster_upload)
_BY_ID = select(roster_upload).where(_u.id == bindparam("id"))
_NEWEST = (
    select(roster_upload)
    .where(_u.season_id == bindparam("season_id"))
    .order_by(_u.created_at.desc(), _u.id)
    .limit(bindparam("most"))
)
_TO_DO = (
    select(roster_upload)
    .where(
        _u.state.in_([state.name for state in WORK]),
        or_(_u.lease_until.is_(None), _u.lease_until <= bindparam("now", type_=Moment)),
    )
    .order_by(_u.created_at)
    .limit(1)
)
_SAVE = update(roster_upload).where(_u.id == bindparam("row_id"), _u.version == bindparam("old_version"))
_INSERT_PIECE = insert(roster_piece)
_of = and_(_p.upload_id == bindparam("upload_id"), _p.kind == bindparam("kind"))
_PIECE = select(_p.data).where(_of, _p.ordinal == bindparam("ordinal"))
_COUNT = select(func.count()).select_from(roster_piece).where(_of)
_FORGET = delete(roster_piece).where(
    _p.upload_id == bindparam("row_upload"), _p.kind.in_(bindparam("kinds", expanding=True))
)
_OLD = select(roster_upload).where(
    _u.finished_at < bindparam("before", type_=Moment),
    _u.state.not_in([state.name for state in WORK]),
    exists().where(_p.upload_id == _u.id),
)


class SqlUploads:
    """The uploads in the database (名册上传); fits ``bot.ports.Uploads``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def add(self, upload: Upload) -> None:
        """Store a new upload."""
        self._transaction.write(_INSERT, self._columns(upload) | {"id": upload.id})

    def by_id(self, upload_id: str) -> Upload | None:
        """Return the upload or None."""
        row = self._transaction.row(_BY_ID, {"id": upload_id})
        return self._upload(row) if row else None

    def newest(self, season_id: str, most: int) -> Sequence[Upload]:
        """Return the newest uploads of a season."""
        return [self._upload(row) for row in self._transaction.rows(_NEWEST, {"season_id": season_id, "most": most})]

    def to_do(self, now: datetime) -> Upload | None:
        """Return the oldest upload that waits for a worker, or whose worker has not been heard of, or None."""
        row = self._transaction.row(_TO_DO, {"now": now})
        return self._upload(row) if row else None

    def over(self, before: datetime) -> Sequence[Upload]:
        """Return the uploads whose last step ended before a moment and of which pieces are left."""
        return [self._upload(row) for row in self._transaction.rows(_OLD, {"before": before})]

    def save(self, old: Upload, new: Upload) -> Upload:
        """Write ``new`` if the stored row still is ``old`` (by version); return it with the version it has now.

        Raises:
            MovedError: it was changed meanwhile.
        """
        columns = self._columns(new) | {"version": old.version + 1, "row_id": old.id, "old_version": old.version}
        if self._transaction.write(_SAVE, columns) != 1:
            raise MovedError("the upload was changed meanwhile")
        return self._upload_at(new.id)

    def note_progress(self, upload: Upload, seen: int, total: int, lease_until: datetime) -> bool:
        """Write how far the work on a claimed upload is, and keep it claimed; False if it is claimed no more."""
        told = {"rows_seen": seen, "rows_total": total, "lease_until": lease_until}
        return self._transaction.write(_SAVE, {"row_id": upload.id, "old_version": upload.version, **told}) == 1

    def add_pieces(self, upload_id: str, kind: Kind, pieces: Iterable[bytes], start: int = 0) -> int:
        """Store pieces from an ordinal on; return the next ordinal."""
        for ordinal, data in enumerate(pieces, start):
            place = f"{upload_id}:{kind}:{ordinal}"
            sealed = self._cipher.seal_bytes(data, _DATA, place)
            columns = {"upload_id": upload_id, "kind": kind.value, "ordinal": ordinal, "data": sealed}
            self._transaction.write(_INSERT_PIECE, columns)
            start = ordinal + 1
        return start

    def piece(self, upload_id: str, kind: Kind, ordinal: int) -> bytes | None:
        """Return one piece or None."""
        asked = {"upload_id": upload_id, "kind": kind.value, "ordinal": ordinal}
        row = self._transaction.row(_PIECE, asked)
        return self._cipher.unseal_bytes(row.data, _DATA, f"{upload_id}:{kind}:{ordinal}") if row else None

    def pieces(self, upload_id: str, kind: Kind) -> Iterator[bytes]:
        """Read the pieces of a kind, one after the other; to be used up inside the unit of work."""
        row = self._transaction.row(_COUNT, {"upload_id": upload_id, "kind": kind.value})
        for ordinal in range(row[0] if row else 0):
            data = self.piece(upload_id, kind, ordinal)
            if data is not None:
                yield data

    def forget(self, upload_id: str, kinds: Iterable[Kind]) -> None:
        """Delete the pieces of some kinds."""
        self._transaction.write(_FORGET, {"row_upload": upload_id, "kinds": [kind.value for kind in kinds]})

    def _upload_at(self, upload_id: str) -> Upload:
        found = self.by_id(upload_id)
        if found is None:
            raise MovedError("the upload is gone")
        return found

    def _columns(self, upload: Upload) -> dict[str, Any]:
        text = "" if upload.findings is None else json.dumps(asdict(upload.findings), ensure_ascii=False)
        return {
            "season_id": upload.season_id,
            "staff_id": upload.staff_id,
            "file_name": upload.file_name,
            "size": upload.size,
            "state": upload.state.name,
            "rows_seen": upload.rows_seen,
            "rows_total": upload.rows_total,
            "lease_until": upload.lease_until,
            "created_at": upload.created_at,
            "finished_at": upload.finished_at,
            "result": self._cipher.seal_optional(text, _RESULT, upload.id),
            "version": upload.version,
        }

    def _upload(self, row: Row[Any]) -> Upload:
        text = self._cipher.unseal_optional(row.result, _RESULT, row.id)
        return Upload(
            id=row.id,
            season_id=row.season_id,
            staff_id=row.staff_id,
            file_name=row.file_name,
            size=row.size,
            state=UploadState[row.state],
            created_at=row.created_at,
            rows_seen=row.rows_seen,
            rows_total=row.rows_total,
            lease_until=row.lease_until,
            finished_at=row.finished_at,
            findings=_findings(json.loads(text)) if text else None,
            version=row.version,
        )


def _findings(told: dict[str, Any]) -> Findings:
    sizes = {kind: tuple(sizes) for kind, sizes in told.pop("sizes").items()}
    lists: dict[str, Any] = {name: tuple(told.pop(name)) for name in ("unknown_headings", "notes", "asked_by")}
    return Findings(**told, **lists, sizes=sizes)
