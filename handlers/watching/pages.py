"""The watchers' addresses (监测地址): ``/healthz`` for everybody, ``/readyz`` and ``/metrics`` for our networks."""

import json
from collections.abc import Sequence
from importlib import metadata
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from flask import Blueprint, Response, abort, request

from handlers.watching.checks import Findings, State, worst
from handlers.watching.exposition import Exposition
from handlers.watching.readiness import Readiness

Networks = Sequence[IPv4Network | IPv6Network]
_JSON: Final = "application/json; charset=utf-8"
_VERSION: Final = metadata.version("quxiang")
"""Who deploys asks for it: during a deploy, either version may answer."""


def create_blueprint(readiness: Readiness, exposition: Exposition, networks: Networks) -> Blueprint:
    """The blueprint of the watchers (监测地址).

    Args:
        readiness: answers ``/readyz``.
        exposition: answers ``/metrics``.
        networks: who is shown these two; to everybody else they do not exist.
    """
    blueprint = Blueprint("watching", __name__)

    @blueprint.get("/healthz")
    def health() -> Response:
        # The process answers, and nothing else is asked: who restarts it would not mend a database.
        return Response("ok", content_type="text/plain; charset=utf-8")

    @blueprint.get("/readyz")
    def ready() -> Response:
        _demand_ours(networks)
        findings = readiness.look()
        state = worst(findings)
        status = 503 if state is State.FAILED else 200
        told = {"state": state, "version": _VERSION, "revision": readiness.revision, "checks": _told(findings)}
        return Response(json.dumps(told, ensure_ascii=False) + "\n", status, content_type=_JSON)

    @blueprint.get("/metrics")
    def metrics() -> Response:
        _demand_ours(networks)
        return Response(exposition.text(), content_type=exposition.content_type)

    return blueprint


def _told(findings: Findings) -> dict[str, dict[str, str]]:
    return {name: {"state": finding.state, "said": finding.said} for name, finding in findings.items()}


def _demand_ours(networks: Networks) -> None:
    """Demand that the visitor is ours, and whoever connected to us as well.

    Behind a proxy the second is the proxy. Without this, somebody who reaches this port past the proxy could write any
    address into X-Forwarded-For.
    """
    peer = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR", request.remote_addr)
    if not (_is_in(request.remote_addr, networks) and _is_in(peer, networks)):
        abort(404)


def _is_in(address: str | None, networks: Networks) -> bool:
    try:
        visitor = ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(visitor, "ipv4_mapped", None)  # how an IPv6 socket shows an IPv4 visitor
    return any((mapped or visitor) in network for network in networks)
