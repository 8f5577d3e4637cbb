import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Rendered
from bot.notices.report import Consent, Report
from handlers.wechat.budget import WITHIN, Budget
from handlers.wechat.envelope import Envelope, EnvelopeKeys, Mode
from handlers.wechat.webhook import BODY_LIMIT, Doorway, create_blueprint
from storage.faults import AwayError
from storage.patience import seconds_left
from tests.handlers.wechat.counterpart import AES_KEY, APP_ID, NOW, OPENID, TOKEN, Counterpart, sign, text_message

REPUSHES = Budget().repushes
HOSTILE = "]]>&lt;<b>\x00\x0b\ud800\ufffe]]]]>>😀𠮷"


def event(name: str, more: str = "") -> str:
    head = text_message().replace("<![CDATA[text]]>", "event")
    return head.replace("</xml>", f"<Event>{name}</Event>{more}</xml>")


REPORT = event("TEMPLATESENDJOBFINISH", "<Status>success</Status>")


@dataclass
class Behind:
    """What stands behind the door in these tests: it remembers what came and answers as told."""

    answer: Callable[[Incoming], str] = lambda incoming: f"收到：{incoming.text}"
    seen: list[Incoming] = field(default_factory=list)

    def __call__(self, incoming: Incoming) -> Rendered:
        self.seen.append(incoming)
        return Rendered(self.answer(incoming), NOW + 1)


@dataclass
class Inbox:
    """Where reports go in these tests: it remembers them, or fails as told."""

    reports: list[Report] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    tries: int = 0
    fault: Exception | None = None

    def __call__(self, reports: Sequence[Report], consents: Sequence[Consent]) -> None:
        self.tries += 1
        if self.fault is not None:
            raise self.fault
        self.reports += reports
        self.consents += consents


@dataclass
class Door:
    """The webhook in one mode, seen from the platform."""

    mode: Mode
    behind: Behind = field(default_factory=Behind)
    inbox: Inbox = field(default_factory=Inbox)
    now: datetime = field(default_factory=lambda: datetime.fromtimestamp(NOW, UTC))
    platform: Counterpart = field(default_factory=Counterpart)

    def __post_init__(self) -> None:
        envelope = Envelope(EnvelopeKeys(self.mode, APP_ID, (TOKEN,), (AES_KEY,)))
        doorway = Doorway(self.behind, lambda: self.now, "抱歉，编号{}。".format, self.inbox)
        app = Flask("door")
        app.register_blueprint(create_blueprint(envelope, doorway))
        self.client = app.test_client()

    def push(self, xml: str) -> TestResponse:
        make = {
            Mode.PLAIN: self.platform.plain_push,
            Mode.COMPATIBLE: self.platform.compatible_push,
            Mode.SAFE: self.platform.push,
        }[self.mode]
        query, body = make(xml)
        return self.client.post("/wechat", query_string=query, data=body)

    def read(self, response: TestResponse) -> ET.Element:
        text = response.get_data(as_text=True)
        return ET.fromstring(text if self.mode is Mode.PLAIN else self.platform.read_reply(text))  # noqa: S314 - our own answer


@pytest.fixture(params=list(Mode))
def door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"quxiang_wechat_{name}_total", labels) or 0


def test_the_platform_verifies_our_address(door: Door) -> None:
    query, _ = door.platform.plain_push("")
    response = door.client.get("/wechat", query_string=query | {"echostr": "437512<b>"})
    assert response.status_code == 200
    assert response.get_data(as_text=True) == "437512<b>"
    assert response.mimetype == "text/plain"


def test_a_text_gets_its_answer(door: Door) -> None:
    response = door.push(text_message("你好"))
    reply = door.read(response)
    assert response.status_code == 200
    assert {child.tag: child.text for child in reply} == {
        "ToUserName": OPENID,
        "FromUserName": "gh_680bdefc8c5d",
        "CreateTime": str(NOW + 1),
        "MsgType": "text",
        "Content": "收到：你好",
    }


def test_a_repush_gets_the_same_bytes(door: Door) -> None:
    assert door.push(text_message()).data == door.push(text_message()).data
    assert len(door.behind.seen) == 2
    assert door.behind.seen[0].key == door.behind.seen[1].key


def test_a_repeated_nonce_is_left_to_deduplication(door: Door) -> None:
    query, body = (
        door.platform.plain_push(text_message()) if door.mode is Mode.PLAIN else door.platform.push(text_message())
    )
    statuses = [door.client.post("/wechat", query_string=query, data=body).status_code for _ in range(3)]
    assert statuses == [200, 200, 200]


def test_silence_is_the_plain_word_success(door: Door) -> None:
    door.behind.answer = lambda _: ""
    assert door.push(text_message()).data == b"success"


