"""The site (网站): what holds for every answer, whatever room it comes from, also where there is no room at all.

Flask knows no blueprint for an address nobody has, so the manners of public pages are laid over every answer here;
what a room has said about itself stays. Its own note of an error names the path, and paths carry tokens.
"""

import io
import logging
import tomllib
from functools import cache
from importlib.resources import files
from types import TracebackType
from typing import IO, Any, Final

from flask import Flask, Request, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from handlers.places import places_of
from handlers.public_pages import HEADERS, loggable_path

_LOG = logging.getLogger(__name__)
_MACHINES = frozenset({"wechat", "chsi_callback", "keylist", "sandbox"})
"""Rooms whose visitors are programs: a short line is what they want."""

MOST_BYTES: Final = 32 * 2**20
"""Bytes a request may have: a roster of 30 MB and the form around it."""

_DRAINED: Final = 64 * 2**20


class InMemoryRequest(Request):
    """A request whose files (上传文件) stay in memory: they are personal data, and no disk needs a copy."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return io.BytesIO()


class Site(Flask):
    """The web application (网站应用); its log never names a token or quotes data."""

    request_class = InMemoryRequest

    def log_exception(
        self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None] | None
    ) -> None:
        """Log where an error came up and of what kind, never its text: drivers and parsers quote what they read."""
        _LOG.error("failed on %s: %s", loggable_path(request.path), places_of(exc_info[1] if exc_info else None))


def mind_manners(site: Flask) -> None:
    """Lay the manners of public pages over every answer (全站守则); call it when everything else is registered."""
    site.config["MAX_CONTENT_LENGTH"] = MOST_BYTES

    @site.errorhandler(HTTPException)
    def explain(error: HTTPException) -> Response | HTTPException:
        if error.response is not None or request.blueprint in _MACHINES or error.code is None:
            return error
        if error.code == 413:
            _drain()
        words = _words()
        page = render_template("error.html", said=words.get(str(error.code), words["other"]), code=error.code)
        answer = make_response(page, error.code)
        answer.headers.extend((name, value) for name, value in error.get_headers() if name in {"Allow", "Retry-After"})
        return answer

    @site.after_request
    def manners(answer: Response) -> Response:
        # One look at what is there: asking for each name costs a walk through all of them.
        present = {name.lower() for name, _ in answer.headers}
        answer.headers.extend([(name, value) for name, value in HEADERS.items() if name.lower() not in present])
        return answer


def _drain() -> None:
    """Throw away what is still being sent, or else browsers show a broken connection instead of the answer."""
    left = min(request.content_length or 0, _DRAINED)
    while left > 0 and (piece := request.environ["wsgi.input"].read(min(left, 1 << 20))):
        left -= len(piece)


@cache
def _words() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("site.toml").read_text("utf-8"))
