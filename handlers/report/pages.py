"""The phone page of the report (报告页) ``/r/<token>``: state, number, preview, download."""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.http import dump_options_header

from bot.ports import Clock, Work
from bot.registration.report import ABSENT, Report, Standing, ended_at, moment_text, report_of
from bot.registration.verification import Verification
from bot.use_cases import look_up_report
from bot.use_cases.open_report import Opened, Opening, open_report
from handlers.public_pages import Allow, guard
from handlers.report.pdf import MissingGlyphError, Press, Sheet
from handlers.report.tokens import ReportLinks


@dataclass(frozen=True, slots=True)
class ReportDoor:
    """What the report page needs (报告页依赖).

    Attributes:
        work: opens units of work.
        clock: the present moment.
        links: reads the tokens of the links.
        press: prints.
        landing_url: tells the address in a verification's QR code.
        allow: whether a remote address may look now.
    """

    work: Work
    clock: Clock
    links: ReportLinks = field(repr=False)
    press: Press
    landing_url: Callable[[Verification], str]
    allow: Allow


@dataclass(frozen=True, slots=True)
class _Held:
    """A link that works (有效链接)."""

    found: look_up_report.Found
    report: Report


def create_blueprint(door: ReportDoor) -> Blueprint:
    """Make the blueprint (报告页蓝图); the application brings ``handlers/templates`` and ``handlers/static``."""
    blueprint = Blueprint("report", __name__)
    guard(blueprint, door.allow)

    @blueprint.get("/r/<token>")
    def page(token: str) -> Response:
        held = _held(door, door.links.read(token))
        return _lost() if held is None else _page(held, token, 200)

    @blueprint.post("/r/<token>")
    def open_(token: str) -> Response:
        held = _held(door, door.links.read(token))
        if held is None:
            return _lost()
        opened = open_report(door.work, door.clock, held.found, _name(token), request.form.get("tail", "")[:64])
        whole = door.links.whole_token(held.found.verification.id) if opened.opening is Opening.OPEN else ""
        return _page(held, token, 200 if whole else 403, opened, whole)

    @blueprint.get("/r/<token>/preview.png")
    def preview(token: str) -> Response:
        return _print(door, token, _preview)

    @blueprint.get("/r/<token>/report.pdf")
    def download(token: str) -> Response:
        return _print(door, token, _download)

    return blueprint


def _name(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:32]


def _held(door: ReportDoor, verification_id: str | None) -> _Held | None:
    found = look_up_report.by_verification(door.work, verification_id) if verification_id else None
    if found is None:
        return None
    return _Held(found, report_of(found.season, found.dossier, found.verification, door.clock()))


def _print(door: ReportDoor, token: str, made: Callable[[Press, Sheet], Response]) -> Response:
    """Print what is in force; otherwise show the page, which says why not and what to do."""
    held = _held(door, door.links.read_whole(token))
    if held is None:
        return _lost()
    if held.report.standing is not Standing.IN_FORCE:
        return _page(held, token, 409)
    host = urlsplit(door.links.base_url).netloc
    sheet = Sheet(held.report, door.landing_url(held.found.verification), host)
    try:
        return made(door.press, sheet)
    except MissingGlyphError:
        season = held.found.season
        return make_response(render_template("report/missing_glyph.html", season=season), 503)


def _preview(press: Press, sheet: Sheet) -> Response:
    return Response(press.preview(sheet), mimetype="image/png")


def _download(press: Press, sheet: Sheet) -> Response:
    report = sheet.report
    name = f"{report.subject.value.removesuffix('信息')}核验报告-{report.number}.pdf"
    plain = f"report-{report.number}.pdf"
    answer = Response(press.pdf(sheet), mimetype="application/pdf")
    # Old phone browsers read only ``filename``; the others prefer the Chinese name.
    answer.headers["Content-Disposition"] = dump_options_header(
        "attachment", {"filename": plain, "filename*": f"UTF-8''{quote(name)}"}
    )
    return answer


def _page(held: _Held, token: str, status: int, opened: Opened | None = None, whole: str = "") -> Response:
    """Show the page: masked, and with ``whole`` the report itself."""
    report, season = held.report, held.found.season
    return make_response(
        render_template(
            "report/page.html",
            token=token,
            report=report,
            name=held.found.dossier.graduate.masked_name,
            state=_state(held),
            refusal=_refusal(opened),
            whole=whole,
            is_in_force=report.standing is Standing.IN_FORCE,
            valid_until=moment_text(report.valid_until),
            issued_at=moment_text(report.issued_at),
            season=season,
        ),
        status,
    )


def _lost() -> Response:
    """Answer a bad and an expired link alike: the page must not tell guessers what once existed."""
    return make_response(render_template("report/lost.html"), 404)


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))


def _refusal(opened: Opened | None) -> str:
    """Return what was wrong with the six characters, "" if nothing was or none were given."""
    if opened is None or opened.opening is Opening.OPEN:
        return ""
    sentence: str = _words()["refusals"][opened.opening.value]
    return sentence.format(until=moment_text(opened.locked_until)[:16] if opened.locked_until else "")


def _state(held: _Held) -> dict[str, str]:
    verification = held.found.verification
    ended = ended_at(verification)
    state = _words()["states"][held.report.standing.value]
    moments = {
        "valid_until": moment_text(verification.valid_until),
        "ended_at": moment_text(ended) if ended else ABSENT,
    }
    named = [moments[name] for name in moments if f"{{{name}}}" in state["sentence"]]
    return {
        "tone": state["tone"],
        "verdict": state["verdict"],
        "sentence": state["sentence"].format(**moments),
        "moment": named[0] if named else "",
    }
