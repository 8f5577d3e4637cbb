"""The targets at the door (消息入口): envelope, XML, whole pushes, and what graduates may say."""

import itertools
import string
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from xml.etree import ElementTree as ET

from flask import Flask
from hypothesis import strategies as st

from bot.conversation.texts import texts
from bot.errors import BadValueError
from bot.notices.report import Consent, Report
from bot.registration.dossier import Dossier
from bot.registration.identity_number import IdentityNumber
from bot.use_cases.receive_message import receive_message
from handlers.wechat import markup, messages
from handlers.wechat.envelope import Envelope, EnvelopeError, EnvelopeKeys, Mode
from handlers.wechat.webhook import Doorway, create_blueprint
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.schema import metadata
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.use_cases.stage import Stage
from tests.fuzz.breeding import anything, bred, seeds
from tests.fuzz.target import Target
from tests.handlers.wechat.counterpart import AES_KEY, APP_ID, NOW, Counterpart, sign, text_message

LONGEST = 2047  # bytes of a text reply
LONGEST_SAID = 4096  # characters of a text
TOKEN = "tokenOfTheFuzzing"
PLATFORM = Counterpart(TOKEN)
ENVELOPES = {mode: Envelope(EnvelopeKeys(mode, APP_ID, (TOKEN,), (AES_KEY,))) for mode in Mode}
GENUINE = text_message("去向登记确认")


def sealed(plain: bytes) -> str:
    """Encrypt any bytes as the platform would."""
    head = bytes(16) + len(plain).to_bytes(4, "big") + plain + APP_ID.encode()
    pad = 32 - len(head) % 32
    return PLATFORM.encrypt_blocks(head + bytes([pad]) * pad)


def pushed(plain: bytes, at: int = NOW) -> tuple[dict[str, str], bytes]:
    """Make a genuine push of any bytes."""
    encrypted = sealed(plain)
    query = {"timestamp": str(at), "nonce": "1", "encrypt_type": "aes"}
    query["msg_signature"] = sign(TOKEN, str(at), "1", encrypted)
    return query, f"<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


# -- the envelope: what a stranger sends is refused with a reason, whatever it is -----------------------

_QUERY = ("signature", "msg_signature", "timestamp", "nonce", "encrypt_type", "echostr")


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[Mode, dict[str, str], bytes, bool]:
    """Draw a mode, a query, a body, and whether they are signed by somebody who knows the token."""
    mode = draw(st.sampled_from(list(Mode)))
    query, body = PLATFORM.plain_push(GENUINE) if mode is Mode.PLAIN else PLATFORM.compatible_push(GENUINE)
    body = draw(bred([body]))
    for name in draw(st.lists(st.sampled_from(_QUERY), max_size=3)):
        query[name] = draw(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9]{1,20}", fullmatch=True)))
    is_signed = draw(st.booleans())
    return mode, query, body, is_signed


def check_envelope(case: tuple[Mode, dict[str, str], bytes, bool]) -> None:
    mode, query, body, is_signed = case
    if is_signed:
        query |= _signed(query, body)
    for at in (NOW, NOW + 10_000):
        try:
            opened = ENVELOPES[mode].open(query, body, at)
        except EnvelopeError as error:
            says_no_more_than_why(error)
            continue
        assert at == NOW, "an old push was taken"
        assert is_signed or mode is Mode.PLAIN or opened.xml == GENUINE.encode(), "somebody else's message was taken"
        assert mode is Mode.PLAIN or opened.key
    try:
        ENVELOPES[mode].echo(query, NOW)
    except EnvelopeError as error:
        says_no_more_than_why(error)


def says_no_more_than_why(error: EnvelopeError) -> None:
    assert str(error) == error.reason.value


def _signed(query: dict[str, str], body: bytes) -> dict[str, str]:
    try:
        encrypted = markup.words(markup.read(body), "Encrypt")
    except BadValueError:
        encrypted = ""
    parts = (TOKEN, query.get("timestamp", ""), query.get("nonce", ""))
    return {"signature": sign(*parts), "msg_signature": sign(*parts, encrypted)}


# -- the message: XML of any shape ----------------------------------------------------------------------

_NAMES = (
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Content",
    "MsgId",
    "bizmsgmenuid",
    "Event",
    "EventKey",
)
_WORDS = st.one_of(
    st.sampled_from(("text", "event", "subscribe", "CLICK", "TEMPLATESENDJOBFINISH", "1414243737", "0", "x" * 3000)),
    st.text(max_size=20),
    st.text(string.digits, max_size=25),
)


@st.composite
def elements(draw: st.DrawFn) -> bytes:
    """Draw a message of the right elements with any words, now and then inside each other."""
    parts = draw(st.lists(st.tuples(st.sampled_from(_NAMES), _WORDS), max_size=14))
    body = "".join(f"<{name}>{markup.cdata(words)}</{name}>" for name, words in parts)
    return f"<xml>{body * draw(st.sampled_from((1, 1, 1, 40)))}</xml>".encode(errors="replace")


MESSAGES = st.one_of(anything(seeds("message")), elements())


