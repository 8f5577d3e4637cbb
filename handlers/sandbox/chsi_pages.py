"""CHSI on the wire (学信网接口与页面): the two signed calls, and the two pages a graduate opens."""

import json
import time
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, render_template, request

from handlers.sandbox.chsi import Chsi
from handlers.sandbox.network import Network

Answer = Response | tuple[Response, int]


def _fields(*names: str) -> tuple[str, ...] | None:
    """The non-empty texts of these names in the JSON body, or None when one is missing."""
    try:
        body = json.loads(request.get_data())
    except ValueError:
        return None
    values = tuple(body.get(name) for name in names) if isinstance(body, dict) else ()
    texts = tuple(value for value in values if isinstance(value, str) and value)
    return texts if len(texts) == len(names) else None


def _guarded(network: Network, chsi: Chsi, answer: Callable[[], Answer]) -> Answer:
    """Let faults strike, check the signature, then answer."""
    if network.faults.strike("chsi-down"):
        return jsonify(error="service unavailable"), 503
    if fault := network.faults.strike("chsi-hang"):
        time.sleep(fault.seconds)
    stamp, signature = (request.headers.get(name, "") for name in ("X-Timestamp", "X-Signature"))
    if not chsi.is_signed(stamp, request.path, request.get_data(), signature):
        return jsonify(error="signature"), 401
    return answer()


def register(blueprint: Blueprint, network: Network, chsi: Chsi) -> None:
    """Hang the calls and the pages into the blueprint."""

    def answer_binding() -> Answer:
        given = _fields("name", "id_number")
        if given is None:
            return jsonify(error="fields"), 400
        return jsonify(status=chsi.binding(*given))

    def answer_real_person() -> Answer:
        given = _fields("name", "id_number", "reference")
        if given is None:
            return jsonify(error="fields"), 400
        name, id_number, reference = given
        if at := chsi.verified_at(id_number):
            return jsonify(status="done", at=at)
        return jsonify(status="pending", url=chsi.url(chsi.begin(name, id_number, reference)))

    @blueprint.post("/sandbox/chsi/binding")
    def binding() -> Answer:
        return _guarded(network, chsi, answer_binding)

    @blueprint.post("/sandbox/chsi/real-person")
    def real_person() -> Answer:
        return _guarded(network, chsi, answer_real_person)

    _register_pages(blueprint, chsi)


def _register_pages(blueprint: Blueprint, chsi: Chsi) -> None:
    @blueprint.get("/sandbox/chsi/real-person/<code>")
    def check_page(code: str) -> str | tuple[str, int]:
        session = chsi.session(code)
        if session is None:
            return render_template("sandbox/real_person.html", state="gone"), 404
        return render_template("sandbox/real_person.html", state="open", name=session.name[:1] + "*" * 2)

    @blueprint.post("/sandbox/chsi/real-person/<code>")
    def finish_check(code: str) -> str | tuple[str, int]:
        session = chsi.session(code)
        if session is None:
            return render_template("sandbox/real_person.html", state="gone"), 404
        chsi.complete(session.id_number)
        return render_template("sandbox/real_person.html", state="done")

    @blueprint.get("/sandbox/chsi/bind")
    def bind_page() -> str:
        return render_template("sandbox/bind.html", state="open")

    @blueprint.post("/sandbox/chsi/bind")
    def bind() -> str:
        name, id_number = (request.form.get(field, "").strip() for field in ("name", "id_number"))
        if not name or not id_number:
            return render_template("sandbox/bind.html", state="missing")
        verified = bool(chsi.verified_at(id_number))
        chsi.set_person(id_number, name, bound=True, verified=verified)
        return render_template("sandbox/bind.html", state="done")
