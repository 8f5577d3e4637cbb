"""The room of the season (届别): the calendar and contacts, what a change would mean, and every version there was."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import MovedError
from bot.registration.season import Season, SeasonFaultsError, SeasonVersion, day_of
from bot.registration.season_outlook import outlook
from bot.staff.audit import Entry
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.use_cases.manage_season import LASTING, NAMES, Change, changes, differing, drafted, save_season
from bot.use_cases.staff_changes import NotFoundError
from handlers.staff.console import Console

_SETTINGS = tuple(name for name in NAMES if name != "version")
_A_PAGE = 20
_DAY_HINTS = {
    "opens": "从这天 0 点起可以确认",
    "closes": "到这天 24 点为止",
    "cutoff": "这天一到，没有去向数据的登记为未就业",
    "changes_until": "这天之后学校不再受理变更",
}


@dataclass(frozen=True, slots=True)
class _Form:
    """The form as it is shown (表单): what stands in it, what is wrong with it, and which version it began from."""

    words: Mapping[str, str] = field(repr=False)
    basis: str
    is_new: bool
    faults: Mapping[str, str] = field(default_factory=dict)
    meanwhile: Entry | None = None


def add_to(console: Console) -> None:
    """Add the pages of the season (届别)."""

    @console.page("/season", Act.MANAGE_SEASONS)
    def season() -> str:
        return _page(console, _asked(console))

    @console.page("/season/edit", Act.MANAGE_SEASONS, ("POST",))
    def season_edit() -> str:
        return _page(console, _typed())

    @console.page("/season/check", Act.MANAGE_SEASONS, ("POST",))
    def season_check() -> str | Response:
        return _checked(console)

    @console.page("/season", Act.MANAGE_SEASONS, ("POST",))
    def season_save() -> Response:
        return _saved(console)

    @console.page("/season/history", Act.MANAGE_SEASONS)
    def season_history() -> str:
        return _history(console)


# -- the form --------------------------------------------------------------------------------------


def _basis(current: Season | None) -> str:
    return f"{current.id}:{current.version}" if current else ""


def _typed() -> _Form:
    words = {name: request.form[name] for name in _SETTINGS if name in request.form}
    return _Form(words, request.form.get("basis", ""), "new" in request.form)


def _asked(console: Console) -> _Form:
    """Return the form that is asked for: the current values, a new season's, or those of an old version."""
    current = _current(console)
    is_new = "new" in request.args or current is None
    if current is None:
        return _Form({"chsi_url": "https://www.chsi.com.cn/", "verification_months": "6"}, "", is_new)
    words = {name: str(value) for name, value in asdict(current).items()}
    if is_new:
        words = {name: value for name, value in words.items() if name in {*LASTING, "verification_months"}}
    elif "again" in request.args:
        old = _version(console, request.args["again"])
        words |= {name: value for name, value in old.settings.items() if name in _SETTINGS}
        is_new = old.season_id != current.id
    return _Form(words, _basis(current), is_new)


def _current(console: Console) -> Season | None:
    with console.office.work.reading() as uow:
        return uow.seasons.current()


def _version(console: Console, name: str) -> SeasonVersion:
    season_id, _, number = name.rpartition(":")
    with console.office.work.reading() as uow:
        found = uow.seasons.versions(season_id, 1, int(number) + 1) if number.isdecimal() and len(number) < 9 else ()
    if not found or found[0].version != int(number):
        raise NotFoundError("没有这个历史版本")
    return found[0]


def _page(console: Console, form: _Form) -> str:
    now = console.office.clock()
    with console.office.work.reading() as uow:
        current = uow.seasons.current()
        standing = uow.seasons.standing(current.id) if current else None
        run = uow.cutoffs.run(current.id, current.cutoff) if current else None
    return console.render(
        "staff/season.html",
        form=form,
        current=current,
        standing=standing,
        run=run,
        window=current.window(now) if current else None,
        today=day_of(now),
        names=NAMES,
        hints=_DAY_HINTS,
    )


# -- looking and saving ----------------------------------------------------------------------------


