"""The push of one message (消息推送): signed HTTP, five seconds, three attempts, and then the fault banner."""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests

from handlers.sandbox.bubble import Bubble
from handlers.sandbox.cipher import sign
from handlers.sandbox.faults import Faults
from handlers.sandbox.markup import Value, write
from handlers.sandbox.verdict import BadReplyError, Judge

ATTEMPTS = 3
LOG_LENGTH = 2000
MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Push:
    """One delivery of one message (一次推送) and what came back.

    Attributes:
        attempt: 1 to 3; 0 for a copy nobody waits for (an injected duplicate).
        fields: the message; pushing the same fields again is a re-push.
        at: when it went out, seconds since the epoch.
        seconds: how long the answer took, injected delay included.
        status: the HTTP status, None when there was no answer in time.
        body: the HTTP body exactly as received, also when it was too late or dropped.
        reply: the decrypted XML, "" for silence.
        outcome: ``answer``, ``silence``, ``nothing`` (none in time) or ``fault`` (malformed).
        reason: why it is ``nothing`` or ``fault``.
        bubble: what the phone shows for it, if anything.
    """

    attempt: int
    fields: Mapping[str, Value]
    at: float
    seconds: float
    status: int | None
    body: bytes
    reply: str = ""
    outcome: str = "nothing"
    reason: str = ""
    bubble: Bubble | None = None


@dataclass(slots=True)
class Letterbox:
    """Where pushes go and how they are judged (服务器配置)."""

    webhook_url: str
    judge: Judge
    app_id: str


@dataclass(slots=True)
class _Answer:
    status: int | None = None
    body: bytes = b""
    reason: str = ""
    seconds: float = field(default=0.0)


class Courier:
    """The platform's messenger (推送服务)."""

    def __init__(
        self, letterbox: Callable[[], Letterbox], faults: Faults, reply_limit: float, clock: Callable[[], float]
    ) -> None:
        self._letterbox = letterbox
        self._faults = faults
        self._clock = clock
        self.reply_limit = reply_limit
        self.log: deque[Push] = deque(maxlen=LOG_LENGTH)

    def deliver(self, fields: Mapping[str, Value]) -> Push:
        """Push until there is an answer, three times at most, at 0, 1 and 2 reply limits; returns the last push."""
        start = time.monotonic()
        if self._faults.strike("duplicate"):
            threading.Thread(target=self.push, args=(fields, 0), daemon=True).start()
        push = self.push(fields, 1)
        for attempt in range(2, ATTEMPTS + 1):
            if push.outcome != "nothing":
                break
            # A refused connection is over at once, yet the platform keeps its pace.
            time.sleep(max(0.0, start + (attempt - 1) * self.reply_limit - time.monotonic()))
            push = self.push(fields, attempt)
        return push

    def push(self, fields: Mapping[str, Value], attempt: int = 1) -> Push:
        """Push once and judge what comes back; logged in either case."""
        box = self._letterbox()
        at = self._clock()
        answer = self._post(box, fields, at)
        if attempt:
            self._spoil(answer)
        push = self._judge(box, answer, Push(attempt, fields, at, answer.seconds, answer.status, answer.body))
        self.log.append(push)
        return push

    def verify(self) -> bool:
        """Check the address as the platform does when it is saved (验证 URL): it must give echostr back as it is."""
        box, stamp, nonce = self._letterbox(), str(int(self._clock())), secrets.token_hex(5)
        echo = str(secrets.randbelow(10**19))
        query = {"signature": sign(box.judge.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "echostr": echo}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(f"{box.webhook_url}?{urlencode(query)}", timeout=self.reply_limit)
        except requests.RequestException:
            return False
        return answer.ok and answer.content == echo.encode()

    def _post(self, box: Letterbox, fields: Mapping[str, Value], at: float) -> _Answer:
        query, body = self.envelope(box, fields, int(at))
        answer, start = _Answer(), time.monotonic()
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy of the environment must not see 127.0.0.1
                response = session.post(
                    f"{box.webhook_url}?{urlencode(query)}",
                    data=body,
                    headers={"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Connection": "close"},
                    timeout=self.reply_limit,
                    allow_redirects=False,
                )
                answer.status, answer.body = response.status_code, response.content[:MAX_BODY]
        except requests.Timeout:
            answer.reason = "no answer in time"
        except requests.RequestException as error:
            answer.reason = f"no connection ({type(error).__name__})"
        answer.seconds = time.monotonic() - start
        return answer

    def _spoil(self, answer: _Answer) -> None:
        """Let the injected faults of the way back strike."""
        if fault := self._faults.strike("delay"):
            time.sleep(max(0.0, min(fault.seconds, self.reply_limit - answer.seconds)))
            answer.seconds += fault.seconds
        if self._faults.strike("drop"):
            answer.status, answer.reason = None, "answer dropped (injected)"
        if answer.seconds > self.reply_limit:
            answer.status, answer.reason = None, answer.reason or "answer came too late"

    def _judge(self, box: Letterbox, answer: _Answer, push: Push) -> Push:
        def result(outcome: str, reason: str = "", reply: str = "", bubble: Bubble | None = None) -> Push:
            return Push(
                push.attempt, push.fields, push.at, push.seconds, push.status, push.body, reply, outcome, reason, bubble
            )

        if answer.status is None:
            return result("nothing", answer.reason)
        if answer.status != requests.codes.ok:
            return result("fault", f"HTTP status {answer.status}")
        reply = b""
        try:
            reply = box.judge.decrypt(answer.body)
            if not reply:
                return result("silence")
            bubble = box.judge.bubble(reply, push.fields, self._clock())
            return result("answer", reply=reply.decode(), bubble=bubble)
        except (BadReplyError, UnicodeDecodeError) as error:
            return result("fault", str(error), reply.decode(errors="replace"))

    @staticmethod
    def envelope(box: Letterbox, fields: Mapping[str, Value], timestamp: int) -> tuple[dict[str, str], bytes]:
        """Query and body of one push: new nonce and signature each time, message unchanged."""
        judge, stamp, nonce = box.judge, str(timestamp), str(secrets.randbelow(10**10))
        query = {
            "signature": sign(judge.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": str(fields["FromUserName"]),
        }
        plain = write(fields)
        if judge.mode == "plain":
            return query, plain.encode()
        sealed = judge.cipher.seal(plain.encode())
        query |= {"encrypt_type": "aes", "msg_signature": sign(judge.token, stamp, nonce, sealed)}
        outside: dict[str, Value] = {"ToUserName": str(fields["ToUserName"])}
        if judge.mode == "compatible":
            outside = dict(fields)
        return query, write(outside | {"Encrypt": sealed}).encode()
