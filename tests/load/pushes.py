"""Pushes as WeChat sends them, built before they are needed, and the strict look at what comes back.

Signature, cipher and judge are the sandbox's, which shares no line with ours.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import time
from urllib.parse import urlencode

from handlers.sandbox import Account
from handlers.sandbox.cipher import MessageCipher
from handlers.sandbox.courier import Courier, Letterbox
from handlers.sandbox.markup import Value, read
from handlers.sandbox.verdict import Judge

ACCOUNT = Account(
    "wx2023load0629a", "load-app-secret-0629", "loadtoken0629", "LoadAesKey0629a" * 2 + "LoadAesKey062", "gh_load", ""
)
PATH = "/wechat"
_MESSAGES = secrets.randbelow(2**40) << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a push.

    Attributes:
        status: of HTTP; 0 if the connection broke.
        body: exactly as it came.
    """

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one person, which may be pushed several times.

    Attributes:
        openid: who sends it.
        fields: of the XML.
    """

    openid: str
    fields: Mapping[str, Value]

    @classmethod
    def text(cls, openid: str, content: str, serial: int, at: int) -> "Message":
        """Make a text message; serial and time make it the same message or another."""
        fields: dict[str, Value] = {
            "ToUserName": ACCOUNT.original_id,
            "FromUserName": openid,
            "CreateTime": at,
            "MsgType": "text",
            "Content": content,
            "MsgId": _MESSAGES + serial,
        }
        return cls(openid, fields)


class Post:
    """Seals messages into requests and opens answers, as the platform would for the account of the tests."""

    def __init__(self) -> None:
        self._judge = Judge(
            "safe",
            ACCOUNT.token,
            MessageCipher(ACCOUNT.encoding_aes_key, ACCOUNT.app_id),
            ACCOUNT.original_id,
            lambda _: None,
        )
        self._box = Letterbox("", self._judge, ACCOUNT.app_id)

    def request(self, message: Message, *, is_alone: bool = False) -> bytes:
        """Return a whole HTTP request: a new envelope around the same message, each time.

        Args:
            message: to be sealed.
            is_alone: whether its connection ends with it, as the platform's do.
        """
        query, body = Courier.envelope(self._box, message.fields, int(time()))
        head = (
            f"POST {PATH}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Mozilla/4.0\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n"
            f"Connection: {'close' if is_alone else 'keep-alive'}\r\n\r\n"
        )
        return head.encode() + body

    def opened(self, message: Message, answer: Answer) -> bytes:
        """Return the XML of an answer, b"" for silence; everything else is an error.

        Raises:
            SandboxError: the phone would show the fault banner.
            AssertionError: not even HTTP was right.
        """
        assert answer.status == 200, f"HTTP status {answer.status}"
        xml = self._judge.decrypt(answer.body)
        if xml:
            self._judge.bubble(xml, message.fields, 0)
        return xml

    def text_of(self, message: Message, answer: Answer) -> str:
        """Return the text the person would read, "" for silence; errors as ``opened``."""
        return text_in(self.opened(message, answer))


def text_in(xml: bytes) -> str:
    """Return the text of an opened answer, "" for silence."""
    return (read(xml).get("Content") or "") if xml else ""
