"""One call of the platform's API (接口调用): what came in, and how an error goes out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import FileStorage

from handlers.sandbox.account import SandboxError
from handlers.sandbox.network import Network
from handlers.sandbox.records import Handset

# The platform's own words, as its clients log them.
MESSAGES = {
    0: "ok",
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40032: "invalid openid list size",
    40037: "invalid template_id",
    40050: "invalid tag id",
    40066: "invalid url",
    40125: "invalid appsecret",
    40164: "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
    40200: "invalid account type",
    40243: "AppSecret frozen",
    41001: "access_token missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    43117: "to this openid too frequently",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45028: "has no masssend quota",
    45047: "out of response count limit",
    45065: "clientmsgid exist",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    48006: "forbid to clear quota because of reaching the limit",
    49003: "not match openid with appid",
    50005: "user is unsubscribed",
    76021: "cgi_path not found, please check",
    89503: "this ip has been in whitelist wait confirm",
}


class PlatformError(SandboxError):
    """An errcode to answer with; ``more`` joins the errmsg, ``extra`` the JSON."""

    def __init__(self, code: int, more: str = "", extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{MESSAGES.get(code, 'error')} {more}".strip())
        self.code = code
        self.extra = dict(extra or {})


@dataclass(frozen=True, slots=True)
class Call:
    """What a call brought (请求), token already checked.

    Attributes:
        network: the sandbox behind the API.
        query: the query parameters.
        body: the JSON object, {} when there is none.
        file: an uploaded file.
    """

    network: Network
    query: Mapping[str, str]
    body: Mapping[str, Any] = field(default_factory=dict)
    file: FileStorage | None = None

    def text(self, name: str, code: int = 47001) -> str:
        """A non-empty text of the body, or the error ``code``."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise PlatformError(code, f"hint: [{name}]")
        return value

    def part(self, name: str, code: int = 47001) -> Mapping[str, Any]:
        """An object of the body, or the error ``code``."""
        value = self.body.get(name)
        if not isinstance(value, dict):
            raise PlatformError(code, f"hint: [{name}]")
        return value

    def follower(self, openid: object, code: int = 43004) -> Handset:
        """The following phone with this openid; 40003 for a stranger, ``code`` for one who does not follow."""
        handset = self.network.world.by_openid(str(openid))
        if handset is None:
            raise PlatformError(40003)
        if not handset.following:
            raise PlatformError(code)
        return handset


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the API: its method, what it does, and whether it wants a token."""

    method: str
    answer: Callable[[Call], Mapping[str, Any]]
    wants_token: bool = True


def parse_body(raw: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; error 47001 for anything else, 44002-like emptiness included."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise PlatformError(47001) from error
    if not isinstance(body, dict):
        raise PlatformError(47001)
    return body
