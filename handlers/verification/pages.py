"""The landing page (核验页) ``/v/<token>``: what a scanner opens. No login, no following, one verdict."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from bot.ports import Clock, Work
from bot.registration.report import PublicView, moment_text, public_view
from bot.registration.season import Season
from bot.use_cases import look_up_report
from handlers.public_pages import Allow, guard
from handlers.verification.tokens import Statement, VerificationKeys
from handlers.verification.words import verdict, words


@dataclass(frozen=True, slots=True)
class LandingDoor:
    """What the landing page needs (核验页依赖).

    Attributes:
        work: opens units of work.
        clock: the present moment; the only clock that decides validity.
        keys: signing keys of the QR codes.
        base_url: public address, whose host the page tells people to compare.
        allow: whether a remote address may look now.
    """

    work: Work
    clock: Clock
    keys: VerificationKeys = field(repr=False)
    base_url: str
    allow: Allow


@dataclass(frozen=True, slots=True)
class _Looked:
    """One look (一次查询)."""

    season: Season | None
    view: PublicView | None
    is_extended: bool = False


def create_blueprint(door: LandingDoor) -> Blueprint:
    """Make the blueprint (核验页蓝图); the application brings ``handlers/templates`` and ``handlers/static``."""
    blueprint = Blueprint("verification", __name__)
    guard(blueprint, door.allow)

    # QR codes hold the path in capitals; people who type it do not.
    @blueprint.get("/v/<token>")
    @blueprint.get("/V/<token>", endpoint="landing_in_capitals")
    def landing(token: str) -> Response:
        language = "en" if request.args.get("lang") == "en" else "zh"
        return make_response(render_template("verification/landing.html", **_shown(door, token, language)))

    return blueprint


def _look(door: LandingDoor, statement: Statement | None) -> _Looked:
    """Ask the database about a genuine statement; everything else is unknown, never an error."""
    found = look_up_report.by_number(door.work, statement.number) if statement else None
    if statement is None or found is None or not statement.fits(found.verification):
        return _Looked(look_up_report.season_now(door.work), None)
    view = public_view(found.season, found.dossier, found.verification, door.clock())
    return _Looked(found.season, view, is_extended=statement.last_day < found.verification.last_day)


def _shown(door: LandingDoor, token: str, language: str) -> dict[str, Any]:
    looked = _look(door, door.keys.read(token))
    text, season = words(language), looked.season
    contact = {
        "host": urlsplit(door.base_url).netloc,
        "office": season.office if season else "",
        "school": season.school if season else "",
        "phone": season.office_phone if season else "",
    }
    return {
        "words": text,
        "verdict": verdict(looked.view, language),
        "view": looked.view,
        "is_extended": looked.is_extended,
        "school": contact["school"],
        "contact": text["contact"].format(**contact) if season else "",
        "genuine": [point.format(**contact) for point in text["genuine_points"]],
        "as_of": moment_text(door.clock()),
        "moment": moment_text,
        "other_language": "?" if language == "en" else "?lang=en",
    }
