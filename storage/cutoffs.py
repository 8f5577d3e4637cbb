"""The cut-offs (截点): who was unplaced when a run began, how far it has come, and the lists staff read."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    Select,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    select,
    update,
)

from bot.errors import MovedError
from bot.registration.cutoff import CollegeCount, CutoffList, CutoffRun, Listed
from bot.registration.destination import UNEMPLOYED
from bot.staff.policy import Scope
from storage.staff_tables import cutoff_graduate, cutoff_run
from storage.tables import graduate
from storage.transaction import Transaction

_g, _r, _l = graduate.c, cutoff_run.c, cutoff_graduate.c
_UNPLACED = and_(_g.destination_code.is_(None), _g.season_id == bindparam("season_id"))
_THIS = and_(_r.season_id == bindparam("row_season"), _r.cutoff == bindparam("row_cutoff"))
_OURS = and_(_l.season_id == bindparam("row_season"), _l.cutoff == bindparam("row_cutoff"))

_BEGIN = insert(cutoff_run)
_COUNT_UNPLACED = select(func.count()).select_from(graduate).where(_UNPLACED)
_NOTE = insert(cutoff_graduate).from_select(
    ["season_id", "cutoff", "graduate_id"],
    select(_g.season_id, bindparam("row_cutoff", type_=Date), _g.id).where(_UNPLACED),
)
_RUN = select(cutoff_run).where(_THIS)
_RUNS = select(cutoff_run).where(_r.season_id == bindparam("season_id")).order_by(_r.cutoff.desc())
_OPEN = select(cutoff_run).where(_r.finished_at.is_(None))
_NEXT = (
    select(_l.graduate_id)
    .where(_OURS, _l.graduate_id > bindparam("reached", type_=String))
    .order_by(_l.graduate_id)
    .limit(bindparam("most"))
)
_REACH = update(cutoff_run).where(_THIS, _r.reached == bindparam("was"), _r.finished_at.is_(None))
_REACHED = and_(_OURS, _l.graduate_id <= bindparam("reached", type_=String))
_LEAVE_OUT = delete(cutoff_graduate).where(_OURS, _l.graduate_id.in_(bindparam("keys", expanding=True)))
_LEAVE_REST = delete(cutoff_graduate).where(_OURS, _l.graduate_id > bindparam("reached", type_=String))
_SIZE = select(func.count()).select_from(cutoff_graduate).where(_OURS)

_LISTED = (
    _g.id,
    _g.student_number,
    _g.name,
    _g.college,
    _g.major,
    _g.class_name,
    _g.counsellor_name,
    func.coalesce(_g.destination_code, ""),
)


def _run(row: Any) -> CutoffRun:  # noqa: ANN401 -- a row of the table
    return CutoffRun(row.season_id, row.cutoff, row.at, row.count, row.reached.strip(), row.finished_at)


def _key(run: CutoffRun) -> dict[str, Any]:
    return {"row_season": run.season_id, "row_cutoff": run.cutoff}


class SqlCutoffs:
    """The cut-offs in the database (截点); fits ``bot.ports.Cutoffs``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    # -- the run -----------------------------------------------------------------------------------

    def begin(self, season_id: str, cutoff: date, at: datetime) -> CutoffRun | None:
        """Begin the run of a cut-off day and write down who is unplaced now; None if there is a run already."""
        row = self._transaction.row(_COUNT_UNPLACED, {"season_id": season_id})
        run = CutoffRun(season_id, cutoff, at, int(row[0]) if row else 0)
        values = {"season_id": season_id, "cutoff": cutoff, "at": at, "count": run.count, "reached": ""}
        if not self._transaction.write_new(_BEGIN, values):
            return None
        self._transaction.write(_NOTE, {"season_id": season_id, "row_cutoff": cutoff})
        return run

    def run(self, season_id: str, cutoff: date) -> CutoffRun | None:
        """Return the run of a cut-off day or None."""
        row = self._transaction.row(_RUN, {"row_season": season_id, "row_cutoff": cutoff})
        return _run(row) if row else None

    def runs(self, season_id: str) -> Sequence[CutoffRun]:
        """Return the runs of a season, the latest day first."""
        return [_run(row) for row in self._transaction.rows(_RUNS, {"season_id": season_id})]

    def open_runs(self) -> Sequence[CutoffRun]:
        """Return the runs that are not finished, of all seasons."""
        return [_run(row) for row in self._transaction.rows(_OPEN)]

    def next_ids(self, run: CutoffRun, most: int) -> Sequence[str]:
        """Return the next graduates of a run, in the order of identifiers."""
        found = self._transaction.rows(_NEXT, _key(run) | {"reached": run.reached, "most": most})
        return [row.graduate_id for row in found]

    def reach(self, run: CutoffRun, graduate_id: str) -> None:
        """Note how far a run has come; whoever does the same piece at this moment waits here, and fails.

        Raises:
            MovedError: somebody else went on with the run.
        """
        if self._transaction.write(_REACH, _key(run) | {"was": run.reached, "reached": graduate_id}) != 1:
            raise MovedError("somebody else went on with the run")

    def leave_out(self, run: CutoffRun, graduate_ids: Sequence[str]) -> None:
        """Take graduates off the list of a run: their data arrived before it came to them."""
        if graduate_ids:
            self._transaction.write(_LEAVE_OUT, _key(run) | {"keys": graduate_ids})

    def finish(self, run: CutoffRun, at: datetime) -> int:
        """End a run; who was not reached is left alone. Return how many it registered.

        Raises:
            MovedError: somebody else went on with the run.
        """
        self._transaction.write(_LEAVE_REST, _key(run) | {"reached": run.reached})
        row = self._transaction.row(_SIZE, _key(run))
        count = int(row[0]) if row else 0
        values = {"was": run.reached, "count": count, "finished_at": at}
        if self._transaction.write(_REACH, _key(run) | values) != 1:
            raise MovedError("somebody else went on with the run")
        return count

    # -- the lists ---------------------------------------------------------------------------------

    def count(self, season_id: str, scope: Scope) -> int:
        """Return how many in the scope have no destination now."""
        statement = _scoped(_COUNT_UNPLACED, scope)
        row = self._transaction.row(statement, {"season_id": season_id})
        return int(row[0]) if row else 0

    def colleges(self, wanted: CutoffList) -> Sequence[CollegeCount]:
        """Return how many of each college stand in a list (各学院人数)."""
        placed = case((func.coalesce(_g.destination_code, UNEMPLOYED) != UNEMPLOYED, 1), else_=0)
        counts = select(_g.college, func.count().label("total"), func.coalesce(func.sum(placed), 0).label("placed"))
        statement = _of(counts, wanted).group_by(_g.college).order_by(_g.college)
        rows = self._transaction.rows(statement, _parameters(wanted))
        return [CollegeCount(row.college, int(row.total), int(row.placed)) for row in rows]

    def listed(self, wanted: CutoffList, after: str = "", most: int = 50) -> Sequence[Listed]:
        """Return a piece of a list by student number, after the graduate ``after`` (名单)."""
        statement = _of(select(*_LISTED), wanted, is_page=True).order_by(_g.student_number).limit(most)
        parameters = _parameters(wanted)
        if after:
            other = graduate.alias("other").c
            last = select(other.student_number).where(other.id == bindparam("after")).scalar_subquery()
            statement = statement.where(_g.student_number > last)
            parameters["after"] = after
        return [Listed(*tuple(row)) for row in self._transaction.rows(statement, parameters)]


def _of(statement: Select[Any], wanted: CutoffList, *, is_page: bool = False) -> Select[Any]:
    if wanted.run is None:
        statement = statement.where(_UNPLACED)
    elif wanted.scope.staff_number is None and not is_page:
        joined = graduate.join(cutoff_graduate, _l.graduate_id == _g.id)
        statement = statement.select_from(joined).where(_REACHED)
    else:
        # From a counsellor's few graduates, or those of one page, to the list, not from a long list to the graduates.
        statement = statement.where(exists().where(_l.graduate_id == _g.id, _REACHED).correlate(graduate))
    if wanted.college:
        statement = statement.where(_g.college == bindparam("college"))
    return _scoped(statement, wanted.scope)


def _scoped(statement: Select[Any], scope: Scope) -> Select[Any]:
    if scope.staff_number is None:
        return statement
    is_theirs = _g.counsellor_staff_number == scope.staff_number
    return statement.where(is_theirs if scope.staff_number else false())  # an empty number is nobody's


def _parameters(wanted: CutoffList) -> dict[str, Any]:
    run = wanted.run
    parameters = {"season_id": wanted.season_id} if run is None else _key(run) | {"reached": run.reached}
    return parameters | ({"college": wanted.college} if wanted.college else {})
