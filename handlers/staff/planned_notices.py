"""The planned notices on the console (计划通知): what the calendar sends by itself, on or off, in staff's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError, MovedError
from bot.notices.parcel import LONGEST_TITLE
from bot.notices.planned import Planned, PlannedNotice, default, variables_of
from bot.registration.season import Season, day_of
from bot.staff.policy import Act
from bot.use_cases.plan_notices import FROM, UNTIL, save_planned
from handlers.staff.console import Console


@dataclass(frozen=True, slots=True)
class Card:
    """One planned notice as the page shows it (一条计划通知).

    Attributes:
        notice: as stored, or with what was typed.
        day: when it goes out; None for the one that has a day for each person.
        is_changed: whether its words are staff's own.
        variables: name → what it stands for.
        refusal: what is wrong with what was typed.
    """

    notice: PlannedNotice
    day: date | None
    is_changed: bool
    variables: Mapping[str, str] = field(repr=False)
    refusal: tuple[str, ...] = ()


def add_to(console: Console) -> None:
    """Add the page of planned notices (计划通知)."""

    @console.page("/broadcasts/planned", Act.SEND_NOTICES)
    def planned() -> str:
        return _page(console)

    @console.page("/broadcasts/planned", Act.SEND_NOTICES, ("POST",))
    def set_planned() -> Response:
        return _saved(console)


def _page(console: Console, typed: PlannedNotice | None = None, refusal: tuple[str, ...] = ()) -> str:
    with console.office.work.reading() as uow:
        season = console.season(uow)
        stored = uow.planned_notices.of(season.id)
    cards = [
        _card(season, typed, refusal) if typed and typed.kind is notice.kind else _card(season, notice)
        for notice in stored
    ]
    return console.render(
        "staff/planned.html",
        season=season,
        cards=cards,
        today=day_of(console.office.clock()),
        longest=LONGEST_TITLE,
        hours=(FROM, UNTIL),
    )


def _card(season: Season, notice: PlannedNotice, refusal: tuple[str, ...] = ()) -> Card:
    usual = default(season.id, notice.kind)
    is_changed = (notice.title, notice.text) != (usual.title, usual.text)
    return Card(notice, notice.kind.day(season), is_changed, variables_of(notice.kind), refusal)


def _saved(console: Console) -> Response:
    form = request.form
    kind, version = form.get("kind", ""), form.get("version", "")
    if kind not in Planned.__members__:
        raise BadValueError("没有这条计划通知，请返回刷新后再试")
    with console.office.work.reading() as uow:
        season = console.season(uow)
        old = next(each for each in uow.planned_notices.of(season.id) if each.kind is Planned[kind])
    usual = default(season.id, old.kind)
    words = (usual.title, usual.text) if form.get("do") == "default" else (form.get("title", ""), form.get("text", ""))
    title, text = (word.replace("\0", "") for word in words)
    typed = replace(old, is_on="is_on" in form, title=title, text=text)
    if version != str(old.version):
        return _overtaken(console, typed)
    try:
        save_planned(console.acting, old, typed)
    except BadValueError as error:
        return make_response(_page(console, typed, tuple(str(error).split("；"))), 400)
    except MovedError:
        return _overtaken(console, typed)
    flash(f"“{old.kind.value}”已保存：{'到时会发' if typed.is_on else '不发'}。")
    return redirect(url_for("staff.planned"), 303)


def _overtaken(console: Console, typed: PlannedNotice) -> Response:
    """Show what was typed on top of what somebody else saved meanwhile; the next press replaces it."""
    with console.office.work.reading() as uow:
        stored = uow.planned_notices.of(typed.season_id)
    now = next(each for each in stored if each.kind is typed.kind)
    said = "您填写的时候，别人先保存了。您填的都还在下面，还没有保存；再点一次“保存”就换成您的内容。"
    return make_response(_page(console, replace(typed, version=now.version), (said,)), 409)