def check_message(xml: bytes) -> None:
    try:
        received = messages.parse(xml)
    except BadValueError:
        return
    incoming = received.incoming
    assert len(incoming.key) == 64
    assert incoming.key == messages.parse(xml).incoming.key
    assert incoming.question is None or 0 <= incoming.question < 2**31
    assert len(incoming.openid) <= 64
    assert not received.reports or incoming.kind == "quiet"
    assert all(len(report.key) == 64 and len(report.message_id) <= 64 for report in received.reports)


# -- the whole way: a genuine push of any content, and any conversation ---------------------------------

_COUNT = itertools.count(1)
SECRETS = (AES_KEY, TOKEN, APP_ID, "Traceback", "sqlalchemy", "11010119900100002X", "gh_secret")


class Town:
    """The webhook over a database in memory, and graduates at different places of the journey."""

    def __init__(self) -> None:
        engine = open_engine("sqlite://")
        metadata.create_all(engine)
        key, index_key = derive_keys(b"an invented master secret for tests only")
        self.stage = Stage(SqlWork(engine, FieldCipher({1: key}, index_key)))
        self.stage.set_up()
        app = Flask("fuzz")
        doorway = Doorway(
            lambda incoming: receive_message(self.stage.desk, incoming),
            lambda: datetime.fromtimestamp(NOW, UTC),
            texts()["error.apology"].replace("{reference}", "{}").format,
            self._note,
        )
        app.register_blueprint(create_blueprint(ENVELOPES[Mode.SAFE], doorway))
        self.client = app.test_client()

    @staticmethod
    def _note(_: Sequence[Report], __: Sequence[Consent]) -> None:
        return None

    def graduate(self, start: str) -> str:
        """Store a graduate of this example's own; return the account."""
        number = next(_COUNT)
        openid = f"oFuzz{number}"
        dossier: Dossier = {
            "new": people.new_dossier(),
            "checked": replace(people.new_dossier(openid), checked_at=people.BEFORE),
            "ready": people.ready(openid),
            "verified": replace(people.verified(), openid=openid),
        }[start]
        who = replace(
            dossier.graduate, student_number=f"S{number}", identity_number=IdentityNumber("11010119900100002X")
        )
        verifications = tuple(
            replace(each, id=f"{number:030}{place:02}", number=f"{number * 4 + place:08}")
            for place, each in enumerate(dossier.verifications)
        )
        self._store(replace(dossier, graduate=who, verifications=verifications))
        return openid

    def _store(self, dossier: Dossier) -> None:
        with self.stage.work.writing() as uow:
            uow.registry.add_many([replace(dossier, id=uuid.uuid4().hex)])
            uow.commit()

    def push(self, plain: bytes) -> str:
        """Push any bytes; return the words of the answer, "" for none, after looking at it as strictly as WeChat."""
        query, body = pushed(plain)
        answer = self.client.post("/wechat", query_string=query, data=body)
        assert answer.status_code in {200, 400, 413}, answer.status_code
        if answer.status_code != 200 or answer.data == b"success":
            return ""
        reply = ET.fromstring(PLATFORM.read_reply(answer.get_data(as_text=True)))  # noqa: S314 - our own answer
        words = reply.findtext("Content") or ""
        assert reply.findtext("MsgType") == "text"
        assert 0 < len(words.encode()) <= LONGEST
        assert not [secret for secret in SECRETS if secret in words]
        assert texts()["error.apology"][:12] not in words, "our code failed"
        return words


@cache
def town() -> Town:
    return Town()


def check_push(plain: bytes) -> None:
    words = town().push(plain)
    assert words == town().push(plain), "a re-push got another answer"


_SAID = st.one_of(
    st.sampled_from([seed.decode() for seed in seeds("talk")]),
    anything(seeds("talk")).map(lambda text: text.decode(errors="ignore")),
    st.text(max_size=80),
    st.text("0123456789年月日-/.零一二三四五六七八九十上下个周至到 ", max_size=14),
)
_TAPPED = st.one_of(st.none(), st.text(string.digits, max_size=12), st.sampled_from(("-1", "2147483647", "2147483648")))


@st.composite
def talks(draw: st.DrawFn) -> tuple[str, list[tuple[str, str | None]]]:
    """Draw a graduate's place in the journey, and what is said from there."""
    start = draw(st.sampled_from(("new", "checked", "ready", "verified")))
    return start, draw(st.lists(st.tuples(_SAID, _TAPPED), min_size=1, max_size=6))


def check_talk(case: tuple[str, list[tuple[str, str | None]]]) -> None:
    start, said = case
    openid = town().graduate(start)
    for words, tapped in [("你好", None), ("同意", None), *said]:
        more = f"<bizmsgmenuid>{tapped}</bizmsgmenuid>" if tapped is not None else ""
        xml = (
            f"<xml><ToUserName>gh</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{NOW}</CreateTime>"
            f"<MsgType>text</MsgType><Content>{markup.cdata(words[:LONGEST_SAID])}</Content><MsgId>{next(_COUNT)}</MsgId>{more}</xml>"
        )
        assert town().push(xml.encode(errors="replace")), "a text was not answered"


TARGETS = (
    Target("envelope", envelopes(), check_envelope),
    Target("message", MESSAGES, check_message),
    Target("push", MESSAGES, check_push, cost=4),
    Target("talk", talks(), check_talk, cost=16),
)
