"""The cut-off (截点): the run that registers the unplaced of a season as 未就业, once for each cut-off day (N18)."""

from dataclasses import dataclass, field
from datetime import date, datetime

from bot.staff.policy import Scope


@dataclass(frozen=True, slots=True)
class CutoffRun:
    """The run of one cut-off day (截点登记).

    Attributes:
        season_id, cutoff: what it is the run of; there is one for each.
        at: when it began, and who was unplaced was written down.
        count: how many were unplaced then; once it is finished, how many it registered.
        reached: the last graduate handled, in the order of identifiers; "" before the first.
        finished_at: when the last one was done, or None.
    """

    season_id: str
    cutoff: date
    at: datetime
    count: int
    reached: str = ""
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CutoffList:
    """Which list is meant (截点名单): who has no destination now, or who a run has registered.

    Attributes:
        season_id: the season.
        scope: which graduates the reader sees.
        run: the run; None for who has no destination now.
        college: of this college only; "" for all.
    """

    season_id: str
    scope: Scope
    run: CutoffRun | None = None
    college: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list of a cut-off (截点名单), as staff see it.

    Attributes:
        id: of the dossier.
        student_number, name, college, major, class_name, counsellor: as in the roster.
        destination_code: of the present destination, or "" without one.
    """

    id: str
    student_number: str = field(repr=False)
    name: str = field(repr=False)
    college: str
    major: str
    class_name: str
    counsellor: str
    destination_code: str


@dataclass(frozen=True, slots=True)
class CollegeCount:
    """How many of a college stand in a list (各学院人数).

    Attributes:
        college: its name.
        count: so many.
        placed: so many of them have another destination than 未就业 by now.
    """

    college: str
    count: int
    placed: int = 0
