"""The undo (撤销导入): rows as they were before an import, kept whole and put back as they were."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import BindParameter, bindparam, delete, insert, select, update

from bot.errors import MovedError
from bot.ports import Clock, Restored
from bot.registration.stage import Milestone
from storage.dossiers import chunks
from storage.staff_tables import cutoff_graduate, milestone
from storage.tables import graduate, verification
from storage.transaction import Transaction

_g, _v = graduate.c, verification.c
_keys: BindParameter[Any] = bindparam("keys", expanding=True)

_ROWS = select(graduate).where(_g.id.in_(_keys))
_SUPERSEDED = select(_v.id, _v.graduate_id, _v.superseded_at).where(_v.graduate_id.in_(_keys))
_VERSIONS = select(_g.id, _g.version, _g.student_number, _g.name).where(_g.id.in_(_keys))
_LISTED = select(cutoff_graduate.c.graduate_id).where(cutoff_graduate.c.graduate_id.in_(_keys))
_RESTORE = update(graduate).where(_g.id == bindparam("row_id"), _g.version == bindparam("old_version"))
_RESTORE_VERIFICATION = update(verification).where(_v.id == bindparam("row_id"))
_REMOVE = delete(graduate).where(_g.id.in_(_keys), _g.version == 0)
_FORGET_MILESTONES = delete(milestone).where(milestone.c.graduate_id.in_(_keys))
_INSERT_MILESTONE = insert(milestone).inline()
_STAYS = ("id", "season_id", "version")


class SqlRestoring:
    """Keeps and puts back rows (撤销导入); fits ``bot.ports.Restoring``."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        self._transaction = transaction
        self._clock = clock

    def keep(self, told: Mapping[str, bool]) -> Iterator[str]:
        """Yield a line for each dossier that an import is about to change (留底), before it does.

        Args:
            told: identifier → whether the graduate hears about the change.
        """
        for piece in chunks(list(told)):
            superseded: dict[str, list[object]] = {}
            for row in self._transaction.rows(_SUPERSEDED, {"keys": piece}):
                superseded.setdefault(row.graduate_id, []).append([row.id, _plain(row.superseded_at)])
            for row in self._transaction.rows(_ROWS, {"keys": piece}):
                columns = {name: _plain(value) for name, value in row._mapping.items() if name != "season_id"}  # noqa: SLF001 -- the public way to names
                line = {"row": columns, "verifications": superseded.get(row.id, []), "told": told[row.id]}
                yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))

    def keep_added(self, dossier_id: str) -> str:
        """Return a line for a dossier that an import adds (留底)."""
        return json.dumps({"added": dossier_id})

    def restore(self, lines: Sequence[Mapping[str, Any]]) -> Restored:
        """Put back what nobody has touched since the import (恢复), and remove what it added.

        Raises:
            MovedError: somebody touched one of them at this very moment.
        """
        changed = {line["row"]["id"]: line for line in lines if "row" in line}
        added = [line["added"] for line in lines if "added" in line]
        left: list[tuple[str, str]] = []
        back = self._intact({id_: line["row"]["version"] + 1 for id_, line in changed.items()}, left)
        self._put_back([changed[id_] for id_ in back])
        removable = self._intact(dict.fromkeys(added, 0), left)
        removed = self._remove(removable, left)
        told = [id_ for id_ in back if changed[id_]["told"]]
        return Restored(len(back), removed, tuple(left), tuple(told))

    def _intact(self, versions: Mapping[str, int], left: list[tuple[str, str]]) -> list[str]:
        """Return whose version still is the import's; the others go to ``left``."""
        intact = []
        for piece in chunks(list(versions)):
            for row in self._transaction.rows(_VERSIONS, {"keys": piece}):
                if row.version == versions[row.id]:
                    intact.append(row.id)
                else:
                    left.append((row.student_number, row.name))
        return intact

    def _put_back(self, lines: Sequence[Mapping[str, Any]]) -> None:
        if not lines:
            return
        rows = [
            {name: _meant(value) for name, value in line["row"].items() if name not in _STAYS}
            | {
                "row_id": line["row"]["id"],
                "old_version": line["row"]["version"] + 1,
                "version": line["row"]["version"] + 2,
            }
            for line in lines
        ]
        if self._transaction.write(_RESTORE, rows) != len(rows):
            raise MovedError("a dossier was changed meanwhile")
        superseded = [
            {"row_id": id_, "superseded_at": _meant(at)} for line in lines for id_, at in line["verifications"]
        ]
        if superseded:
            self._transaction.write(_RESTORE_VERIFICATION, superseded)
        now = self._clock()
        passed = {"kind": Milestone.TAKEN_BACK.name, "detail": "", "at": now}
        self._transaction.write(_INSERT_MILESTONE, [{**passed, "graduate_id": row["row_id"]} for row in rows])

    def _remove(self, ids: Sequence[str], left: list[tuple[str, str]]) -> int:
        removed = 0
        for piece in chunks(ids):
            listed = {row.graduate_id for row in self._transaction.rows(_LISTED, {"keys": piece})}
            keys = [id_ for id_ in piece if id_ not in listed]
            if listed:
                rows = self._transaction.rows(_VERSIONS, {"keys": sorted(listed)})
                left.extend((row.student_number, row.name) for row in rows)
            if keys:
                self._transaction.write(_FORGET_MILESTONES, {"keys": keys})
                gone = self._transaction.write(_REMOVE, {"keys": keys})
                if gone != len(keys):
                    raise MovedError("a dossier was changed meanwhile")
                removed += gone
        return removed


def _plain(value: object) -> object:
    """Return a value as JSON can hold it, exactly."""
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    if isinstance(value, bytes | memoryview):
        return {"sealed": b64encode(bytes(value)).decode()}
    return value


def _meant(value: Any) -> Any:  # noqa: ANN401 -- any column's value
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    if kind == "at":
        return datetime.fromisoformat(text).astimezone(UTC)
    return date.fromisoformat(text) if kind == "on" else b64decode(text)
