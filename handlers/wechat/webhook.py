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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from prometheus_client import Counter
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Rendered
from bot.conversation.texts import texts
from bot.errors import BadValueError
from bot.notices.report import Consent, Report
from bot.ports import Clock
from handlers.places import places_of
from handlers.watching.counting import count_request
from handlers.wechat import markup, messages
from handlers.wechat.answer import PLAIN, XML, Answer
from handlers.wechat.budget import WITHIN, Budget, CrowdedError, Hold, Lateness, Seats, Silence, Turns
from handlers.wechat.envelope import Envelope, EnvelopeError, Opened, Refusal
from handlers.wechat.owed import Owed
from storage.faults import AwayError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH: Final = "/wechat"

BODY_LIMIT = 64 * 1024
"""Largest body read, in bytes; the platform's own pushes stay below 8 KiB."""

REFUSED = Counter("quxiang_wechat_refused", "Requests refused at /wechat, by reason.", ["reason"])
CRASHED = Counter("quxiang_wechat_crashed", "Pushes answered with an apology because our code failed.")
LOST = Counter("quxiang_wechat_reports_lost", "Pushes with reports that could not be stored and will not come again.")

ENDPOINT: Final = "wechat.take_push"
"""What a push is called where requests are counted."""

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
    """The blueprint of ``/wechat`` (接入验证与消息推送).

    GET is an ordinary page. POST is taken in front of Flask, once the blueprint is registered: what Flask does around
    a request costs more than opening a push and sealing its answer together, and serves browsers, not the platform.
    """
    blueprint = Blueprint("wechat", __name__)

    @blueprint.get(PATH)
    def verify_url() -> Response:
        return Response(envelope.echo(request.args, doorway.now()), content_type=PLAIN)

    @blueprint.errorhandler(EnvelopeError)
    def refuse(error: EnvelopeError) -> Response:
        answer = _refused(error)
        return Response(answer.text, answer.status, content_type=answer.content_type)

    @blueprint.record_once
    def stand_in_front(state: BlueprintSetupState) -> None:
        app = cast("Flask", state.app)
        app.wsgi_app = _Front(app.wsgi_app, _Pushes(envelope, doorway))  # type: ignore[method-assign]  # Flask's way

    return blueprint


class _Front:
    """Stands in front of Flask (前门) and takes the pushes; everything else goes through."""

    def __init__(self, behind: "WSGIApplication", pushes: "_Pushes") -> None:
        self._behind = behind
        self._pushes = pushes

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST":
            return self._behind(environ, start_response)
        began = perf_counter()
        answer = self._pushes.answer(environ)
        count_request(ENDPOINT, answer.status, perf_counter() - began)
        return answer(environ, start_response)


class _Pushes:
    """Takes pushes (消息推送)."""

    def __init__(self, envelope: Envelope, doorway: Doorway) -> None:
        self._envelope = envelope
        self._doorway = doorway
        self._window = _Window(doorway)
        self._hold = Hold()

    def answer(self, environ: "WSGIEnvironment") -> "Answer | Silence":
        """Return the answer to one push; nothing that goes wrong gets past it."""
        self._hold.let_go()
        try:
            return self._taken(environ)
        except EnvelopeError as error:
            return _refused(error)
        except Exception as error:  # noqa: BLE001 -- whatever broke outside the window, the log says where
            _log.error("a push was not answered: %s", places_of(error))
            return Answer("", 500)

    def _taken(self, environ: "WSGIEnvironment") -> "Answer | Silence":
        opened = self._envelope.open(_query(environ), _body(environ), self._doorway.now())
        try:
            received = messages.parse(opened.xml)
        except BadValueError:
            raise EnvelopeError(Refusal.MALFORMED) from None
        if received.incoming.kind is Kind.QUIET:
            return Answer("success") if self._window.is_done_with(received) else Answer("", 500)
        answer = self._window.answer(received.incoming)
        return Silence(self._hold) if answer is None else _sealed(self._envelope, opened, received, answer)


def _query(environ: "WSGIEnvironment") -> Mapping[str, str]:
    """The query; of a name that comes twice the first counts."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True):
        found.setdefault(name, value)
    return found


def _body(environ: "WSGIEnvironment") -> bytes:
    """The body, refused before it is read when it says it is too large, and while it is read when it lied."""
    try:
        return get_input_stream(environ, max_content_length=BODY_LIMIT).read()
    except RequestEntityTooLarge:
        raise EnvelopeError(Refusal.TOO_LARGE) from None


def _refused(error: EnvelopeError) -> Answer:
    REFUSED.labels(error.reason.value).inc()
    _log.warning("a request to /wechat was refused: %s", error.reason.value)
    return Answer(error.reason.value, _STATUS.get(error.reason, _FORBIDDEN))


class _Window:
    """Where a push is handled (窗口), within its budget and whatever breaks."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._seats = Seats(doorway.budget)
        self._owed = Owed(doorway.receive)
        self._lateness = Lateness(doorway.clock, doorway.budget)
        self._repushes = Turns(doorway.clock, doorway.budget.repushes, WITHIN)

    def answer(self, incoming: Incoming) -> Rendered | None:
        """The answer to a message; None for silence, after which the platform pushes it again."""
        came_at = self._doorway.clock()
        try:
            with self._seats.taken():
                answer = self._doorway.receive(incoming)
                self._owed.settle_one()
        except (AwayError, CrowdedError) as error:
            _log.warning("a push could not be handled in time: %s", error)
            if incoming.kind is Kind.UNFOLLOW:
                self._owed.add(incoming)
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


def _sealed(envelope: Envelope, opened: Opened, received: messages.Received, answer: Rendered) -> Answer:
    if not answer.text:
        return Answer("success")  # unencrypted in every mode
    incoming = received.incoming
    xml = (
        f"<xml><ToUserName>{markup.cdata(incoming.openid)}</ToUserName>"
        f"<FromUserName>{markup.cdata(received.account)}</FromUserName>"
        f"<CreateTime>{answer.at}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{markup.cdata(answer.text)}</Content></xml>"
    )
    return Answer(envelope.seal(opened, xml, incoming.key, answer.at), content_type=XML)
