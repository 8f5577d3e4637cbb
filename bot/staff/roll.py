"""The roll (毕业生名单与进度): which graduates staff want to see, how they are counted, and one line of the list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from bot.errors import BadValueError
from bot.registration.graduate import Level
from bot.registration.stage import Stage
from bot.staff.policy import Scope

LONGEST_WORDS = 40


class By(StrEnum):
    """What graduates are counted by (统计口径); the value is what staff read."""

    COLLEGE = "学院"
    MAJOR = "专业"
    CLASS = "班级"
    COUNSELLOR = "辅导员"


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the school (范围), never more than the scope.

    Attributes:
        season_id: the season.
        scope: what the person who asks may see.
        college, major, class_name: only these; None for all, "" for graduates without one.
        counsellor: only graduates of the counsellor with this staff number (工号); None for all, "" for those whose
            counsellor has none.
    """

    season_id: str
    scope: Scope
    college: str | None = None
    major: str | None = None
    class_name: str | None = None
    counsellor: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole school."""
        parts = (self.scope.staff_number, self.college, self.major, self.class_name, self.counsellor)
        return all(part is None for part in parts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which graduates a list shall hold (筛选).

    Attributes:
        area: the part of the school.
        stage: only who stands at this stage (办理阶段), or None.
        words: the beginning of a name or of a student number (姓名、学号), or "".
    """

    area: Area
    stage: Stage | None = None
    words: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.words) > LONGEST_WORDS:
            raise BadValueError(f"请输入姓名或学号开头的几个字，不超过 {LONGEST_WORDS} 个")


@dataclass(frozen=True, slots=True)
class Progress:
    """How many stand at each stage (各阶段人数), in the order of ``Stage``."""

    counts: tuple[int, ...] = (0,) * len(Stage)

    @classmethod
    def of(cls, counts: Mapping[Stage, int]) -> "Progress":
        """Make it of counts by stage; what is missing is 0."""
        return cls(tuple(counts.get(stage, 0) for stage in Stage))

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(tuple(map(int.__add__, self.counts, other.counts)))

    @property
    def total(self) -> int:
        """Everybody."""
        return sum(self.counts)

    def at(self, stage: Stage) -> int:
        """Return how many stand at the stage now (停在此处)."""
        return self.counts[stage.rank]

    def reached(self, stage: Stage) -> int:
        """Return how many have come to the stage or further (达到)."""
        return sum(self.counts[stage.rank :])

    def share(self, stage: Stage) -> float:
        """Return the part of everybody who has reached the stage, 0 to 1; 0 where there is nobody."""
        return self.reached(stage) / self.total if self.total else 0.0


def total_of(parts: Iterable[Progress]) -> Progress:
    """Return the sum (合计)."""
    columns = zip(*(part.counts for part in parts), strict=True)
    return Progress(tuple(map(sum, columns)) or Progress().counts)


@dataclass(frozen=True, slots=True)
class Group:
    """The progress of one college, major, class or counsellor (分组); what it is not counted by is "".

    Attributes:
        college, major, class_name: where it is.
        counsellor: staff number (工号); counsellor_name: name.
        progress: see Progress.
    """

    college: str = ""
    major: str = ""
    class_name: str = ""
    counsellor: str = ""
    counsellor_name: str = field(default="", repr=False)
    progress: Progress = Progress()


class Step(NamedTuple):
    """One step of the funnel (漏斗一级): a name, and the first stage that has passed it."""

    label: str
    stage: Stage


FUNNEL = (
    Step("全部毕业生", Stage.UNBOUND),
    Step("已登录", Stage.UNCHECKED),
    Step("已核对个人信息", Stage.NO_DESTINATION),
    Step("去向数据已到", Stage.ARCHIVE_MISSING),
    Step("档案信息已提交", Stage.ARCHIVE_WAITS),
    Step("档案信息已通过", Stage.UNCONFIRMED),
    Step("已确认去向", Stage.NO_REAL_PERSON),
    Step("已实人验证", Stage.UNVERIFIED),
    Step("已核验授权", Stage.VERIFIED),
)
"""The funnel (漏斗); each step holds everybody who has come so far or further."""

LOGGED_IN, CONFIRMED, VERIFIED = FUNNEL[1], FUNNEL[6], FUNNEL[8]
"""The three steps that stand for the journey where there is room for no more."""

WAITS_FOR: Mapping[Stage, str] = {
    Stage.CORRECTING: "就业办",
    Stage.ARCHIVE_WAITS: "就业办",
    Stage.VERIFIED: "",
}
"""Who has to act next (等谁办); where nothing is said, the graduate."""


def waits_for(stage: Stage) -> str:
    """Return who has to act next at a stage (等谁办): 毕业生, 就业办, or "" when all is done."""
    return WAITS_FOR.get(stage, "毕业生")


@dataclass(frozen=True, slots=True)
class Line:
    """One graduate in the list (名单一行).

    Attributes:
        id: of the dossier.
        student_number, name, college, major, class_name, level: as in the roster.
        counsellor, counsellor_name: staff number (工号) and name.
        stage: where the graduate stands; since: since when.
        mobile: "" unless the phone list (电话名单) was asked for.
    """

    id: str
    student_number: str = field(repr=False)
    name: str = field(repr=False)
    college: str
    major: str
    class_name: str
    level: Level
    counsellor: str
    counsellor_name: str = field(repr=False)
    stage: Stage
    since: datetime
    mobile: str = field(default="", repr=False)


class Dimension(StrEnum):
    """What a day's snapshot is about (快照口径); stored by its value."""

    TOTAL = "total"
    COLLEGE = "college"
    COUNSELLOR = "counsellor"


class Subject(NamedTuple):
    """Whose days are kept (快照对象): everybody, a college, or a counsellor's students by staff number."""

    dimension: Dimension
    key: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """Where everybody stood at the end of a day (某日进度).

    Attributes:
        day: in Shanghai.
        progress: see Progress.
    """

    day: date
    progress: Progress


Snapshot = Mapping[Subject, Progress]
"""What is kept of a day (快照)."""

LONGEST_KEY = 160
"""Characters of a college's name that are kept with the days; longer ones that begin alike are counted together."""


def subject_of(area: Area) -> Subject | None:
    """Return whose days tell about an area (趋势对象), or None: days are kept of colleges and counsellors, no finer."""
    own, asked = area.scope.staff_number, area.counsellor
    if area.major is not None or area.class_name is not None or (own is not None and asked not in {None, own}):
        return None
    counsellor = asked if own is None else own
    if counsellor is not None:
        is_kept = counsellor and area.college is None
        return Subject(Dimension.COUNSELLOR, counsellor[:LONGEST_KEY]) if is_kept else None
    return Subject(Dimension.TOTAL) if area.college is None else Subject(Dimension.COLLEGE, area.college[:LONGEST_KEY])


def snapshot(colleges: Iterable[Group], counsellors: Iterable[Group]) -> dict[Subject, Progress]:
    """Return what is kept of a day (当日快照): the total, every college, every counsellor with a staff number."""
    kept: dict[Subject, Progress] = {}
    for group in colleges:
        for subject in (Subject(Dimension.TOTAL), Subject(Dimension.COLLEGE, group.college[:LONGEST_KEY])):
            kept[subject] = kept.get(subject, Progress()) + group.progress
    for group in counsellors:
        if group.counsellor:
            subject = Subject(Dimension.COUNSELLOR, group.counsellor[:LONGEST_KEY])
            kept[subject] = kept.get(subject, Progress()) + group.progress
    return kept
