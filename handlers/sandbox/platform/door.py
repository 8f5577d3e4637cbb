"""The door of the platform's API (接口入口): endpoint, injected faults, token, JSON."""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from handlers.sandbox.faults import Fault
from handlers.sandbox.network import Network
from handlers.sandbox.platform import custom, mass, material, menus, notices, quotas, tokens, users
from handlers.sandbox.platform.call import MESSAGES, Call, Endpoint, PlatformError, parse_body
from handlers.sandbox.records import Medium, Ticket

ENDPOINTS: Mapping[str, Endpoint] = {
    **tokens.ENDPOINTS,
    **menus.ENDPOINTS,
    **custom.ENDPOINTS,
    **notices.ENDPOINTS,
    **mass.ENDPOINTS,
    **users.ENDPOINTS,
    **material.ENDPOINTS,
    **quotas.ENDPOINTS,
}
API = "/sandbox/platform/cgi-bin"
UPLOAD = "media/upload"  # the one call with a form instead of JSON


def _json(answer: Mapping[str, Any]) -> Response:
    # Like the real platform: always status 200, UTF-8 characters as they are.
    return Response(json.dumps(answer, ensure_ascii=False), content_type="application/json; encoding=utf-8")


def _error(error: PlatformError) -> Response:
    rid = f"{int(time.time()):x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    return _json({"errcode": error.code, "errmsg": f"{error} rid: {rid}", **error.extra})


def _endpoint(path: str) -> Endpoint:
    endpoint = ENDPOINTS.get(path)
    if endpoint is None:
        raise PlatformError(40066)
    if request.method != endpoint.method:
        raise PlatformError(43001 if endpoint.method == "GET" else 43002)
    return endpoint


def _strike(fault: Fault | None) -> None:
    """Let a fault strike before anything is done."""
    if fault is None or fault.name == "lost":
        return
    if fault.name == "hang":
        time.sleep(fault.seconds)
        return
    code = int(fault.name)
    raise PlatformError(code, "" if code in MESSAGES else "(injected)")


def _answer(network: Network, path: str, endpoint: Endpoint) -> Mapping[str, Any]:
    if endpoint.wants_token:
        tokens.check(network, request.args.get("access_token", ""))
    if code := network.limits.admit(path):
        raise PlatformError(code)
    is_upload = path == UPLOAD
    body = parse_body(request.get_data()) if endpoint.method == "POST" and not is_upload else {}
    answer = endpoint.answer(Call(network, request.args, body, request.files.get("media") if is_upload else None))
    # Data answers carry no errcode; the rest says that all is well.
    return answer if answer and "msgid" not in answer and "msg_id" not in answer else {**_fine(), **answer}


def _carried_out(network: Network, path: str) -> Response:
    """One call with the fault that meets it; what became of it is counted, whether or not the caller hears."""
    network.limits.arrive(path)
    fault, code = None, 0
    try:
        endpoint = _endpoint(path)
        fault = network.faults.strike_call(path)
        _strike(fault)
        answer = _json(_answer(network, path, endpoint))
    except PlatformError as error:
        code, answer = error.code, _error(error)
    if fault and fault.name == "lost":
        network.limits.answered(path, "lost")
        time.sleep(fault.seconds)
        return Response("bad gateway", status=502)
    network.limits.answered(path, str(code))
    return answer


def _fine() -> dict[str, Any]:
    return {"errcode": 0, "errmsg": "ok"}


def _picture(content: bytes, content_type: str) -> Response:
    # Uploaded bytes are shown as pictures or downloaded, never run.
    answer = Response(content, content_type=content_type)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def register(blueprint: Blueprint, network: Network) -> None:
    """Hang the API, the QR pictures and the uploaded files into the blueprint."""

    @blueprint.route(f"{API}/<path:path>", methods=["GET", "POST"])
    def call(path: str) -> Response:
        try:
            if path == "media/get":
                return _download(network, request.args.get("media_id", ""))
        except PlatformError as error:
            return _error(error)
        return _carried_out(network, path)

    @blueprint.get(f"{API}/showqrcode")
    def show_code() -> Response:
        ticket = network.world.find(Ticket, request.args.get("ticket", ""))
        if ticket is None:
            return Response("ticket not found", status=404)
        return _picture(material.picture_of(ticket.url), "image/png")

    @blueprint.get("/sandbox/media/<media_id>")
    def media(media_id: str) -> Response:
        medium = network.world.find(Medium, media_id)
        if medium is None:
            return Response("not found", status=404)
        is_picture = medium.content_type in {"image/png", "image/jpeg", "image/gif", "image/webp"}
        kind = medium.content_type if is_picture else "application/octet-stream"
        return _picture(base64.b64decode(medium.base64), kind)


def _download(network: Network, media_id: str) -> Response:
    tokens.check(network, request.args.get("access_token", ""))
    medium = network.world.find(Medium, media_id)
    if medium is None or network.picture_of(media_id) is None:
        raise PlatformError(40007)
    return _picture(base64.b64decode(medium.base64), medium.content_type)
