"""Progress (进度): the funnel, the trend, and where every part of the school stands; live numbers, one scan a page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import request
from werkzeug.wrappers import Response

from bot.registration.season import day_of
from bot.registration.stage import Stage
from bot.staff.policy import Act
from bot.staff.roll import CONFIRMED, FUNNEL, LOGGED_IN, VERIFIED, Area, By, Group, Progress, subject_of, waits_for
from handlers.staff.charts import per_cent, trend, width
from handlers.staff.console import Console
from handlers.staff.exports import sent
from handlers.staff.filters import address, given_in, query_of
from handlers.staff.progress_look import ORDERS, Seen, look, order_of
from handlers.staff.progress_sheets import sheets_of

GROUPS_A_PAGE = 30
TABLE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Stuck:
    """Those who stand at one stage (停在此处)."""

    stage: Stage
    count: int
    days: int
    waits_for: str
    address: str


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the funnel (漏斗一级)."""

    label: str
    reached: int
    share: str
    width: str
    before: str
    stuck: Sequence[Stuck]


@dataclass(frozen=True, slots=True)
class Row:
    """One part of the school in the table (一行)."""

    name: str
    note: str
    address: str
    progress: Progress


def add_to(console: Console) -> None:
    """Add the pages of progress (进度)."""

    @console.page("/progress", Act.SEE_PROGRESS)
    def progress() -> str:
        seen = look(console)
        today = trend(seen.days, seen.season)
        return console.render(
            "staff/progress.html",
            seen=seen,
            rungs=_funnel(seen),
            chart=today,
            has_days=subject_of(seen.area) is not None,
            table_days=TABLE_DAYS,
            crumbs=_crumbs(seen.area),
            choices=[(by, _here(by=by.name.lower(), page=None)) for by in _choices(seen.area)],
            orders=[(word, label, _here(order=word, page=None)) for word, label in ORDERS.items()],
            order=order_of(request.args),
            people=address("graduates", query_of(seen.area)) if "graduates" in console.acts else "",
            numbers={kind: address(f"progress_{kind}", given_in(request.args)) for kind in ("xlsx", "csv")},
            per_cent=per_cent,
            steps=(LOGGED_IN, CONFIRMED, VERIFIED),
            **_turned(seen, console),
        )

    @console.page("/progress/numbers.xlsx", Act.SEE_PROGRESS)
    def progress_xlsx() -> Response:
        seen = look(console)
        return sent(sheets_of(seen), f"进度-{day_of(seen.now)}", "xlsx")

    @console.page("/progress/numbers.csv", Act.SEE_PROGRESS)
    def progress_csv() -> Response:
        seen = look(console)
        return sent(sheets_of(seen), f"进度-{day_of(seen.now)}", "csv")


def _here(**changed: str | None) -> str:
    given = {**given_in(request.args), **changed}
    return address("progress", {name: value for name, value in given.items() if value})


# -- the funnel ------------------------------------------------------------------------------------


def _funnel(seen: Seen) -> list[Rung]:
    rungs, before = [], 1.0
    for place, step in enumerate(FUNNEL):
        following = FUNNEL[place + 1].stage.rank if place + 1 < len(FUNNEL) else len(Stage)
        between = [stage for stage in Stage if step.stage.rank <= stage.rank < following]
        share = seen.total.share(step.stage)
        stuck = [_stuck(seen, stage) for stage in between if seen.total.at(stage) and stage is not Stage.VERIFIED]
        reached = seen.total.reached(step.stage)
        rungs.append(Rung(step.label, reached, per_cent(share), width(share), width(before), stuck))
        before = share
    return rungs


def _stuck(seen: Seen, stage: Stage) -> Stuck:
    since = seen.oldest.get(stage, seen.now)
    link = address("graduates", query_of(seen.area, stage))
    return Stuck(stage, seen.total.at(stage), (day_of(seen.now) - day_of(since)).days, waits_for(stage), link)


# -- the parts of the school -----------------------------------------------------------------------


def _choices(area: Area) -> list[By]:
    """Return what the area can be counted by (可选口径): nothing coarser than itself."""
    choices = [By.COLLEGE] if area.college is None else []
    choices += [By.MAJOR] if area.major is None else []
    choices += [By.CLASS]
    own = area.counsellor is not None or area.scope.staff_number is not None
    return choices if own else [*choices, By.COUNSELLOR]


def _crumbs(area: Area) -> list[tuple[str, str]]:
    """Return the way from the whole to here (面包屑)."""
    start = replace(area, college=None, major=None, class_name=None, counsellor=None)
    crumbs = [("全校" if area.scope.staff_number is None else "我的学生", start)]
    if area.counsellor is not None:
        start = replace(start, counsellor=area.counsellor)
        crumbs.append((f"辅导员 {area.counsellor}" if area.counsellor else "未填工号的辅导员", start))
    for name in ("college", "major", "class_name"):
        value = getattr(area, name)
        if value is not None:
            start = replace(start, **{name: value})
            crumbs.append((value or "未填班级", start))
    return [(label, address("progress", query_of(part))) for label, part in crumbs]


def _turned(seen: Seen, console: Console) -> dict[str, object]:
    """Return one page of the parts (分页), and the addresses of the pages beside it."""
    asked = request.args.get("page", "1")
    pages = max(-(-len(seen.groups) // GROUPS_A_PAGE), 1)
    page = min(int(asked), pages) if asked.isdecimal() and asked.isascii() and len(asked) < 6 and int(asked) else 1
    shown = seen.groups[(page - 1) * GROUPS_A_PAGE : page * GROUPS_A_PAGE]
    return {
        "rows": [_row(group, seen, console) for group in shown],
        "page": page,
        "pages": pages,
        "earlier": _here(page=str(page - 1)) if page > 1 else "",
        "later": _here(page=str(page + 1)) if page < pages else "",
    }


def _row(group: Group, seen: Seen, console: Console) -> Row:
    name, note, part = _titled(group, seen)
    link = ""
    if seen.by is By.CLASS:
        link = address("graduates", query_of(part)) if "graduates" in console.acts else ""
    elif seen.by is not By.COUNSELLOR or group.counsellor:
        link = address("progress", query_of(part))
    return Row(name, note, link, group.progress)


def _titled(group: Group, seen: Seen) -> tuple[str, str, Area]:
    """Return what a part is called, where it belongs, and the area behind it."""
    area = seen.area
    if seen.by is By.COUNSELLOR:
        return (
            group.counsellor_name or "未填辅导员",
            group.counsellor or "未填工号",
            replace(area, counsellor=group.counsellor),
        )
    part = replace(area, college=group.college)
    if seen.by is By.COLLEGE:
        return group.college, "", part
    part = replace(part, major=group.major)
    college = group.college if area.college is None else ""
    if seen.by is By.MAJOR:
        return group.major, college, part
    major = group.major if area.major is None else ""
    return (
        group.class_name or "未填班级",
        " · ".join(filter(None, (college, major))),
        replace(part, class_name=group.class_name),
    )
