"""The webhook (消息接收地址) ``/wechat``: a genuine push goes in, exactly one valid answer comes out.

A refused request costs a signature and a counter, no database work. A crash behind the door still gives the graduate
a polite sentence in valid XML, never the platform's fault banner 「该公众号提供的服务出现故障」.

What the platform tells of its own accord – reports of messages, consents, positions – is written down where that
matters and answered at once; no conversation is touched. A report that could not be written down is refused with 500
and no body, so that it is pushed again: nobody waits for an answer, so nobody is shown a banner. Only a few, though:
a platform that meets many faults stops pushing for a minute, graduates' messages included, while a report that is
lost only leaves its delivery at 微信已接收.

Nothing here counts the platform's five seconds with a thread of its own: what can be slow asks for how long it may
wait (``budget.py``). An answer that comes too late does no harm, because WeChat pushes again and ``receive`` then
returns the stored answer (of two pushes handled at once, the one that loses the compare-and-swap finds it).
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request
from prometheus_client import Counter
from werkzeug.exceptions import RequestEntityTooLarge

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Rendered
from bot.conversation.texts import texts
from bot.errors import BadValueError
from bot.notices.report import Consent, Report
from bot.ports import Clock
from handlers.places import places_of
from handlers.wechat import markup, messages
from handlers.wechat.budget import Budget, CrowdedError, Hold, Lateness, Seats, Silence, Turns
from handlers.wechat.envelope import Envelope, EnvelopeError, Opened, Refusal
from storage.faults import AwayError

BODY_LIMIT = 64 * 1024
"""Largest body read, in bytes; the platform's own pushes stay below 8 KiB."""

REFUSED = Counter("quxiang_wechat_refused", "Requests refused at /wechat, by reason.", ["reason"])
CRASHED = Counter("quxiang_wechat_crashed", "Pushes answered with an apology because our code failed.")
LOST = Counter("quxiang_wechat_reports_lost", "Pushes with reports that could not be stored and will not come again.")

REPUSHES, REPUSHES_WITHIN = 5, timedelta(minutes=5)
"""How many pushes a process asks to have again: with six processes still below the 30 that alarm the platform."""

_log = logging.getLogger(__name__)
_STATUS = {Refusal.MALFORMED: 400, Refusal.TOO_LARGE: 413}  # everything else: 403
_FORBIDDEN = 403
_USUAL = Budget()


@dataclass(frozen=True, slots=True)
class Doorway:
    """What the webhook needs from behind the door (消息入口).

    Attributes:
        receive: handles one message and returns the stored answer; "" means silence.
        clock: the time, aware.
        apology: the sentence for a crash, given its reference number.
        note: writes reports and consents down, to be looked at later.
        budget: what the answer to one push may cost.
    """

    receive: Callable[[Incoming], Rendered]
    clock: Clock
    apology: Callable[[str], str]
    note: Callable[[Sequence[Report], Sequence[Consent]], None]
    budget: Budget = _USUAL

    def now(self) -> int:
        """Whole seconds since the epoch (秒级时间戳)."""
        return int(self.clock().timestamp())


def create_blueprint(envelope: Envelope, doorway: Doorway) -> Blueprint:
    """The blueprint of GET and POST ``/wechat`` (接入验证与消息推送)."""
    blueprint = Blueprint("wechat", __name__)
    window, hold = _Window(doorway), Hold()

    @blueprint.get("/wechat")
    def verify_url() -> Response:
        return _plain(envelope.echo(request.args, doorway.now()))

    @blueprint.post("/wechat")
    def take_push() -> Response:
        hold.let_go()
        opened = envelope.open(request.args, _body(), doorway.now())
        try:
            received = messages.parse(opened.xml)
        except BadValueError:
            raise EnvelopeError(Refusal.MALFORMED) from None
        if received.incoming.kind is Kind.QUIET:
            return _plain("success") if window.is_done_with(received) else _plain("", 500)
        answer = window.answer(received.incoming)
        return Silence(hold) if answer is None else _sealed(envelope, opened, received, answer)

    @blueprint.errorhandler(EnvelopeError)
    def refuse(error: EnvelopeError) -> Response:
        REFUSED.labels(error.reason.value).inc()
        _log.warning("a request to /wechat was refused: %s", error.reason.value)
        return _plain(error.reason.value, _STATUS.get(error.reason, _FORBIDDEN))

    return blueprint


def _body() -> bytes:
    """The body, refused before it is read when it says it is too large, and while it is read when it lied."""
    request.max_content_length = BODY_LIMIT
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise EnvelopeError(Refusal.TOO_LARGE) from None


class _Window:
    """Where a push is handled (窗口), within its budget and whatever breaks."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._seats = Seats(doorway.budget)
        self._lateness = Lateness(doorway.clock, doorway.budget)
        self._repushes = Turns(doorway.clock, REPUSHES, REPUSHES_WITHIN)

    def answer(self, incoming: Incoming) -> Rendered | None:
        """The answer to a message; None for silence, after which the platform pushes it again."""
        came_at = self._doorway.clock()
        try:
            with self._seats.taken():
                answer = self._doorway.receive(incoming)
        except (AwayError, CrowdedError) as error:
            _log.warning("a push could not be handled in time: %s", error)
            is_silent = self._lateness.is_silent(incoming, came_at)
            return None if is_silent else self._said(incoming, texts()["error.away"])
        except Exception as error:  # noqa: BLE001 - the last guard: whatever broke, the graduate gets a sentence
            reference = secrets.token_hex(4)
            CRASHED.inc()
            # Not ``exception()``: the message text of an exception may quote a person.
            _log.error("push failed, reference %s: %s", reference, places_of(error))
            return self._said(incoming, self._doorway.apology(reference))
        self._lateness.over()
        return answer

    def _said(self, incoming: Incoming, sentence: str) -> Rendered:
        # Nobody who has just left waits for a word.
        return Rendered("" if incoming.kind is Kind.UNFOLLOW else sentence, self._doorway.now())

    def is_done_with(self, received: messages.Received) -> bool:
        """Write down what the platform reports; False if it should come again."""
        if not received.reports and not received.consents:
            return True
        try:
            with self._seats.taken():
                self._doorway.note(received.reports, received.consents)
        except Exception as error:  # noqa: BLE001 - whatever broke, the platform hears that it should come again
            _log.error("reports could not be stored: %s", places_of(error))
        else:
            return True
        if self._repushes.take():
            return False
        LOST.inc()
        return True


def _sealed(envelope: Envelope, opened: Opened, received: messages.Received, answer: Rendered) -> Response:
    if not answer.text:
        return _plain("success")  # unencrypted in every mode
    incoming = received.incoming
    xml = (
        f"<xml><ToUserName>{markup.cdata(incoming.openid)}</ToUserName>"
        f"<FromUserName>{markup.cdata(received.account)}</FromUserName>"
        f"<CreateTime>{answer.at}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{markup.cdata(answer.text)}</Content></xml>"
    )
    return Response(envelope.seal(opened, xml, incoming.key, answer.at), content_type="application/xml; charset=utf-8")


def _plain(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
