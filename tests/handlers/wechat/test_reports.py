"""What the platform tells of its own accord is understood in whatever form it comes, and nothing makes it crash."""

import random
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.incoming import Kind
from bot.errors import BadValueError
from bot.notices.delivery import DeliveryState, Reason
from bot.notices.report import Report
from handlers.wechat import messages
from tests.handlers.wechat.counterpart import ACCOUNT, NOW, OPENID

TEMPLATE_ID = "VRR0UEO9VJOLs0MHlU0OilqX6MVFDwH3_3gz3Oc0NIc"
DELIVERED = (DeliveryState.DELIVERED, None)
BLOCKED = (DeliveryState.FAILED_PERM, Reason.BLOCKED)
CONTENT = (DeliveryState.FAILED_PERM, Reason.CONTENT)
OFTEN = (DeliveryState.FAILED_TEMP, Reason.TOO_FREQUENT)
FAILED = (DeliveryState.FAILED_TEMP, Reason.PLATFORM)


def event(name: str, more: str, sender: str = OPENID, at: int = NOW) -> bytes:
    return (
        f"<xml><ToUserName>{ACCOUNT}</ToUserName><FromUserName>{sender}</FromUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType>event</MsgType><Event>{name}</Event>{more}</xml>"
    ).encode()


def told(name: str, more: str) -> list[tuple[str, DeliveryState, Reason | None]]:
    return [(one.message_id, one.state, one.reason) for one in messages.parse(event(name, more)).reports]


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        ("success", DELIVERED),
        ("<![CDATA[ Success ]]>", DELIVERED),
        ("failed:user block", BLOCKED),
        ("failed: user block", BLOCKED),
        ("FAILED：User  Block", BLOCKED),
        ("failed: system failed", FAILED),
        ("failed:freq limit", OFTEN),
        ("failed", FAILED),
        ("failed:moon phase", FAILED),
    ],
)
def test_a_template_message_has_its_fate(status: str, fate: tuple[DeliveryState, Reason | None]) -> None:
    found = told("TEMPLATESENDJOBFINISH", f"<MsgID>200163836</MsgID><Status>{status}</Status>")
    assert found == [("200163836", *fate)]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "<MsgID/><Status>success</Status>",
        "<MsgID> </MsgID><Status>success</Status>",
        "<MsgID>1</MsgID>",
        "<MsgID>1</MsgID><Status/>",
        "<MsgID>1</MsgID><Status>perhaps</Status>",
        f"<MsgID>{'9' * 65}</MsgID><Status>success</Status>",
        "<MsgID>一</MsgID><Status>success</Status>",
    ],
)
def test_what_names_no_message_or_says_nothing_certain_is_no_report(more: str) -> None:
    for name in ("TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH", "subscribe_msg_sent_event"):
        received = messages.parse(event(name, more))
        assert received.reports == ()
        assert received.incoming.kind is Kind.QUIET


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        ("send success", DELIVERED),
        ("sendsuccess", DELIVERED),
        ("send fail", FAILED),
        ("Send Failed", FAILED),
        ("err(40001)", FAILED),
        ("ERR( 40002 )", FAILED),
        ("err(10001)", CONTENT),
        ("err(20431)", CONTENT),
        ("err", CONTENT),
    ],
)
def test_a_mass_job_has_its_fate(status: str, fate: tuple[DeliveryState, Reason | None]) -> None:
    assert told("MASSSENDJOBFINISH", f"<MsgID>1988</MsgID><Status>{status}</Status>") == [("1988", *fate)]


def test_a_mass_job_brings_its_numbers_as_far_as_they_are_numbers_and_names_nobody() -> None:
    more = (
        "<MsgID>1000001625</MsgID><Status>send success</Status><TotalCount>100</TotalCount><SentCount> 75 </SentCount>"
        "<FilterCount>x</FilterCount><ErrorCount>-5</ErrorCount>"
        "<CopyrightCheckResult><Count>0</Count><CheckState>2</CheckState></CopyrightCheckResult>"
    )
    one, other = (messages.parse(event("MASSSENDJOBFINISH", more, sender)) for sender in ("oR5Gjjl", "我 们"))
    assert one.reports == other.reports
    assert one.incoming.openid == ""
    (report,) = one.reports
    assert report.counts == {"TotalCount": 100, "SentCount": 75}
    assert report.is_of_batch


