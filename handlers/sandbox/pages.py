"""The phone page (手机页面) and the small JSON it lives on: one feed to poll, one address to act."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response, render_template, request

from handlers.sandbox.account import SandboxError
from handlers.sandbox.bubble import Bubble, segments
from handlers.sandbox.courier import Push
from handlers.sandbox.faults import Fault
from handlers.sandbox.network import Network
from handlers.sandbox.phone import Phone
from handlers.sandbox.picture import decode_code, picture_type
from handlers.sandbox.platform import tokens
from handlers.sandbox.records import Handset

Answer = Response | tuple[Response, int]
MAX_UPLOAD = 5 << 20
MAX_PHONES = 12
SHOWN_PUSHES = 12
FIRST_NAMES = "ABCDEFGHIJKL"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data: blob: http: https:; frame-src http: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def _bubble(bubble: Bubble) -> dict[str, Any]:
    """A bubble for the page, its text already cut into stretches, so that the page never parses markup."""
    return asdict(bubble) | {"segments": [asdict(each) for each in segments(bubble.text)]}


def _phone(network: Network, handset: Handset, after: int) -> dict[str, Any]:
    new = [each for each in network.world.chat(handset.name) if each.number > after]
    return {
        "name": handset.name,
        "openid": handset.openid,
        "following": handset.following,
        "typing": handset.typing_until > network.clock(),
        "bubbles": [_bubble(each) for each in new],
    }


def _push(push: Push) -> dict[str, Any]:
    what = push.fields.get("Event") or push.fields["MsgType"]
    return {
        "at": push.at,
        "attempt": push.attempt,
        "what": what,
        "status": push.status,
        "seconds": round(push.seconds, 3),
        "bytes": len(push.body),
        "outcome": push.outcome,
        "reason": push.reason,
    }


def _feed(network: Network, after: int) -> dict[str, Any]:
    """Everything that a page needs to be up to date."""
    return {
        "account": {"name": network.account.name, "app_id": network.account.app_id, "mode": network.account.mode},
        "base_url": network.base_url,
        "now": network.clock(),
        "menu": network.world.fact("menu", None),
        "phones": [_phone(network, each, after) for each in network.shown()],
        "tokens": tokens.state(network),
        "faults": [asdict(each) for each in network.faults.waiting()],
        "pushes": [_push(each) for each in reversed(network.pushes()[-SHOWN_PUSHES:])],
    }


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise SandboxError(f"{name} must be a text")
    return value


# What a person can do on the phone page; the rest of the words come in the same JSON.
ACTS: Mapping[str, Callable[[Phone, Mapping[str, Any]], object]] = {
    "follow": lambda phone, _given: phone.follow(),
    "unfollow": lambda phone, _given: phone.unfollow(),
    "say": lambda phone, given: phone.say(_text(given, "text")),
    "tap": lambda phone, given: phone.send_tap(_text(given, "text"), _text(given, "menu_id")),
    "menu": lambda phone, given: phone.menu(_text(given, "key"), scanned=_text(given, "scanned")),
    "image": lambda phone, _given: phone.send_image(),
    "voice": lambda phone, _given: phone.send_voice(),
    "video": lambda phone, _given: phone.send_video(),
    "location": lambda phone, _given: phone.send_location(),
    "link": lambda phone, _given: phone.send_link(),
    "scan": lambda phone, given: phone.scan(_text(given, "text")),
}


def _new_name(network: Network) -> str:
    taken = {each.name for each in network.shown()}
    free = [f"手机 {letter}" for letter in FIRST_NAMES if f"手机 {letter}" not in taken]
    if not free or len(taken) >= MAX_PHONES:
        raise SandboxError("这张桌子上放不下更多手机了")
    return free[0]


def _is_foreign() -> bool:
    """Whether another web site makes the browser post here."""
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.host


def _let_in(answer: Response) -> Response:
    """Let pages of this server open inside the phone, although they forbid frames.

    The real client shows them in a window of its own, so they are right to be strict; here the window is a frame.
    Only a frame asked for by this very origin is let in.
    """
    headers = request.headers
    if headers.get("Sec-Fetch-Dest") == "iframe" and headers.get("Sec-Fetch-Site") == "same-origin":
        answer.headers.pop("X-Frame-Options", None)
        policy = answer.headers.get("Content-Security-Policy", "")
        answer.headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    return answer


def register(blueprint: Blueprint, network: Network) -> None:
    """Hang the page and its JSON into the blueprint."""

    @blueprint.get("/")
    def index() -> Response:
        if not network.shown():
            network.handset("手机 A")
        answer = make_response(render_template("sandbox/phone.html", account=network.account))
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @blueprint.get("/sandbox/feed")
    def feed() -> Response:
        answer = jsonify(_feed(network, request.args.get("after", 0, type=int)))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @blueprint.errorhandler(SandboxError)
    def refused(error: SandboxError) -> Answer:
        return jsonify(error=str(error)), 400

    blueprint.after_app_request(_let_in)
    _register_acts(blueprint, network)
    _register_files(blueprint, network)
    _register_panel(blueprint, network)


def _given() -> Mapping[str, Any]:
    if _is_foreign():
        raise SandboxError("posted from another site")
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise SandboxError("a JSON object is wanted")
    return body


def _register_acts(blueprint: Blueprint, network: Network) -> None:
    @blueprint.post("/sandbox/phones")
    def buy() -> Response:
        _given()
        with network.world.change():
            return jsonify(name=network.handset(_new_name(network)).name)

    @blueprint.post("/sandbox/act")
    def act() -> Answer:
        given = _given()
        handset = network.world.find(Handset, _text(given, "phone"))
        do = ACTS.get(_text(given, "act"))
        if handset is None or do is None:
            raise SandboxError("no such phone, or nothing a phone can do")
        do(Phone(network, handset), given)
        return jsonify(ok=True)


def _register_files(blueprint: Blueprint, network: Network) -> None:
    def picture() -> bytes:
        file = request.files.get("picture")
        content = file.read(MAX_UPLOAD + 1) if file and not _is_foreign() else b""
        if not content or len(content) > MAX_UPLOAD or not picture_type(content):
            raise SandboxError("请选择一张 5 MB 以内的图片")
        return content

    @blueprint.post("/sandbox/picture")
    def send_picture() -> Answer:
        handset = network.world.find(Handset, request.form.get("phone", ""))
        if handset is None:
            raise SandboxError("no such phone")
        content = picture()
        Phone(network, handset).send_image(content, picture_type(content))
        return jsonify(ok=True)

    @blueprint.post("/sandbox/decode")
    def decode() -> Answer:
        return jsonify(text=decode_code(picture()))


def _register_panel(blueprint: Blueprint, network: Network) -> None:
    @blueprint.post("/sandbox/panel")
    def panel() -> Answer:
        given = _given()
        if mode := _text(given, "mode"):
            network.set_mode(mode)
        if fault := _text(given, "fault"):
            times, seconds = given.get("times", 1), given.get("seconds", 0)
            if not isinstance(times, int) or not isinstance(seconds, int | float):
                raise SandboxError("times and seconds are numbers")
            network.faults.add(Fault(fault, times, float(seconds)))
        if given.get("clear") is True:
            network.faults.clear()
        if given.get("forget_tokens") is True:
            tokens.forget(network)
        return jsonify(ok=True, at=time.time())