def _draft(current: Season | None, form: _Form) -> Season:
    season = drafted(current, form.words)
    is_other = current is None or season.id != current.id
    if form.is_new and not is_other:
        raise SeasonFaultsError({"id": f"{season.id} 届已经是当前届，新的一届请换个名字，例如年份"})
    return season


def _checked(console: Console) -> str | Response:
    form, now = _typed(), console.office.clock()
    with console.office.work.reading() as uow:
        current = uow.seasons.current()
        try:
            new = _draft(current, form)
        except SeasonFaultsError as error:
            return make_response(_page(console, replace(form, faults=error.faults)), 400)
        if form.basis != _basis(current):
            return _overtaken(console, form, current)
        standing = uow.seasons.standing(new.id)
    made = changes(current if current and current.id == new.id else None, new)
    if not made:
        flash("没有改动，什么都没有保存。")
        return redirect(url_for("staff.season"))
    said = outlook(current, new, standing, day_of(now))
    return console.render("staff/season_check.html", form=form, new=new, changes=made, said=said)


def _saved(console: Console) -> Response:
    form, current = _typed(), _current(console)
    try:
        new = _draft(current, form)
    except SeasonFaultsError as error:
        return make_response(_page(console, replace(form, faults=error.faults)), 400)
    if form.basis != _basis(current):
        return _overtaken(console, form, current)
    try:
        stored = save_season(console.acting, new, current)
    except MovedError:
        return _overtaken(console, form, _current(console))
    flash(f"{stored.id} 届第 {stored.version} 版已保存，聊天里马上生效。")
    return redirect(url_for("staff.season"))


def _overtaken(console: Console, form: _Form, current: Season | None) -> Response:
    """Show the form again with what was typed, on top of what somebody else saved meanwhile."""
    if current is None:
        raise NotFoundError("还没有届别，请重新打开这一页")
    now: dict[str, str] = {name: str(value) for name, value in asdict(current).items()}
    try:
        before = _version(console, form.basis).settings
    except NotFoundError:
        before = {}
    # Where nothing was typed, the other one's change stays.
    words = {name: now[name] if word == before.get(name) else word for name, word in form.words.items()}
    with console.office.work.reading() as uow:
        last = uow.audit.done_to(current.id, Action.SEASON_SAVED, 1)
    meanwhile = last[0] if last else None
    shown = _Form(words, _basis(current), form.is_new, meanwhile=meanwhile)
    return make_response(_page(console, shown), 409)


# -- the versions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """One version in the history (历史一条): what it changed, who saved it and when."""

    version: SeasonVersion
    changes: tuple[Change, ...]
    by: str
    at: datetime | None


def _history(console: Console) -> str:
    with console.office.work.reading() as uow:
        current = console.season(uow)
        season_id = request.args.get("season", current.id)
        before = request.args.get("before", "")
        bounds: dict[str, Any] = {"before": int(before)} if before.isdecimal() and len(before) < 9 else {}
        # One more than is shown: it is what the last one shown is compared with.
        found = uow.seasons.versions(season_id, _A_PAGE + 1, **bounds)
        saved = {entry.details.get("版本"): entry for entry in uow.audit.done_to(season_id, Action.SEASON_SAVED, 500)}
        others = uow.seasons.others()
    if not found:
        raise NotFoundError("没有这一届的历史版本")
    lines = [_line(version, older, saved) for version, older in zip(found, [*found[1:], None], strict=True)][:_A_PAGE]
    return console.render(
        "staff/season_history.html",
        lines=lines,
        season_id=season_id,
        current=current,
        others=[each for each in (current.id, *others) if each != season_id],
        more=found[_A_PAGE - 1].version if len(found) > _A_PAGE else None,
    )


def _line(version: SeasonVersion, older: SeasonVersion | None, saved: Mapping[str | None, Entry]) -> _Line:
    entry = saved.get(str(version.version))
    made = differing(older.settings, version.settings) if older else ()
    return _Line(version, made, entry.actor_name if entry else "", entry.at if entry else None)
