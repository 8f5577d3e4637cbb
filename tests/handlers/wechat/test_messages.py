import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.incoming import Kind
from bot.errors import BadValueError
from handlers.wechat import messages
from tests.handlers.wechat.counterpart import ACCOUNT, NOW, OPENID, text_message

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1 or str()};" * 10}">' for n in range(1, 9))
    + "]><xml><FromUserName>o</FromUserName><CreateTime>1</CreateTime><Content>&a8;</Content></xml>"
)


def message(kind: str, more: str = "", message_id: str = "<MsgId>1</MsgId>") -> bytes:
    return (
        f"<xml><ToUserName>{ACCOUNT}</ToUserName><FromUserName>{OPENID}</FromUserName>"
        f"<CreateTime>{NOW}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{message_id}{more}</xml>"
    ).encode()


def event(name: str, more: str = "") -> bytes:
    return message("event", f"<Event><![CDATA[{name}]]></Event>{more}", "")


def test_a_text_keeps_its_words_sender_and_time() -> None:
    received = messages.parse(text_message(" 核对]]]]><![CDATA[>单位&lt;😀𠮷\n").encode())
    assert received.account == ACCOUNT
    assert received.incoming.openid == OPENID
    assert received.incoming.at == NOW
    assert received.incoming.kind is Kind.TEXT
    assert received.incoming.text == "核对]]>单位&lt;😀𠮷"
    assert received.incoming.question is None
    assert (received.reports, received.consents) == ((), ())


