"""The landing page (核验页) ``/v/<token>``: what a scanner opens. No login, no following, one verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from bot.registration.report import moment_text
from bot.use_cases.look_up_report import Counter
from bot.use_cases.receive_archive import (
    BadEntryError,
    ClosedError,
    Entry,
    FullError,
    may_be_recorded,
    record_receipt,
    takes_more,
)
from handlers.public_pages import Allow, guard, page_language
from handlers.verification.scanning import AWAY, Scan, Scanner
from handlers.verification.showing import Form, frame, shown
from handlers.verification.tokens import VerificationKeys
from handlers.verification.words import words

_LARGEST_FORM = 16 << 10


@dataclass(frozen=True, slots=True)
class LandingDoor:
    """What the landing page needs (核验页依赖).

    Attributes:
        counter: looks up and writes down looks.
        keys: signing keys of the QR codes.
        base_url: public address, whose host the page tells people to compare.
        allow: whether a remote address may look now.
        may_record: whether a remote address may record the arrival of an archive now.
    """

    counter: Counter
    keys: VerificationKeys = field(repr=False)
    base_url: str
    allow: Allow
    may_record: Allow


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why nothing was recorded (未登记): the status, what was typed, and a sentence for each problem."""

    status: int
    typed: Mapping[str, str] = field(repr=False)
    problems: tuple[str, ...]


def create_blueprint(door: LandingDoor) -> Blueprint:
    """Make the blueprint (核验页蓝图); the application brings ``handlers/templates`` and ``handlers/static``."""
    blueprint = Blueprint("verification", __name__)
    guard(blueprint, door.allow)
    scanner = Scanner(door.counter, door.keys)

    # QR codes hold the path in capitals; people who type it do not.
    @blueprint.get("/v/<token>")
    @blueprint.get("/V/<token>", endpoint="landing_in_capitals")
    def landing(token: str) -> Response:
        scan = scanner.scan(token)
        if request.method == "GET":  # a HEAD shows nobody anything
            scanner.note(scan)
        return _page(door, scan, token)

    # There is no login, so a forged form has no rights of somebody else's to use: the token is all that counts.
    @blueprint.post("/v/<token>/received")
    def record(token: str) -> Response:
        request.max_content_length = _LARGEST_FORM
        typed = {name: request.form.get(name, "") for name in ("department", "contact", "note")}
        return _record(door, scanner, token, typed)

    @blueprint.get("/v/<token>/received")
    def recorded(token: str) -> Response:
        return _recorded(door, scanner.scan(token), token)

    return blueprint


def _record(door: LandingDoor, scanner: Scanner, token: str, typed: Mapping[str, str]) -> Response:
    scan = scanner.scan(token)
    if scan.found is None:
        return _page(door, scan, token)
    text = words(page_language())["receipt"]
    try:
        entry = Entry.read(**typed)
    except BadEntryError as error:
        problems = [text["faults"][fault].format(field=text["named"][name]) for name, fault in error.faults.items()]
        return _page(door, scan, token, _Refusal(422, typed, tuple(problems)))
    if not door.may_record(request.remote_addr or ""):
        return _page(door, scan, token, _Refusal(429, typed, (text["busy"],)))
    try:
        record_receipt(door.counter, scan.found, entry)
    except (ClosedError, FullError) as error:
        problem = text["full" if isinstance(error, FullError) else "closed"]
        return _page(door, scanner.scan(token), token, _Refusal(409, typed, (problem,)))
    except AWAY:
        return _page(door, scan, token, _Refusal(503, typed, (text["failed"],)))
    return _to("verification.recorded", token)


def _recorded(door: LandingDoor, scan: Scan, token: str) -> Response:
    """Show that it was recorded; names nobody, because anybody with the paper can open it."""
    standing = [receipt.at for receipt in scan.receipts if receipt.stands]
    if not standing:
        return _to("verification.landing", token)
    language = page_language()
    return make_response(
        render_template(
            "verification/recorded.html",
            **frame(scan.season, language, door.base_url),
            moment=moment_text(max(standing)),
            back=_path("verification.landing", token),
        )
    )


def _page(door: LandingDoor, scan: Scan, token: str, refusal: _Refusal | None = None) -> Response:
    status = refusal.status if refusal else 503 if scan.is_unknown_for_now else 200
    form = _form(scan, token, refusal)
    page = render_template(
        "verification/landing.html", **shown(scan.looked, page_language(), door.base_url, scan.now, form)
    )
    answer = make_response(page, status)
    if status in {429, 503}:
        answer.headers["Retry-After"] = "60"
    return answer


def _form(scan: Scan, token: str, refusal: _Refusal | None) -> Form | None:
    if scan.found is None:
        return None
    is_open = may_be_recorded(scan.found, scan.now) and takes_more(scan.receipts)
    problems = refusal.problems if refusal else ()
    if not is_open and not problems:
        return None
    return Form(_path("verification.record", token), is_open, refusal.typed if refusal else {}, problems)


def _path(endpoint: str, token: str) -> str:
    return url_for(endpoint, token=token.upper(), lang="en" if page_language() == "en" else None)


def _to(endpoint: str, token: str) -> Response:
    return make_response(redirect(_path(endpoint, token), 303))
