"""The list of graduates (毕业生名单): filters, search, pages of fifty, and the list as a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import IO

from flask import current_app, make_response, redirect, request
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.ports import Roll
from bot.registration.season import SHANGHAI, day_of
from bot.registration.stage import Stage
from bot.staff.policy import Act
from bot.staff.roll import LONGEST_WORDS, Area, By, Line, waits_for
from bot.use_cases.take_list import Listed, take_list
from handlers.staff.console import Console
from handlers.staff.exports import Cell, Sheet, write, written
from handlers.staff.filters import SOUGHT, Search, address, given_in, query_of, wanted_of

A_PAGE = 50
MOST_OPTIONS = 130
"""More names than these in one list help nobody, and make the page heavy."""


def add_to(console: Console) -> None:
    """Add the list (毕业生名单)."""

    @console.page("/graduates", Act.SEE_GRADUATES)
    def graduates() -> str:
        return _page(console)

    @console.page("/graduates/search", Act.SEE_GRADUATES, ("POST",))
    def search_graduates() -> Response:
        words = request.form.get("words", "").strip()
        if len(words) > LONGEST_WORDS:
            raise BadValueError(f"请输入姓名或学号开头的几个字，不超过 {LONGEST_WORDS} 个")
        sought = _search(console).sealed(words)
        return redirect(address("graduates", {SOUGHT: sought} if sought else {}))

    @console.page("/graduates/export", Act.EXPORT, ("POST",))
    def export_graduates() -> str | Response:
        try:
            return _file(console)
        except BadValueError as error:
            # The list comes back with what was typed; a reason that is too short is no reason to begin again.
            return make_response(_page(console, refusal=str(error)), 400)


def _search(console: Console) -> Search:
    return Search(str(current_app.config["SECRET_KEY"]), console.actor)


def _page(console: Console, refusal: str = "") -> str:
    now, actor = console.office.clock(), console.actor
    with console.office.work.reading() as uow:
        season = console.season(uow)
        wanted = wanted_of(request.args, season.id, _search(console))
        lines, following = uow.roll.page(wanted, request.args.get("after", ""), A_PAGE)
        count = uow.roll.count(wanted)
        options = _options(uow.roll, wanted.area)
    given = given_in(request.args)
    return console.render(
        "staff/graduates.html",
        wanted=wanted,
        lines=[(line, _days(line, now)) for line in lines],
        count=count,
        options=options,
        stages=Stage,
        waits_for=waits_for,
        query=query_of(wanted.area, wanted.stage),
        unsearched=address("graduates", query_of(wanted.area, wanted.stage)),
        first=address("graduates", given) if request.args.get("after") else "",
        following=address("graduates", {**given, "after": following}) if following else "",
        exporting=address("export_graduates", given) if actor.may(Act.EXPORT) else "",
        has_pages="graduate" in console.acts,
        refusal=refusal,
        reason=request.form.get("reason", ""),
        kind=request.form.get("kind", "xlsx"),
        sought=request.args.get(SOUGHT, ""),
    )


def _options(roll: Roll, area: Area) -> Sequence[tuple[str, str, Sequence[str], str | None]]:
    """Return what can be chosen from (选项), each next finer thing once the coarser one is chosen."""
    whole = replace(area, college=None, major=None, class_name=None)
    found = [("college", "学院", roll.names(whole, By.COLLEGE), area.college)]
    if area.college is not None:
        part = replace(whole, college=area.college)
        found.append(("major", "专业", roll.names(part, By.MAJOR), area.major))
        if area.major is not None:
            found.append(("class", "班级", roll.names(replace(part, major=area.major), By.CLASS), area.class_name))
    return [(key, label, names[:MOST_OPTIONS], chosen) for key, label, names, chosen in found]


def _days(line: Line, now: datetime) -> int:
    return (day_of(now) - day_of(line.since)).days


# -- the list as a file ----------------------------------------------------------------------------

_PLAIN = (
    "学号",
    "姓名",
    "学院",
    "专业",
    "班级",
    "学历层次",
    "辅导员",
    "辅导员工号",
    "办理阶段",
    "等谁办",
    "从何时起",
    "天数",
)
_PHONES = ("学号", "姓名", "手机号", "专业", "班级", "办理阶段", "从何时起", "天数")


def _file(console: Console) -> Response:
    kind = "csv" if request.form.get("kind") == "csv" else "xlsx"
    listed = Listed.PHONES if request.form.get("list") == "phones" else Listed.PLAIN
    with console.office.work.reading() as uow:
        wanted = wanted_of(request.args, console.season(uow).id, _search(console))
    now, reason = console.office.clock(), request.form.get("reason", "")

    def fill(file: IO[bytes]) -> None:
        take_list(console.acting, wanted, listed, reason, lambda lines: write(file, [_sheet(listed, lines, now)], kind))

    return written(fill, f"{listed.value}-{day_of(now)}", kind)


def _sheet(listed: Listed, lines: Iterable[Line], now: datetime) -> Sheet:
    if listed is Listed.PHONES:
        return Sheet(listed.value, _PHONES, _phone_rows(lines, now))
    return Sheet(listed.value, _PLAIN, _plain_rows(lines, now))


def _plain_rows(lines: Iterable[Line], now: datetime) -> Iterator[Sequence[Cell]]:
    for line in lines:
        yield (
            line.student_number,
            line.name,
            line.college,
            line.major,
            line.class_name,
            line.level.value,
            line.counsellor_name,
            line.counsellor,
            line.stage.value,
            waits_for(line.stage),
            f"{line.since.astimezone(SHANGHAI):%Y-%m-%d}",
            _days(line, now),
        )


def _phone_rows(lines: Iterable[Line], now: datetime) -> Iterator[Sequence[Cell]]:
    for line in lines:
        yield (
            line.student_number,
            line.name,
            line.mobile,
            line.major,
            line.class_name,
            line.stage.value,
            f"{line.since.astimezone(SHANGHAI):%Y-%m-%d}",
            _days(line, now),
        )
