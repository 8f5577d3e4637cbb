"""The offline page (离线核验页) ``/verify/offline`` and the service worker that keeps it on an office's device.

The page holds no data of anybody: it checks signatures in the browser, with the published key list. The service worker
hands it out only when the server does not answer, also in place of a scanned ``/V/<token>``, and never keeps a scan
page.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for

from bot.ports import Work
from bot.use_cases.look_up_report import season_now
from handlers.public_pages import guard, page_language

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_STATIC: Final = (
    "public.css",
    "mark.svg",
    "offline/page.css",
    "offline/page.js",
    "offline/check.js",
    "offline/noble-ed25519.js",
    "offline/register.js",
)
_TEMPLATES: Final = ("public.html", "offline/page.html", "offline/sw.js")
_WORDS: Final = "words.toml"


@dataclass(frozen=True, slots=True)
class OfflineDoor:
    """What the offline page needs (离线核验页依赖).

    Attributes:
        work: opens units of work; only the school's public contact is read.
        base_url: public address, whose host the page names.
        key_list: path of the published key list.
    """

    work: Work
    base_url: str
    key_list: str


def create_blueprint(door: OfflineDoor) -> Blueprint:
    """Make the blueprint (离线核验蓝图); the application brings ``handlers/templates`` and ``handlers/static``."""
    blueprint = Blueprint("offline", __name__)

    # Runs after the manners of all public pages, which would forbid the page to fetch the key list.
    @blueprint.after_request
    def policy(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    # No limit: nothing can be guessed here, and browsers ask for the worker again with every scan.
    guard(blueprint, lambda _address: True)

    @blueprint.get("/verify/offline")
    def page() -> str:
        language = page_language()
        return render_template("offline/page.html", **_shown(door, language))

    @blueprint.get("/sw.js")
    def worker() -> Response:
        parts = [url_for("static", filename=name) for name in _STATIC]
        pages = {"zh": url_for(".page"), "en": url_for(".page", lang="en")}
        answer = make_response(
            render_template(
                "offline/sw.js",
                version=_version(),
                pages=pages,
                parts=parts,
                key_list=request.script_root + door.key_list,
            )
        )
        answer.headers["Content-Type"] = "text/javascript; charset=utf-8"
        answer.headers["Service-Worker-Allowed"] = f"{request.script_root}/"
        return answer

    return blueprint


@cache
def words(language: str) -> Mapping[str, Any]:
    """Return all words of a language (文案), "zh" or "en"."""
    chosen: Mapping[str, Any] = tomllib.loads(files(__package__).joinpath(_WORDS).read_text("utf-8"))[language]
    return chosen


def _shown(door: OfflineDoor, language: str) -> dict[str, Any]:
    text, season = words(language), season_now(door.work)
    contact = {
        "host": urlsplit(door.base_url).netloc,
        "office": season.office if season else "",
        "school": season.school if season else "",
        "phone": season.office_phone if season else "",
    }
    return {
        "words": text,
        "contact": text["contact"].format(**contact) if season else "",
        "ways": [point.format(**contact) for point in text["ways_points"]],
        "key_list": request.script_root + door.key_list,
        "other_language": "?" if language == "en" else "?lang=en",
    }


@cache
def _version() -> str:
    """Return a name of all that a device keeps (缓存版本); any change of it makes browsers fetch everything anew."""
    static, templates = (
        Path(current_app.static_folder or ""),
        Path(current_app.root_path, current_app.template_folder or ""),
    )
    kept = hashlib.sha256(files(__package__).joinpath(_WORDS).read_bytes())
    for path in (*(static / name for name in _STATIC), *(templates / name for name in _TEMPLATES)):
        kept.update(hashlib.sha256(path.read_bytes()).digest())
    return kept.hexdigest()[:16]
