"""The way to CHSI and back (学信网往返): a link that leads to the real-person check, and CHSI's call afterwards."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest

from flask import Blueprint, Response, make_response, redirect, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

from bot.ports import Chsi, ChsiAnswer, Clock, Work
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from handlers.chsi.client import SKEW_SECONDS, signature
from handlers.public_pages import Allow, guard

LINK_SECONDS = 7 * 24 * 3600
BODY_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class PersonLinks:
    """Makes and reads the links to the real-person check (实人验证链接): signed, good for a week.

    Attributes:
        secret: signing secret.
        base_url: public address of the system.
    """

    secret: str = field(repr=False)
    base_url: str

    def url(self, dossier_id: str) -> str:
        """Return the link for a dossier."""
        return f"{self.base_url}/p/{self._serializer().dumps(dossier_id)}"

    def read(self, token: str) -> str | None:
        """Return the dossier's identifier, or None for a bad or expired token."""
        try:
            found = self._serializer().loads(token, max_age=LINK_SECONDS)
        except BadData:
            return None
        return found if isinstance(found, str) else None

    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.secret, salt="real-person")


@dataclass(frozen=True, slots=True)
class ChsiDoor:
    """What these pages need (学信网页依赖).

    Attributes:
        work: opens units of work.
        clock: the present moment.
        chsi: asks CHSI.
        links: reads the tokens.
        secret: shared secret of the callback; empty: there is no callback.
        note: notes that the real person was seen, given dossier identifier and moment.
        allow: whether a remote address may look now.
    """

    work: Work
    clock: Clock
    chsi: Chsi
    links: PersonLinks
    secret: str = field(repr=False)
    note: Callable[[str, datetime], bool]
    allow: Allow


def create_blueprint(door: ChsiDoor) -> Blueprint:
    """Make the blueprint of ``/p/<token>``, the way to the real-person check."""
    blueprint = Blueprint("chsi", __name__)
    guard(blueprint, door.allow)

    @blueprint.get("/p/<token>")
    def go(token: str) -> BaseResponse:
        return _go(door, token)

    return blueprint


def create_callback(door: ChsiDoor) -> Blueprint:
    """Make the blueprint of ``POST /chsi/callback``, guarded by the signature over its body."""
    blueprint = Blueprint("chsi_callback", __name__)

    @blueprint.post("/chsi/callback")
    def called() -> Response:
        return _called(door)

    return blueprint


def _go(door: ChsiDoor, token: str) -> BaseResponse:
    found = _dossier(door, token)
    if found is None:
        return make_response(render_template("chsi/lost.html"), 404)
    dossier, season = found
    if dossier.real_person_at is not None:
        return make_response(render_template("chsi/done.html"))
    answer = door.chsi.real_person(dossier)
    if answer.answer is ChsiAnswer.YES:
        door.note(dossier.id, answer.at or door.clock())
        return make_response(render_template("chsi/done.html"))
    if answer.answer is ChsiAnswer.UNKNOWN:
        return make_response(render_template("chsi/away.html", season=season), 503)
    if not answer.url:
        return make_response(render_template("chsi/by_hand.html", season=season))
    return redirect(answer.url)


def _dossier(door: ChsiDoor, token: str) -> tuple[Dossier, Season] | None:
    dossier_id = door.links.read(token)
    if dossier_id is None:
        return None
    with door.work.reading() as uow:
        dossier, season = uow.registry.by_id(dossier_id), uow.seasons.current()
    return (dossier, season) if dossier and season else None


def _called(door: ChsiDoor) -> Response:
    request.max_content_length = BODY_LIMIT
    body = request.get_data()
    timestamp = request.headers.get("X-Timestamp", "")
    expected = signature(door.secret, timestamp, request.path, body)
    given = request.headers.get("X-Signature", "")
    # As bytes: of texts, compare_digest takes ASCII only, and this one comes from anybody.
    if not door.secret or not compare_digest(expected.encode(), given.encode(errors="replace")):
        return Response("bad signature", 403)
    if not timestamp.isdecimal() or abs(door.clock().timestamp() - int(timestamp)) > SKEW_SECONDS:
        return Response("stale", 403)
    try:
        said = json.loads(body)
        reference, at = str(said["reference"]), datetime.fromisoformat(said["at"])
        if said["status"] != "done" or at.tzinfo is None:
            return Response("not of the contract", 400)
    except (ValueError, KeyError, TypeError):
        return Response("not of the contract", 400)
    return Response("ok" if door.note(reference, at) else "unknown reference", 200)
