"""The days of progress (每日进度) in the database: one row for each day, subject and stage that somebody stood at."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import bindparam, delete, select

from bot.registration.stage import Stage
from bot.staff.roll import Area, Day, Dimension, Progress, Snapshot, Subject, subject_of
from storage.staff_tables import progress_day
from storage.transaction import Transaction

_d = progress_day.c
_OF = select(_d.day, _d.stage, _d["count"].label("people")).where(
    _d.season_id == bindparam("season_id"), _d.dimension == bindparam("dimension"), _d.key == bindparam("key")
)
_ON = select(_d.dimension, _d.key, _d.stage, _d["count"].label("people")).where(
    _d.season_id == bindparam("season_id"), _d.day == bindparam("day")
)
_FORGET = delete(progress_day).where(
    _d.season_id == bindparam("of_season"),
    _d.dimension == bindparam("of_dimension"),
    _d.key == bindparam("of_key"),
    _d.day == bindparam("of_day"),
)


class SqlProgressDays:
    """The days in the database (每日进度); fits ``bot.ports.ProgressDays``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of(self, area: Area) -> Sequence[Day]:
        """Return the days kept of an area (趋势), oldest first; none where no days are kept of such an area."""
        subject = subject_of(area)
        if subject is None:
            return ()
        key = {"season_id": area.season_id, "dimension": subject.dimension.value, "key": subject.key}
        counts: dict[date, dict[Stage, int]] = defaultdict(dict)
        for row in self._transaction.rows(_OF, key):
            counts[row.day][Stage[row.stage]] = row.people
        return [Day(day, Progress.of(counts[day])) for day in sorted(counts)]

    def on(self, season_id: str, day: date) -> Snapshot:
        """Return what is kept of a day (当日快照)."""
        counts: dict[Subject, dict[Stage, int]] = defaultdict(dict)
        for row in self._transaction.rows(_ON, {"season_id": season_id, "day": day}):
            counts[Subject(Dimension(row.dimension), row.key)][Stage[row.stage]] = row.people
        return {subject: Progress.of(counts[subject]) for subject in counts}

    def put(self, season_id: str, day: date, kept: Snapshot) -> None:
        """Keep other counts of a day than before (更新快照); progress of nobody forgets the subject.

        Raises:
            MovedError: somebody else just did the same.
        """
        if not kept:
            return
        key = {"of_season": season_id, "of_day": day}
        forgotten = [key | {"of_dimension": of.dimension.value, "of_key": of.key} for of in kept]
        self._transaction.write(_FORGET, forgotten)
        rows = [
            {
                "season_id": season_id,
                "dimension": subject.dimension.value,
                "key": subject.key,
                "day": day,
                "stage": stage.name,
                "count": progress.at(stage),
            }
            for subject, progress in kept.items()
            for stage in Stage
            if progress.at(stage)
        ]
        if rows:
            self._transaction.insert_many(progress_day, rows)
