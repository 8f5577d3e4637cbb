"""One call to the WeChat platform (一次接口调用): a token shared by all, a time-out, one healing retry, plain errors.

Not built on wechatpy's ``WeChatClient``: it lacks ``stable_token``, fetches tokens without a time-out or a lock,
recurses without bound on a permanent 40001, and its exceptions carry the request, whose address holds the token.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from bot.errors import BadValueError
from handlers.wechat.faults import TOKEN_CALL, Clues, ErrorKind, PlatformError, classify, no_answer, refusal
from storage.access_token import AccessTokens, Grant

_OK = 200
_SERVER_ERROR = 500

Answer = dict[str, Any]
"""What the platform answers: a JSON object."""


def token_name(app_id: str) -> str:
    """Return the name under which an account's access token is kept (凭证名)."""
    return f"wechat:{app_id}"


@dataclass(frozen=True, slots=True)
class Account:
    """The official account as the platform knows it (公众号开发者凭据).

    Attributes:
        app_id: AppID.
        app_secret: AppSecret.
        api_base: where the platform is, without a trailing slash; the sandbox has its own.
    """

    app_id: str
    app_secret: str = field(repr=False)
    api_base: str = "https://api.weixin.qq.com"

    def __post_init__(self) -> None:
        if not self.app_id or not self.app_secret:
            raise BadValueError("the platform needs an AppID and an AppSecret")
        if not self.api_base.startswith(("https://", "http://")):
            raise BadValueError("the platform's address must start with https:// or http://")


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long the platform is waited for (超时); who wants a call repeated later is the ledger.

    Attributes:
        connect: seconds to connect.
        read: seconds between two pieces of the answer.
    """

    connect: float = 2.0
    read: float = 3.0


_USUAL = CallLimits()


class Calls:
    """The way to the platform (接口通道); safe to share between threads.

    Every method raises PlatformError, whose kind says what to do; never anything of ``requests``.
    """

    def __init__(
        self,
        account: Account,
        tokens: AccessTokens,
        limits: CallLimits = _USUAL,
    ) -> None:
        self._account = account
        self._tokens = tokens
        self._limits = limits
        self._session = requests.Session()
        # At DEBUG, urllib3 logs every address, and the platform wants its token there.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

    def close(self) -> None:
        """Close the connections kept open (关闭连接)."""
        self._session.close()

    def token(self, refused: str = "") -> str:
        """The access token in force (access_token); ``refused`` is one the platform did not accept."""
        return self._tokens.token(token_name(self._account.app_id), self._fetch_token, refused)

    def call(self, action: str, body: Mapping[str, object] | None = None) -> Answer:
        """Call with the token (调用); a refused token is replaced by whoever notices first, the call repeated once.

        Args:
            action: the path below ``/cgi-bin/``.
            body: posted as JSON; None asks by GET.
        """
        token = self.token()
        try:
            return self._request(action, body, {"access_token": token})
        except PlatformError as error:
            if error.kind is not ErrorKind.TOKEN:
                raise
        return self._request(action, body, {"access_token": self.token(refused=token)})

    def _fetch_token(self) -> Grant:
        """Ask for the stable token (稳定版接口调用凭据): everybody who asks gets the same one while it is good."""
        body = {
            "grant_type": "client_credential",
            "appid": self._account.app_id,
            "secret": self._account.app_secret,
            "force_refresh": False,
        }
        answer = self._request(TOKEN_CALL, body, {})
        value, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(value, str) or not value or not isinstance(seconds, int) or seconds <= 0:
            raise no_answer(TOKEN_CALL, "an answer without a token")
        return Grant(value, timedelta(seconds=seconds))

    def _request(self, action: str, body: Mapping[str, object] | None, query: Mapping[str, str]) -> Answer:
        try:
            response = self._session.request(
                "GET" if body is None else "POST",
                f"{self._account.api_base}/cgi-bin/{action}",
                params=query,
                # Real characters: the platform shows \u escapes to people as they are. Lone surrogates have no UTF-8.
                data=None if body is None else json.dumps(body, ensure_ascii=False).encode(errors="replace"),
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=(self._limits.connect, self._limits.read),
                allow_redirects=False,  # a redirect would carry the token elsewhere
            )
        except requests.RequestException as error:
            # Its text and its request hold the address, and with it the token.
            raise no_answer(action, type(error).__name__, is_unsure=not _never_connected(error)) from None
        return _understood(action, response)


def _understood(action: str, response: requests.Response) -> Answer:
    """The answer as JSON; every failure becomes a PlatformError, "already sent" becomes success."""
    if response.status_code >= _SERVER_ERROR:
        raise no_answer(action, f"HTTP {response.status_code}")
    if response.status_code != _OK:
        message = f"{action}: HTTP {response.status_code}, is the platform's address right?"
        raise PlatformError(message, ErrorKind.OPERATOR, response.status_code, clues=Clues(action))
    try:
        answer = json.loads(response.content)
        code = int(answer.get("errcode", 0))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise no_answer(action, "an answer that is no JSON object") from None
    if code and classify(code) is not ErrorKind.DUPLICATE:
        raise refusal(action, code, str(answer.get("errmsg", "")))
    return dict(answer)


def _never_connected(error: requests.RequestException) -> bool:
    """Tell whether no connection came about, so that surely nothing was asked (没有连上)."""
    cause = error.args[0] if error.args else None
    refused = isinstance(getattr(cause, "reason", cause), NewConnectionError)
    return refused or isinstance(error, requests.ConnectTimeout)
