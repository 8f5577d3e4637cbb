"""A bare signature check in Flask: sorts, hashes, compares, says ``success``. Nothing is opened, nothing is kept."""

import hashlib
import hmac

from flask import Flask, Response, abort, request

from tests.load.pushes import ACCOUNT


def app() -> Flask:
    """Make the application."""
    site = Flask("bare")

    @site.post("/wechat")
    def check() -> Response:
        parts = sorted((ACCOUNT.token, request.args["timestamp"], request.args["nonce"]))
        sign = hashlib.sha1("".join(parts).encode()).hexdigest()  # noqa: S324 -- the platform's
        if not hmac.compare_digest(sign, request.args["signature"]):
            abort(403)
        return Response("success", content_type="text/plain")

    return site
