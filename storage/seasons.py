"""The seasons (届): settings of the current one, and every version there was."""

import json
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from bot.errors import MovedError
from bot.registration.season import Season
from storage.tables import season, season_version
from storage.transaction import Transaction

_FIELDS = tuple(field.name for field in fields(Season))
SEASON_COLUMNS = tuple(season.c[name] for name in _FIELDS)
"""The columns to select for ``to_season``."""

_CURRENT = select(*SEASON_COLUMNS).where(season.c.is_current == 1)
_VERSION = select(season.c.version).where(season.c.id == bindparam("id"))
_RETIRE = update(season).where(season.c.is_current == 1).values(is_current=None)
_INSERT = insert(season)
_UPDATE = update(season).where(season.c.id == bindparam("row_id"), season.c.version == bindparam("old_version"))
_KEEP = insert(season_version)


def to_season(values: Any) -> Season:  # noqa: ANN401 -- a slice of a row
    """Return the season (届) of the values of SEASON_COLUMNS."""
    return Season(*values)


class SqlSeasons:
    """The seasons in the database (届); fits ``bot.ports.Seasons``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def current(self) -> Season | None:
        """Return the current season (当前届) or None before any was set up."""
        row = self._transaction.row(_CURRENT)
        return to_season(row) if row else None

    def save(self, season: Season) -> None:
        """Store the season under its id, as the next version, and make it the current one.

        Raises:
            MovedError: somebody else stored it meanwhile.
        """
        stored = self._transaction.row(_VERSION, {"id": season.id})
        new = replace(season, version=stored.version + 1 if stored else 1)
        values = asdict(new)
        self._transaction.write(_RETIRE)
        if stored is None:
            self._transaction.write(_INSERT, {**values, "is_current": 1})
        elif (
            self._transaction.write(
                _UPDATE, {**values, "is_current": 1, "row_id": season.id, "old_version": stored.version}
            )
            != 1
        ):
            raise MovedError("the season was changed meanwhile")
        settings = json.dumps(values, ensure_ascii=False, default=str, sort_keys=True)
        self._transaction.write(_KEEP, {"season_id": season.id, "version": new.version, "settings": settings})
