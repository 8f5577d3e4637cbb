"""The cut-off on the console (截点): who would be registered as 未就业, who was, and the reminder (N18)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from flask import request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.registration.cutoff import CutoffList, CutoffRun
from bot.registration.destination import categories
from bot.registration.season import Season, day_of
from bot.staff.deed import Action
from bot.staff.policy import EVERYONE, Act
from bot.use_cases.staff_changes import NotFoundError
from handlers.staff.console import Console, Remark
from handlers.staff.exports import Sheet, sent

_A_PAGE = 50
_A_PIECE = 500
_DAYS_BEFORE, _DAYS_AFTER = 7, 14
_REMINDED = frozenset({"staff.progress", "staff.roster"})
"""Where the reminder stands: the pages people begin at, and the one where it is mended."""
_HEADS = ("学号", "姓名", "学院", "专业", "班级", "辅导员", "现在的去向")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for (所看的截点): the season, the day, its run if there is one, and the list in it."""

    season: Season
    day: date
    run: CutoffRun | None
    runs: Sequence[CutoffRun]
    wanted: CutoffList


def add_to(console: Console) -> None:
    """Add the pages of the cut-off (截点), and its reminder."""
    console.remarks.append(lambda: remark(console))

    @console.page("/cutoff", Act.SEE_GRADUATES)
    def cutoff() -> str:
        asked, after = _asked(console), request.args.get("after", "").replace("\0", "")
        with console.office.work.reading() as uow:
            colleges = uow.cutoffs.colleges(CutoffList(asked.season.id, asked.wanted.scope, asked.run))
            listed = uow.cutoffs.listed(asked.wanted, after, _A_PAGE + 1)
        return console.render(
            "staff/cutoff.html",
            asked=asked,
            colleges=colleges,
            count=sum(each.count for each in colleges),
            listed=listed[:_A_PAGE],
            more=listed[_A_PAGE - 1].id if len(listed) > _A_PAGE else None,
            days=(asked.day - day_of(console.office.clock())).days,
            after=after,
            destination=_destination,
            graduate_page="staff.graduate" if "graduate" in console.acts else "",
        )

    @console.page("/cutoff/file", Act.EXPORT, ("POST",))
    def cutoff_file() -> Response:
        return _file(console)


def remark(console: Console) -> Remark | None:
    """Return what the office and the counsellors should know around the day (截点提醒), about their own graduates."""
    if request.endpoint not in _REMINDED:
        return None
    actor, today = console.actor, day_of(console.office.clock())
    with console.office.work.reading() as uow:
        season = uow.seasons.current()
        if season is None or not actor.may(Act.SEE_GRADUATES):
            return None
        left = (season.cutoff - today).days
        if not -_DAYS_AFTER <= left <= _DAYS_BEFORE:
            return None
        run = uow.cutoffs.run(season.id, season.cutoff)
        if run is None:
            count = uow.cutoffs.count(season.id, actor.scope)
        elif run.finished_at and actor.scope == EVERYONE:
            count = run.count
        else:
            count = sum(each.count for each in uow.cutoffs.colleges(CutoffList(season.id, actor.scope, run)))
    day = f"{season.cutoff.month} 月 {season.cutoff.day} 日"
    if run:
        said = f"{day}截点已把 {count:,} 人登记为未就业。"
    elif count:
        when = {0: "今天", 1: "明天"}.get(left, f"{day}（还有 {left} 天）")
        said = f"{when}截点：{count:,} 人还没有去向数据，到时会登记为未就业。"
    else:
        return None
    return Remark(said, url_for("staff.cutoff"), "看名单")


def _asked(console: Console) -> _Asked:
    text, college = request.values.get("day", ""), request.values.get("college", "").replace("\0", "")
    with console.office.work.reading() as uow:
        season = console.season(uow)
        runs = uow.cutoffs.runs(season.id)
    try:
        day = date.fromisoformat(text) if text else season.cutoff
    except ValueError:
        raise NotFoundError("没有这一天的截点登记") from None
    run = next((each for each in runs if each.cutoff == day), None)
    if run is None and day != season.cutoff:
        raise NotFoundError("没有这一天的截点登记")
    return _Asked(season, day, run, runs, CutoffList(season.id, console.actor.scope, run, college))


def _file(console: Console) -> Response:
    """Send the list as a file; what was sent is noted before a byte of it leaves."""
    kind = request.form.get("kind", "")
    if kind not in {"xlsx", "csv"}:
        raise BadValueError("文件格式只有 xlsx 和 csv")
    office, asked = console.acting, _asked(console)
    name = f"{asked.season.id} 届 {asked.day} 截点" + ("未就业登记名单" if asked.run else "没有去向数据名单")
    details = {"名单": name, "学院": asked.wanted.college or "全部", "格式": kind}
    with office.work.writing() as uow:
        uow.audit.append(office.by, Action.LIST_EXPORTED, "", details, office.clock())
        uow.commit()
    return sent([Sheet("截点名单", _HEADS, _rows(console, asked.wanted))], name, kind)


def _rows(console: Console, wanted: CutoffList) -> Iterator[tuple[str, ...]]:
    after = ""
    with console.office.work.reading() as uow:
        while piece := uow.cutoffs.listed(wanted, after, _A_PIECE):
            after = piece[-1].id
            for each in piece:
                who = (each.student_number, each.name, each.college, each.major, each.class_name, each.counsellor)
                yield (*who, _destination(each.destination_code))


def _destination(code: str) -> str:
    return categories()[code].name if code in categories() else code or "没有数据"
