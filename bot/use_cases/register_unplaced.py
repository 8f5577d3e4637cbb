"""The cut-off (截点登记): who has no destination on the cut-off day is registered as 未就业, once (N18)."""

from collections.abc import Callable
from datetime import datetime

from bot.errors import MovedError
from bot.ports import UnitOfWork
from bot.registration.cutoff import CutoffRun
from bot.registration.destination import UNEMPLOYED, Destination
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season, day_of
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.use_cases.staff_changes import ATTEMPTS, Office
from bot.use_cases.tell import Teller

PIECE = 200
"""Graduates registered in one transaction: on SQLite nobody else writes meanwhile, and nobody should notice."""


def register_unplaced(office: Office, go_on: Callable[[], bool] = lambda: True) -> int:
    """Register everybody without a destination as 未就业 (N18), once for each season and cut-off day.

    The first transaction writes down who is unplaced; the others register them piece by piece, so that nobody waits
    long and a process that dies loses nothing: whoever comes next goes on with the following piece. Any number of
    workers may run at once. Whose data arrive before his or her piece is left out; whose row arrives in the roster
    after the cut-off is not on the list.

    Args:
        office: see Office.
        go_on: asked after each piece; the rest is done by the next call if it says no.

    Returns:
        How many were registered by this call; 0 before the cut-off day and when all is done.

    Raises:
        ForbiddenError: the role does not allow it.
        MovedError: the same dossiers kept changing under our hands.
    """
    office.by.demand(Act.MANAGE_SEASONS)
    registered = 0
    while (done := _again(office)) is not None:
        registered += done
        if not go_on():
            break
    return registered


def _again(office: Office) -> int | None:
    for _ in range(ATTEMPTS * 10):  # several workers take turns, and each turn makes the others begin anew
        try:
            return _piece(office)
        except MovedError:
            continue
    raise MovedError("the cut-off kept being run by others")


def _piece(office: Office) -> int | None:
    """Do the next thing there is to do; return how many were registered, or None if nothing is left."""
    now = office.clock()
    with office.work.reading() as uow:
        season = uow.seasons.current()
        if season is None:
            return None
        stale = next((run for run in uow.cutoffs.open_runs() if _is_stale(run, season)), None)
        run = uow.cutoffs.run(season.id, season.cutoff)
        is_due = day_of(now) >= season.cutoff
        is_nothing = stale is None and (run.finished_at is not None if run else not is_due)
        # A roster that is still to come is no reason to use up the one run of the day.
        if is_nothing or (stale is None and run is None and not uow.registry.count(season.id)):
            return None
    with office.work.writing() as uow:
        if stale is not None:
            # The calendar was changed in the middle of the run: who was not reached is left alone.
            _finish(uow, office, stale)
            done = 0
        elif run is None:
            uow.cutoffs.begin(season.id, season.cutoff, now)
            done = 0
        else:
            done = _go_on(uow, office, season, run)
        uow.commit()
        return done


def _is_stale(run: CutoffRun, season: Season) -> bool:
    return (run.season_id, run.cutoff) != (season.id, season.cutoff)


def _go_on(uow: UnitOfWork, office: Office, season: Season, run: CutoffRun) -> int:
    ids = uow.cutoffs.next_ids(run, PIECE)
    if not ids:
        _finish(uow, office, run)
        return 0
    uow.cutoffs.reach(run, ids[-1])
    dossiers = tuple(uow.registry.by_ids(ids))
    unplaced = {dossier.id: dossier for dossier in dossiers if dossier.destination is None}
    uow.cutoffs.leave_out(run, [id_ for id_ in ids if id_ not in unplaced])
    now = office.clock()
    pairs = [(old, _registered(old, season, now)) for old in unplaced.values()]
    uow.registry.save_many(pairs)
    teller = Teller(season, now, office.links, office.new_id)
    for _, new in pairs:
        teller.tell(uow, new, "unplaced", f"unplaced:{new.id}:{run.cutoff}")
    return len(pairs)


def _registered(old: Dossier, season: Season, now: datetime) -> Dossier:
    data = SchoolData(old.graduate, Destination(UNEMPLOYED), old.archive, old.household, old.chsi_bound)
    return old.with_school_data(data, season, now)


def _finish(uow: UnitOfWork, office: Office, run: CutoffRun) -> None:
    now = office.clock()
    count = uow.cutoffs.finish(run, now)
    details = {"截点": f"{run.cutoff}", "登记为未就业": f"{count} 人"}
    uow.audit.append(office.by, Action.CUTOFF_RUN, run.season_id, details, now)
