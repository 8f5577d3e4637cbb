"""The manners of public pages (公开页面): private, unindexed, self-contained, and patient with a crowd.

Pages under ``/r/`` and ``/v/`` carry a token in their path. Access logs must therefore never write a path of these as
it is: write ``loggable_path(path)``.
"""

import hashlib
import re
from collections.abc import Callable

from flask import Blueprint, Response, make_response, render_template, request

Allow = Callable[[str], bool]
"""Told a remote address, says whether it may look now; called once for each page."""

HEADERS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
}
"""The manners of a public page in words a browser understands."""
_TOKEN = re.compile(r"/([rvp])/([^/?#\s]+)", re.IGNORECASE)


def guard(blueprint: Blueprint, allow: Allow) -> None:
    """Give a blueprint the manners of public pages (公开页面守则): headers on every answer, 429 for a crowd."""

    @blueprint.before_request
    def patience() -> Response | None:
        if allow(request.remote_addr or ""):
            return None
        answer = make_response(render_template("busy.html"), 429)
        answer.headers["Retry-After"] = "60"
        return answer

    @blueprint.after_request
    def manners(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        return answer


def page_language() -> str:
    """Return the language asked for (页面语言): "en" with ``?lang=en``, else "zh"."""
    return "en" if request.args.get("lang") == "en" else "zh"


def loggable_path(path: str) -> str:
    """Return the path with tokens replaced by the first 8 hex digits of their SHA-256 (可入日志的路径).

    QR tokens are read in either case and therefore get one name in both.
    """

    def named(found: re.Match[str]) -> str:
        door, token = found.groups()
        same = token.upper() if door in "vV" else token
        return f"/{door.lower()}/{hashlib.sha256(same.encode()).hexdigest()[:8]}"

    return _TOKEN.sub(named, path)
