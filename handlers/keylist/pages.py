"""The key list on the web (密钥清单): ``/.well-known/quxiang-keys.json``, for everybody and every page."""

import hashlib
from dataclasses import dataclass, field

from flask import Blueprint, Response, request

from handlers.keylist.model import WELL_KNOWN
from handlers.public_pages import Allow, guard

_MANNERS = {
    # Offline checkers ask every day; a rotation is announced long before it matters, so five minutes hurt nobody.
    "Cache-Control": "public, max-age=300",
    # Nothing in it is secret and nothing is asked of a browser's user: any page may read it.
    "Access-Control-Allow-Origin": "*",
}


@dataclass(frozen=True, slots=True)
class KeyListDoor:
    """What the key list's address needs (密钥清单依赖).

    Attributes:
        published: the signed list, as text.
        allow: whether a remote address may look now.
    """

    published: str = field(repr=False)
    allow: Allow


def create_blueprint(door: KeyListDoor) -> Blueprint:
    """Make the blueprint (密钥清单蓝图)."""
    blueprint = Blueprint("keylist", __name__)
    content = door.published.encode()
    etag = hashlib.sha256(content).hexdigest()[:32]

    # Flask runs these last-registered first: registered before the guard, this has the last word over its no-store.
    @blueprint.after_request
    def cacheable(answer: Response) -> Response:
        if answer.status_code in {200, 304}:
            answer.headers.update(_MANNERS)
        return answer

    guard(blueprint, door.allow)

    @blueprint.get(WELL_KNOWN)
    def published() -> Response:
        answer = Response(content, mimetype="application/json")
        answer.set_etag(etag)
        answer.make_conditional(request)
        return answer

    return blueprint
