"""The platform's error codes (全局返回码) as ours: what each means for the caller, and a text fit for staff.

Sources: the global return codes and the pages of the single calls. The platform's own ``errmsg`` is never passed on,
because it may quote an openid or a token; only the few harmless pieces that help are taken out of it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bot.errors import TransportError

TOKEN_CALL: Final = "stable_token"  # noqa: S105 -- the name of a call
"""The call that fetches the token: it sends nothing, so nothing is unsure after it, and what it is refused for concerns
the account as a whole."""


class ErrorKind(StrEnum):
    """What can be done about an error (错误类别)."""

    RETRY = "retry"  # the platform is busy or away: later, with growing pauses
    TOKEN = "token"  # noqa: S105 - a word, no secret. Healed once inside the client; still there, it needs an operator
    OPERATOR = "operator"  # somebody must change a setting; trying again only repeats it
    QUOTA = "quota"  # a limit is used up: not now
    FREQUENCY = "frequency"  # this person had too many: later, for this person only
    RECIPIENT = "recipient"  # this person cannot be reached this way: choose another channel
    CONTENT = "content"  # the message itself is wrong
    DUPLICATE = "duplicate"  # already sent under this id: success


_CODES: Final[dict[ErrorKind, frozenset[int]]] = {
    # -1 busy, 45066 the same clientmsgid again too soon (wait a minute)
    ErrorKind.RETRY: frozenset({-1, 45066}),
    # invalid, not the newest, or expired
    ErrorKind.TOKEN: frozenset({40001, 40014, 42001}),
    # appid, secret, IP not listed, secret frozen, IP unconfirmed; rights missing or banned, clear_quota limit,
    # account type
    ErrorKind.OPERATOR: frozenset({40013, 40125, 40164, 40243, 89503, 48001, 48004, 48006, 53501, 40200}),
    # daily, per minute, mass sends, customer-service messages
    ErrorKind.QUOTA: frozenset({45009, 45011, 45028, 45047}),
    # "to this openid too frequently", not documented, seen by several since 2024-12
    ErrorKind.FREQUENCY: frozenset({43117}),
    # openid, not following (twice), blacklisted, refused the subscription, refuses messages, outside the 48 hours,
    # openid of another account
    ErrorKind.RECIPIENT: frozenset({40003, 43004, 50005, 43019, 43101, 48002, 45015, 49003}),
    # size, articles, JSON, template argument, template id (twice), list size, clientmsgid too long; then all of the
    # menu's
    ErrorKind.CONTENT: frozenset({45002, 45008, 47001, 47003, 40036, 40037, 40032, 45067, *range(65301, 65318)}),
    ErrorKind.DUPLICATE: frozenset({45065}),
}
_KINDS: Final = {code: kind for kind, codes in _CODES.items() for code in codes}

# Later can help after these; all others repeat themselves.
_PASSING = frozenset({ErrorKind.RETRY, ErrorKind.QUOTA, ErrorKind.FREQUENCY})

_ADVICE: Final = {
    40001: "the access token or the AppSecret is not valid",
    40013: "the AppID is not valid",
    40125: "the AppSecret is not valid",
    40164: "this server's IP address {address} is not in the platform's IP whitelist (IP白名单): add it there",
    40243: "the AppSecret is frozen: unfreeze it in the platform's console",
    48001: "the account has no right to this call",
    89503: "an administrator must confirm this server's IP address {address} on a phone",
    43117: "this person was sent too much in a short time",
    45009: "the daily quota of this call is used up",
    47003: "the template refuses the field {field}",
    45015: "the 48 hours after the person's last message are over",
    45047: "the number of messages after the person's last one is used up",
}

_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7}")
_FIELD = re.compile(r"\bdata\.([0-9A-Za-z_]{1,40})")
_TRACE = re.compile(r"\brid: ?([0-9a-f]{4,12}(?:-[0-9a-f]{4,12}){1,4})")


@dataclass(frozen=True, slots=True)
class Clues:
    """The harmless pieces of a failed call that help to mend it (线索).

    Attributes:
        action: the call, such as ``message/custom/send``.
        address: this server's address as the platform saw it, "" where it names none.
        field: the field of a template that was refused, "" where none is named.
    """

    action: str = ""
    address: str = ""
    field: str = ""


_NO_CLUES = Clues()


class PlatformError(TransportError):
    """A call to the WeChat platform failed (平台调用失败); the text is fit for staff, without token or openid.

    Attributes:
        kind: what can be done about it.
        code: the platform's ``errcode``, the HTTP status where it was neither 200 nor 5xx, 0 for no usable answer.
        is_unsure: whether the platform may have done what was asked all the same: the request went out, and no
            usable answer came back.
        clues: what else is known.
    """

    def __init__(
        self, message: str, kind: ErrorKind, code: int = 0, *, is_unsure: bool = False, clues: Clues = _NO_CLUES
    ) -> None:
        super().__init__(message, permanent=kind not in _PASSING, code=code)
        self.kind = kind
        self.is_unsure = is_unsure
        self.clues = clues


def classify(code: int) -> ErrorKind:
    """The kind of a code (错误分类); an unknown one is the operator's, because repeating it blindly helps nobody."""
    return _KINDS.get(code, ErrorKind.OPERATOR)


def refusal(action: str, code: int, errmsg: str) -> PlatformError:
    """The error for a code the platform answered (平台返回码).

    Args:
        action: the call, such as ``message/custom/send``.
        code: the platform's ``errcode``, not 0.
        errmsg: the platform's own words; an IP address, a field and the request id (``rid``) are taken from them.
    """
    kind = classify(code)
    clues = Clues(action, _found(_ADDRESS, errmsg), _found(_FIELD, errmsg))
    advice = _ADVICE.get(code, kind.value).format(address=clues.address, field=clues.field)
    trace = _found(_TRACE, errmsg)
    text = f"{action}: {advice} (WeChat {code}{f', rid {trace}' if trace else ''})"
    return PlatformError(text, kind, code, clues=clues)


def no_answer(action: str, what: str, *, is_unsure: bool = True) -> PlatformError:
    """The error for no usable answer (没有可用的答复); asking for a token does nothing that could have been done."""
    text = f"{action}: WeChat gave no usable answer ({what})"
    return PlatformError(text, ErrorKind.RETRY, is_unsure=is_unsure and action != TOKEN_CALL, clues=Clues(action))


def _found(pattern: re.Pattern[str], errmsg: str) -> str:
    match = pattern.search(errmsg)
    return match.group(match.lastindex or 0) if match else ""
