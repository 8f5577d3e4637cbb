"""The seasons (届): settings of the current one, and every version there was."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from bot.errors import MovedError
from bot.registration.season import Season, SeasonVersion
from bot.registration.season_outlook import Standing
from bot.registration.stage import Stage
from storage.staff_tables import cutoff_run
from storage.tables import graduate, season, season_version
from storage.transaction import Transaction

_FIELDS = tuple(field.name for field in fields(Season))
SEASON_COLUMNS = tuple(season.c[name] for name in _FIELDS)
"""The columns to select for ``to_season``."""

_CURRENT = select(*SEASON_COLUMNS).where(season.c.is_current == 1)
_VERSION = select(season.c.version).where(season.c.id == bindparam("id"))
_RETIRE = update(season).where(season.c.is_current == 1).values(is_current=None)
_RETIRE_THAT = _RETIRE.where(season.c.id == bindparam("row_id"), season.c.version == bindparam("old_version"))
_INSERT = insert(season)
_UPDATE = update(season).where(season.c.id == bindparam("row_id"), season.c.version == bindparam("old_version"))
_KEEP = insert(season_version)
_v = season_version.c
_VERSIONS = (
    select(season_version)
    .where(_v.season_id == bindparam("season_id"), _v.version < bindparam("before"))
    .order_by(_v.version.desc())
    .limit(bindparam("most"))
)
_OTHERS = select(season.c.id).where(season.c.is_current.is_(None)).order_by(season.c.id.desc())
_STAGES = (
    select(graduate.c.stage, func.count().label("total"))
    .where(graduate.c.season_id == bindparam("season_id"))
    .group_by(graduate.c.stage)
)
_UNPLACED = (
    select(func.count())
    .select_from(graduate)
    .where(graduate.c.destination_code.is_(None), graduate.c.season_id == bindparam("season_id"))
)
_RUNS = select(cutoff_run.c.cutoff, cutoff_run.c.count.label("total")).where(
    cutoff_run.c.season_id == bindparam("season_id")
)


_CONFIRMED = {stage.name for stage in (Stage.NO_REAL_PERSON, Stage.UNVERIFIED, Stage.VERIFIED)}


def _texts(settings: str) -> dict[str, str]:
    return {name: str(value) for name, value in json.loads(settings).items()}


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

    def versions(self, season_id: str, most: int, before: int = 2**31 - 1) -> Sequence[SeasonVersion]:
        """Return the newest versions of a season's settings, or the newest below ``before``, newest first."""
        rows = self._transaction.rows(_VERSIONS, {"season_id": season_id, "before": before, "most": most})
        return [SeasonVersion(row.season_id, row.version, _texts(row.settings)) for row in rows]

    def others(self) -> Sequence[str]:
        """Return the seasons that are not the current one (往届)."""
        return [row.id for row in self._transaction.rows(_OTHERS)]

    def standing(self, season_id: str) -> Standing:
        """Return how the graduates of a season stand (现状): all that a change of the calendar may touch."""
        asked = {"season_id": season_id}
        stages = {row.stage: int(row.total) for row in self._transaction.rows(_STAGES, asked)}
        unplaced = self._transaction.row(_UNPLACED, asked)
        return Standing(
            graduates=sum(stages.values()),
            unconfirmed=sum(total for stage, total in stages.items() if stage not in _CONFIRMED),
            unplaced=int(unplaced[0]) if unplaced else 0,
            runs={row.cutoff: int(row.total) for row in self._transaction.rows(_RUNS, asked)},
        )

    def save(self, season: Season, over: Season | None = None) -> None:
        """Store the season under its id, as the next version, and make it the current one.

        Args:
            season: the settings.
            over: the season that must be current, in this version; None to ask nothing.

        Raises:
            MovedError: somebody else stored it meanwhile, or ``over`` is not current any more.
        """
        # Taking the old one away comes first: it locks the row, so that what is read after it stays true.
        if over is None:
            self._transaction.write(_RETIRE)
        elif self._transaction.write(_RETIRE_THAT, {"row_id": over.id, "old_version": over.version}) != 1:
            raise MovedError("the season was changed meanwhile")
        stored = self._transaction.row(_VERSION, {"id": season.id})
        new = replace(season, version=stored.version + 1 if stored else 1)
        values = asdict(new)
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
