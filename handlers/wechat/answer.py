"""The answer (应答) to a push, as WSGI wants it: a few bytes, nothing looked up."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from handlers.public_pages import HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PLAIN: Final = "text/plain; charset=utf-8"
XML: Final = "application/xml; charset=utf-8"
_MANNERS: Final = {
    PLAIN: list(HEADERS.items()),
    # A sealed answer goes to the platform only, and each header costs a check by the server.
    XML: [(name, HEADERS[name]) for name in ("Cache-Control", "X-Content-Type-Options")],
}
"""The manners of a page, as far as somebody reads them, by the type of the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is there already (应答).

    Attributes:
        text: what it says.
        status: of HTTP.
        content_type: of the text.
    """

    text: str = field(repr=False)
    status: int = 200
    content_type: str = PLAIN

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Say it."""
        _ = environ
        body = self.text.encode()
        head = [("Content-Type", self.content_type), ("Content-Length", str(len(body))), *_MANNERS[self.content_type]]
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", head)
        return (body,)