def test_no_answer_can_break_its_xml(door: Door) -> None:
    door.behind.answer = lambda _: HOSTILE
    assert door.read(door.push(text_message())).findtext("Content") == "]]>&lt;<b>]]]]>>😀𠮷"


def test_a_crash_gives_the_graduate_a_sentence_and_the_log_a_place(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(incoming: Incoming) -> str:
        try:
            return str(int(incoming.text))  # the text of this ValueError quotes what was typed
        except ValueError as error:
            raise RuntimeError(f"{incoming.openid} wrote {incoming.text}") from error

    door.behind.answer = crash
    before = count("crashed")
    content = door.read(door.push(text_message("身份证440100"))).findtext("Content", "")
    reference = content.removeprefix("抱歉，编号").removesuffix("。")
    assert len(reference) == 8
    assert count("crashed") == before + 1
    assert reference in caplog.text
    assert "builtins.RuntimeError at webhook.py:" in caplog.text
    assert "from builtins.ValueError at test_webhook.py:" in caplog.text
    assert OPENID not in caplog.text
    assert "440100" not in caplog.text


def test_a_crash_over_somebody_who_has_left_stays_silent(door: Door) -> None:
    def crash(incoming: Incoming) -> str:
        raise RuntimeError(incoming.kind)

    door.behind.answer = crash
    assert door.push(event("unsubscribe")).data == b"success"
    assert door.behind.seen[0].kind is Kind.UNFOLLOW


def test_who_left_while_the_database_was_away_is_forgotten_when_it_is_back(door: Door) -> None:
    def away(_: Incoming) -> str:
        raise AwayError("the database is away")

    left = event("unsubscribe")
    door.behind.answer = away
    for _ in range(3):
        door.push(left)
    door.behind.seen.clear()
    door.behind.answer = lambda incoming: f"收到：{incoming.text}"
    assert door.read(door.push(text_message("你好"))).findtext("Content") == "收到：你好"
    assert [each.kind for each in door.behind.seen] == [Kind.TEXT, Kind.UNFOLLOW]
    door.push(text_message("好"))
    assert [each.kind for each in door.behind.seen] == [Kind.TEXT, Kind.UNFOLLOW, Kind.TEXT], "three pushes are one"


def test_what_is_owed_waits_on_while_the_database_is_away_and_spoils_nobodys_answer(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[Exception] = [AwayError("away"), AwayError("away again"), RuntimeError(OPENID)]

    def shaky(incoming: Incoming) -> str:
        if incoming.kind is Kind.UNFOLLOW and faults:
            raise faults.pop(0)
        return "好"

    door.behind.answer = shaky
    door.push(event("unsubscribe"))
    for _ in range(4):
        assert door.read(door.push(text_message())).findtext("Content") == "好"
    assert [each.kind for each in door.behind.seen].count(Kind.UNFOLLOW) == 3
    assert faults == []
    assert OPENID not in caplog.text


def test_what_is_owed_takes_no_longer_than_the_answer_it_goes_with(door: Door) -> None:
    left: list[float] = []

    def watched(incoming: Incoming) -> str:
        if not left and incoming.kind is Kind.UNFOLLOW:
            left.append(seconds_left())
            raise AwayError("away")
        left.append(seconds_left())
        return "好"

    door.behind.answer = watched
    door.push(event("unsubscribe"))
    door.push(text_message())
    assert len(left) == 3
    assert max(left) <= Budget().seconds


def test_reports_and_consents_go_into_the_inbox_and_touch_no_conversation(door: Door) -> None:
    answers = [
        door.push(REPORT),
        door.push(REPORT),
        door.push(
            event(
                "subscribe_msg_popup_event",
                "<List><TemplateId>t</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>",
            )
        ),
    ]
    assert [(answer.status_code, answer.data) for answer in answers] == [(200, b"success")] * 3
    assert len({report.key for report in door.inbox.reports}) == 1
    assert [consent.template_id for consent in door.inbox.consents] == ["t"]
    assert door.behind.seen == []


@pytest.mark.parametrize("name", ["LOCATION", "VIEW", "TEMPLATESENDJOBFINISH", "masssendjobfinish", "new_next_year"])
def test_an_event_that_tells_us_nothing_is_answered_and_touches_nothing(door: Door, name: str) -> None:
    answer = door.push(event(name))
    assert (answer.status_code, answer.data) == (200, b"success")
    assert (door.inbox.tries, door.behind.seen) == (0, [])


def test_a_report_that_cannot_be_stored_is_asked_for_again_a_few_times(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.inbox.fault = RuntimeError(f"the database quotes {OPENID}")
    before = count("reports_lost")
    refusals = [door.push(REPORT) for _ in range(REPUSHES)]
    assert {(answer.status_code, answer.data) for answer in refusals} == {(500, b"")}
    assert count("reports_lost") == before
    # From here on the platform might shut the door to everybody.
    assert [door.push(REPORT).data for _ in range(3)] == [b"success"] * 3
    assert count("reports_lost") == before + 3
    assert door.inbox.tries == REPUSHES + 3
    door.now += WITHIN
    assert door.push(REPORT).status_code == 500
    door.inbox.fault = None
    assert door.push(REPORT).data == b"success"
    assert len(door.inbox.reports) == 1
    assert "builtins.RuntimeError at webhook.py:" in caplog.text
    assert OPENID not in caplog.text


def refused(door: Door, response: TestResponse, status: int, reason: str) -> bool:
    assert (response.status_code, response.get_data(as_text=True)) == (status, reason)
    assert response.mimetype == "text/plain"
    return not door.behind.seen


def test_bad_requests_get_a_short_refusal_a_count_and_a_line_without_personal_data(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    before = count("refused", reason="signature")
    query, body = door.platform.push(text_message("秘密"))
    bad = query | {"nonce": "0", "openid": OPENID}
    with caplog.at_level(logging.DEBUG):
        assert refused(door, door.client.post("/wechat", query_string=bad, data=body), 403, "signature")
        assert refused(door, door.client.get("/wechat", query_string=bad | {"echostr": "<script>"}), 403, "signature")
    assert count("refused", reason="signature") == before + 2
    assert [record.getMessage() for record in caplog.records] == ["a request to /wechat was refused: signature"] * 2


def test_a_request_without_anything_is_refused(door: Door) -> None:
    assert door.client.get("/wechat").status_code == 403
    assert door.client.post("/wechat").status_code == 403
    assert door.client.put("/wechat").status_code == 405
    assert not door.behind.seen


def test_a_genuine_push_that_is_no_message_is_refused(door: Door) -> None:
    for xml in ("<xml/>", "{}", '<!DOCTYPE xml [<!ENTITY a "b">]><xml>&a;</xml>'):
        query, body = door.platform.plain_push(xml) if door.mode is Mode.PLAIN else door.platform.push(xml)
        assert refused(door, door.client.post("/wechat", query_string=query, data=body), 400, "malformed")


def test_an_entity_bomb_around_the_ciphertext_is_refused() -> None:
    door = Door(Mode.SAFE)
    query, body = door.platform.push(text_message())
    bomb = b'<!DOCTYPE xml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>' + body.replace(b"<Encrypt>", b"<X>&b;</X><Encrypt>")
    assert refused(door, door.client.post("/wechat", query_string=query, data=bomb), 400, "malformed")


class Untouchable(io.BytesIO):
    """A body nobody may read."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError(f"the body was read: {size}")


def test_a_body_announced_as_too_large_is_refused_unread(door: Door) -> None:
    query, _ = door.platform.plain_push("")
    environ = {"CONTENT_LENGTH": str(BODY_LIMIT + 1)}
    response = door.client.post("/wechat", query_string=query, input_stream=Untouchable(), environ_overrides=environ)
    assert refused(door, response, 413, "too_large")


def test_a_chunked_body_is_read_only_up_to_the_limit(door: Door) -> None:
    query, _ = door.platform.plain_push("")
    stream = io.BytesIO(b"x" * (10 * BODY_LIMIT))
    response = door.client.post(
        "/wechat", query_string=query, input_stream=stream, environ_overrides={"wsgi.input_terminated": True}
    )
    assert refused(door, response, 413, "too_large")
    assert stream.tell() <= 2 * BODY_LIMIT


def test_a_body_of_exactly_the_limit_is_read() -> None:
    door = Door(Mode.PLAIN)
    padding = BODY_LIMIT - len(text_message("").encode())
    assert door.push(text_message("x" * padding)).status_code == 200
    assert len(door.behind.seen[0].text) == padding


def test_a_signature_over_other_parameters_than_the_last_ones_given_twice_is_refused() -> None:
    door = Door(Mode.PLAIN)
    good = sign(TOKEN, str(NOW), "1")
    twice = f"timestamp={NOW}&nonce=2&nonce=1&signature={good}"
    assert refused(door, door.client.post("/wechat", query_string=twice, data=b""), 403, "signature")


def test_what_breaks_outside_the_conversation_is_an_empty_500_and_a_line_without_words(
    door: Door, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> str:
        raise ZeroDivisionError(OPENID)

    monkeypatch.setattr(Envelope, "seal", broken)
    response = door.push(text_message("你好"))
    assert (response.status_code, response.data) == (500, b"")
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("a push was not answered: builtins.ZeroDivisionError at ")
    assert OPENID not in line


def test_a_push_and_a_refusal_have_the_manners_of_every_page(door: Door) -> None:
    for answer in (door.push(text_message()), door.client.post("/wechat", data=b"nonsense")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert int(answer.headers["Content-Length"]) == len(answer.data)