def test_a_mass_job_without_a_sender_is_understood_all_the_same() -> None:
    xml = event("masssendjobfinish", "<MsgID>1</MsgID><Status>send success</Status>")
    assert len(messages.parse(xml.replace(f"<FromUserName>{OPENID}</FromUserName>".encode(), b"")).reports) == 1


def sent(code: object = "", status: str = "", message_id: str = "1700827132819554304") -> str:
    return (
        f"<List><TemplateId>{TEMPLATE_ID}</TemplateId><MsgID>{message_id}</MsgID><ErrorCode>{code}</ErrorCode>"
        f"<ErrorStatus>{status}</ErrorStatus></List>"
    )


@pytest.mark.parametrize(
    ("code", "status", "fate"),
    [
        (0, "success", DELIVERED),
        ("00", "", DELIVERED),
        ("", "Success", DELIVERED),
        (43101, "user refuse to accept the msg", BLOCKED),
        (48002, "", BLOCKED),
        (-1, "system error", FAILED),
        (47003, "", FAILED),
        ("", "no idea", FAILED),
        ("x", "success", FAILED),
    ],
)
def test_a_subscription_notice_has_its_fate(code: object, status: str, fate: tuple[DeliveryState, object]) -> None:
    found = told("subscribe_msg_sent_event", f"<SubscribeMsgSentEvent>{sent(code, status)}</SubscribeMsgSentEvent>")
    assert found == [("1700827132819554304", *fate)]


LISTS = [
    "<E>{0}{1}</E>",
    "{0}{1}",
    "<E><List><Item>{0}</Item><Item>{1}</Item></List></E>",
    "<E>{1}</E><F>{0}</F>",
]


@pytest.mark.parametrize("form", LISTS)
def test_one_or_many_in_whatever_list_are_each_read(form: str) -> None:
    found = told("subscribe_msg_sent_event", form.format(sent(0, message_id="11"), sent(43101, message_id="12")))
    assert sorted(found) == [("11", *DELIVERED), ("12", *BLOCKED)]


def popup(status: str, template_id: str = TEMPLATE_ID) -> str:
    return (
        f"<List><TemplateId>{template_id}</TemplateId><SubscribeStatusString>{status}</SubscribeStatusString>"
        "<PopupScene>1</PopupScene></List>"
    )


@pytest.mark.parametrize("form", LISTS)
def test_consents_are_read_one_or_many(form: str) -> None:
    xml = event("subscribe_msg_popup_event", form.format(popup(" ACCEPT "), popup("reject", "other")))
    found = {consent.template_id: consent for consent in messages.parse(xml).consents}
    assert {name: consent.accepts for name, consent in found.items()} == {TEMPLATE_ID: True, "other": False}
    assert {consent.openid for consent in found.values()} == {OPENID}
    assert len({consent.key for consent in found.values()}) == 2


def test_switching_notices_off_takes_consents_away_and_on_gives_none() -> None:
    xml = event("subscribe_msg_change_event", f"<E>{popup('reject')}{popup('accept', 'other')}</E>")
    assert [(one.template_id, one.accepts) for one in messages.parse(xml).consents] == [(TEMPLATE_ID, False)]


@pytest.mark.parametrize("more", ["", "<E/>", popup("filter"), popup("accept", ""), popup("accept", "x" * 65)])
def test_what_is_no_consent_is_none(more: str) -> None:
    assert messages.parse(event("subscribe_msg_popup_event", more)).consents == ()


def only(xml: bytes) -> Report:
    (report,) = messages.parse(xml).reports
    return report


def test_the_same_report_twice_has_one_key_and_another_has_another() -> None:
    name, more = "TEMPLATESENDJOBFINISH", "<MsgID>6074130599188426998</MsgID><Status>success</Status>"
    one = only(event(name, more))
    assert only(event(name.lower(), more + "<Status>failed</Status>")).key == one.key
    others = [
        event(name, more.replace("998<", "999<")),
        event(name, more, "oOther"),
        event(name, more, at=NOW + 1),
        event("subscribe_msg_sent_event", f"<E>{sent(0, message_id='6074130599188426998')}</E>"),
        event("MASSSENDJOBFINISH", more.replace("success", "send success")),
    ]
    keys = {only(xml).key for xml in others} | {one.key}
    assert len(keys) == 6
    assert {len(key) for key in keys} == {64}