@pytest.mark.parametrize(
    ("menu_id", "question"),
    [
        ("101", 101),
        ("0", 0),
        (" 7 ", 7),
        ("2147483647", 2**31 - 1),
        ("2147483648", None),
        ("9" * 5000, None),
        ("-1", None),
        ("q1", None),
        ("１", None),
        ("", None),
    ],
)
def test_a_tap_names_its_question_only_by_a_number_that_can_be_ours(menu_id: str, question: int | None) -> None:
    xml = text_message("是", f"<bizmsgmenuid>{menu_id}</bizmsgmenuid>").encode()
    assert messages.parse(xml).incoming.question == question


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("image", Kind.IMAGE),
        ("voice", Kind.VOICE),
        ("video", Kind.VIDEO),
        ("shortvideo", Kind.VIDEO),
        ("location", Kind.LOCATION),
        ("link", Kind.LINK),
        ("hologram", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_every_message_type_has_its_kind_and_no_words(kind: str, expected: Kind) -> None:
    parsed = messages.parse(message(kind, "<Recognition>不可信</Recognition><MediaId>m</MediaId>")).incoming
    assert (parsed.kind, parsed.text) == (expected, "")


@pytest.mark.parametrize(
    ("xml", "kind", "text"),
    [
        (event("subscribe", "<EventKey/>"), Kind.FOLLOW, ""),
        (event("subscribe", "<EventKey>qrscene_dorm5</EventKey><Ticket>t</Ticket>"), Kind.FOLLOW, "dorm5"),
        (event("unsubscribe"), Kind.UNFOLLOW, ""),
        (event("SCAN", "<EventKey>dorm5</EventKey>"), Kind.SCAN, "dorm5"),
        (
            event("scancode_waitmsg", "<ScanCodeInfo><ScanResult>EAN_13,69</ScanResult></ScanCodeInfo>"),
            Kind.SCAN,
            "EAN_13,69",
        ),
        (event("CLICK", "<EventKey>registration</EventKey>"), Kind.MENU, "registration"),
        (event("VIEW", "<EventKey>https://example.edu.cn</EventKey>"), Kind.QUIET, ""),
        (event("LOCATION", "<Latitude>23.1</Latitude>"), Kind.QUIET, ""),
        (event("location_select", "<SendLocationInfo><Label>家</Label></SendLocationInfo>"), Kind.QUIET, ""),
        (event("pic_weixin", "<SendPicsInfo><Count>1</Count></SendPicsInfo>"), Kind.QUIET, ""),
        (event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><Status>success</Status>"), Kind.QUIET, ""),
        (event("MASSSENDJOBFINISH", "<MsgID>1</MsgID>"), Kind.QUIET, ""),
        (
            event("subscribe_msg_popup_event", "<SubscribeMsgPopupEvent/>"),
            Kind.QUIET,
            "",
        ),
        (event("invented_next_year"), Kind.QUIET, ""),
        (event(""), Kind.QUIET, ""),
        (message("event", message_id=""), Kind.QUIET, ""),
    ],
)
def test_every_event_has_its_kind(xml: bytes, kind: Kind, text: str) -> None:
    parsed = messages.parse(xml).incoming
    assert (parsed.kind, parsed.text) == (kind, text)


def test_the_order_of_elements_and_unknown_elements_change_nothing() -> None:
    parts = [
        f"<ToUserName>{ACCOUNT}</ToUserName>",
        f"<FromUserName>{OPENID}</FromUserName>",
        f"<CreateTime>{NOW}</CreateTime>",
        "<MsgType>text</MsgType>",
        "<Content>好</Content>",
        "<MsgId>6074130599188426998</MsgId>",
        "<Unknown><MsgType>image</MsgType></Unknown>",
        "<Idx> </Idx>",
    ]
    expected = messages.parse(f"<xml>{''.join(parts)}</xml>".encode())
    for seed in range(20):
        random.Random(seed).shuffle(parts)
        assert messages.parse(f"<xml>{''.join(parts)}</xml>".encode()) == expected


def key(xml: bytes | str) -> str:
    return messages.parse(xml.encode() if isinstance(xml, str) else xml).incoming.key


def test_a_message_id_counts_to_its_last_digit() -> None:
    # These two are one and the same as floating-point numbers.
    assert float(6074130599188426998) == float(6074130599188426999)
    assert key(text_message(message_id=6074130599188426998)) != key(text_message(message_id=6074130599188426999))


def test_a_repush_has_the_key_of_the_first_push() -> None:
    assert key(text_message("好")) == key(text_message("好", "<Idx/>"))


def test_one_message_id_of_two_people_or_two_times_is_two_messages() -> None:
    xml = text_message()
    assert len({key(xml), key(xml.replace(OPENID, "oOther")), key(xml.replace(str(NOW), str(NOW + 1)))}) == 3


def test_two_events_of_one_second_are_two_events() -> None:
    clicks = {key(event("CLICK", f"<EventKey>{name}</EventKey>")) for name in ("registration", "report")}
    receipts = {key(event("TEMPLATESENDJOBFINISH", f"<MsgID>{number}</MsgID>")) for number in (1, 2)}
    assert len(clicks | receipts | {key(event("subscribe")), key(event("unsubscribe"))}) == 6


def test_two_texts_of_one_second_without_ids_are_two_messages() -> None:
    one, two = (message("text", f"<Content>{word}</Content>", "") for word in ("一", "二"))
    assert key(one) != key(two)


def test_a_key_fits_its_column_however_long_the_event_is() -> None:
    assert len(key(event("VIEW", f"<EventKey>{'x' * 5000}</EventKey>"))) == 64


def test_an_openid_never_shows_in_a_key_or_repr() -> None:
    received = messages.parse(text_message("我的身份证").encode())
    assert OPENID not in repr(received) + received.incoming.key
    assert "身份证" not in repr(received)


@pytest.mark.parametrize(
    "xml",
    [
        BOMB.encode(),
        b"<!DOCTYPE xml><xml><FromUserName>o</FromUserName><CreateTime>1</CreateTime></xml>",
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x.dtd"><xml/>',
        b'<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><FromUserName>&f;</FromUserName></xml>',
        b"<xml><FromUserName>&undefined;</FromUserName></xml>",
        b'<?xml version="1.0" encoding="nonsense"?><xml/>',
        b'<?xml version="1.0" encoding="gb18030"?><xml/>',
        b"<a>" * 20_000,
        b"<xml>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</xml>",
        b"<xml><FromUserName>o</FromUserName><CreateTime>&#xD800;</CreateTime></xml>",
        b"<xml><FromUserName>o</FromUserName><CreateTime>1e9</CreateTime></xml>",
        b"<xml><FromUserName>o x</FromUserName><CreateTime>1</CreateTime></xml>",
        b"<xml><FromUserName></FromUserName><CreateTime>1</CreateTime></xml>",
        b"<xml><CreateTime>1</CreateTime></xml>",
        b"<root><FromUserName>o</FromUserName><CreateTime>1</CreateTime></root>",
        b"\x00",
        b"",
    ],
)
def test_hostile_or_broken_xml_is_refused_without_being_repeated(xml: bytes) -> None:
    with pytest.raises(BadValueError) as caught:
        messages.parse(xml)
    assert caught.value.__cause__ is None
    assert "passwd" not in str(caught.value)


def test_a_graduate_may_write_what_a_document_type_begins_with() -> None:
    assert messages.parse(text_message("<!DOCTYPE html> 是什么").encode()).incoming.text == "<!DOCTYPE html> 是什么"


@given(st.binary(max_size=300))
def test_any_bytes_are_understood_or_refused(body: bytes) -> None:
    try:
        messages.parse(body)
    except BadValueError:
        return


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "FromUserName",
                "CreateTime",
                "MsgType",
                "Event",
                "EventKey",
                "MsgId",
                "Content",
                "bizmsgmenuid",
                "ScanCodeInfo",
            ]
        ),
        st.sampled_from(["", " ", "0", "-1", "event", "text", "CLICK", "SCAN", "o1", "<x/>", "1e400", "9" * 30]),
    )
)
def test_any_combination_of_known_elements_is_understood_or_refused(elements: dict[str, str]) -> None:
    xml = "".join(f"<{tag}>{value}</{tag}>" for tag, value in elements.items())
    good = elements.get("FromUserName", "").strip().isalnum() and elements.get("CreateTime") == "0"
    try:
        parsed = messages.parse(f"<xml>{xml}</xml>".encode())
    except BadValueError:
        assert not good
    else:
        assert isinstance(parsed.incoming.kind, Kind)