def test_the_order_and_case_of_elements_change_nothing() -> None:
    parts = [
        f"<ToUserName>{ACCOUNT}</ToUserName>",
        f"<FromUserName>{OPENID}</FromUserName>",
        f"<CreateTime>{NOW}</CreateTime>",
        "<MsgType>Event</MsgType>",
        "<Event>TemplateSendJobFinish</Event>",
        "<msgid>\n200163836\t</msgid>",
        "<STATUS>failed:user block</STATUS>",
        "<Unknown><Status>success</Status></Unknown>",
    ]
    expected = messages.parse(f"<xml>{''.join(parts)}</xml>".encode())
    assert (expected.reports[0].state, expected.reports[0].reason) == BLOCKED
    for seed in range(20):
        random.Random(seed).shuffle(parts)
        assert messages.parse(f"<xml>{''.join(parts)}</xml>".encode()) == expected


def test_a_time_no_calendar_reaches_is_no_report() -> None:
    more = "<MsgID>1</MsgID><Status>success</Status>"
    assert messages.parse(event("TEMPLATESENDJOBFINISH", more, at=10**12 - 1)).reports == ()


def test_no_report_shows_whom_it_is_about() -> None:
    parsed = messages.parse(event("subscribe_msg_popup_event", popup("accept")))
    also = messages.parse(event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><Status>success</Status>"))
    assert parsed.consents
    assert also.reports
    assert OPENID not in repr(parsed) + repr(also) + parsed.consents[0].key + also.reports[0].key


def test_an_ordinary_message_reports_nothing_whatever_it_contains() -> None:
    more = "<MsgID>1</MsgID><Status>success</Status>"
    xml = event("TEMPLATESENDJOBFINISH", more).replace(b">event<", b">text<")
    assert messages.parse(xml).reports == ()


NAMES = [
    "TEMPLATESENDJOBFINISH",
    "MASSSENDJOBFINISH",
    "subscribe_msg_sent_event",
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
]
TAGS = [
    *("MsgID", "MsgId", "Status", "TotalCount", "FilterCount", "SentCount", "ErrorCount", "List", "item", "TemplateId"),
    *("ErrorCode", "ErrorStatus", "SubscribeStatusString", "PopupScene", "SubscribeMsgSentEvent", "CreateTime"),
    *("FromUserName", "Event", "MsgType", "x"),
]
WORDS = [
    *("", " ", "0", "-1", "1", "43101", "9" * 30, "success", "failed:user block", "failed: system failed", "failed"),
    *("send success", "send fail", "err(40001)", "err(", "err(99999999999)", "accept", "reject", "²", "١", "event"),
    *("1e400", "a" * 70, TEMPLATE_ID, "TEMPLATESENDJOBFINISH"),
]


def element(tag: str, inner: str) -> str:
    return f"<{tag}>{inner}</{tag}>"


words = st.one_of(st.sampled_from(WORDS), st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
inner = st.recursive(
    words.map(escape),
    lambda children: st.lists(st.builds(element, st.sampled_from(TAGS), children), max_size=5).map("".join),
    max_leaves=25,
)


@given(
    st.sampled_from(NAMES),
    st.lists(st.builds(element, st.sampled_from(TAGS), inner), max_size=8).map("".join),
    st.integers(0, 10**12 - 1),
)
def test_any_xml_of_these_events_is_understood_or_refused(name: str, more: str, at: int) -> None:
    try:
        received = messages.parse(event(name, more, at=at))
    except BadValueError:
        # Only broken XML: sender and time are good, and the first of several elements counts.
        assert "\ufffe" in more or "\uffff" in more
        return
    assert received.incoming.kind is Kind.QUIET
    for report in received.reports:
        assert 0 < len(report.message_id) <= 64
        assert (report.openid == "") == (name == "MASSSENDJOBFINISH")
        assert set(report.counts) <= {"TotalCount", "FilterCount", "SentCount", "ErrorCount"}
        assert report.state in {DeliveryState.DELIVERED, DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM}
        assert (report.reason is None) == (report.state is DeliveryState.DELIVERED)
    for consent in received.consents:
        assert 0 < len(consent.template_id) <= 64
        assert consent.openid == OPENID
