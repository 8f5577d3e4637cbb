"""What the platform tells later about messages: on time, early, late, twice or never; and consents that come and go."""

import threading

import pytest

from handlers.sandbox import DEMO_TEMPLATE_ID, Phone, SandboxError
from handlers.sandbox.markup import Node
from handlers.sandbox.reports import Reports
from tests.handlers.sandbox.stage import Stage, code

DATA = {"thing1": {"value": "档案信息登记"}, "time2": {"value": "2023年7月3日 23:59"}}
MANY = 40


def send(stage: Stage, *openids: str) -> list[str]:
    """Send each a template message; the msgids."""
    form = {"template_id": DEMO_TEMPLATE_ID, "data": DATA}
    return [str(stage.api("message/template/send", {"touser": openid, **form})["msgid"]) for openid in openids]


def told(stage: Stage) -> list[str | None]:
    return [node.get("MsgID") for node in stage.bot.messages if node.get("Event") == "TEMPLATESENDJOBFINISH"]


@pytest.fixture
def phone(stage: Stage) -> Phone:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    return phone


def test_prompt_reports_of_many_messages_all_arrive(stage: Stage) -> None:
    sent = send(stage, *stage.sandbox.crowd(MANY))
    assert stage.sandbox.settle()
    assert sorted(map(str, told(stage))) == sorted(sent)


def test_an_early_report_comes_before_the_answer(stage: Stage, phone: Phone) -> None:
    stage.sandbox.reports = "early"
    sent = send(stage, phone.openid)
    assert told(stage) == sent


def test_held_reports_come_when_released_in_another_order_and_some_twice(stage: Stage) -> None:
    stage.sandbox.reports = "held"
    sent = send(stage, *stage.sandbox.crowd(MANY))
    assert stage.sandbox.settle()
    assert told(stage) == []
    assert stage.sandbox.release_reports(seed=3, double=0.5) > MANY
    assert stage.sandbox.settle()
    came = [str(each) for each in told(stage)]
    assert set(came) == set(sent)
    assert MANY < len(came) < 2 * MANY
    assert list(dict.fromkeys(came)) != sent
    assert stage.sandbox.release_reports() == 0


def test_lost_reports_never_come(stage: Stage, phone: Phone) -> None:
    stage.sandbox.reports = "lost"
    send(stage, phone.openid)
    assert stage.sandbox.settle()
    assert told(stage) == []
    assert phone.bubbles[-1].kind == "template"


def test_reports_have_four_ways_only(stage: Stage) -> None:
    assert stage.sandbox.reports == "prompt"
    with pytest.raises(SandboxError):
        stage.sandbox.reports = "sometimes"


def test_waiting_ends_when_nothing_moves() -> None:
    free = threading.Event()
    reports = Reports(lambda _fields: free.wait(5))
    reports.tell({"Event": "x"})
    assert not reports.settle(0.1)
    free.set()
    assert reports.settle(5)
    reports.close()
    reports.tell({"Event": "x"})
    assert reports.settle(0.1)


def statuses(stage: Stage) -> list[str | None]:
    stage.sandbox.settle()
    return [node.get("Status") for node in stage.bot.messages if node.get("Event") == "TEMPLATESENDJOBFINISH"]


def test_a_phone_that_blocks_gets_nothing_and_the_report_says_so(stage: Stage, phone: Phone) -> None:
    stage.sandbox.block(phone)
    send(stage, phone.openid)
    assert phone.bubbles[-1].kind != "template"
    assert statuses(stage) == ["failed:user block"]
    stage.sandbox.block(phone, blocked=False)
    send(stage, phone.openid)
    assert phone.bubbles[-1].kind == "template"
    assert statuses(stage)[-1] == "success"


def test_the_system_may_fail_for_everybody_but_one(stage: Stage, phone: Phone) -> None:
    stage.sandbox.template_fate("failed: system failed")
    stage.sandbox.template_fate("success", phone)
    send(stage, phone.openid, *stage.sandbox.crowd(1))
    assert sorted(map(str, statuses(stage))) == ["failed: system failed", "success"]
    with pytest.raises(SandboxError):
        stage.sandbox.template_fate("failed")


def test_an_annoyed_phone_is_left_alone_until_it_is_not(stage: Stage, phone: Phone) -> None:
    stage.sandbox.annoy(phone)
    message = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA}
    assert code(stage.api("message/template/send", message)) == 43117
    (other,) = stage.sandbox.crowd(1)
    assert code(stage.api("message/template/send", message | {"touser": other})) == 0
    stage.sandbox.annoy(phone, annoyed=False)
    assert code(stage.api("message/template/send", message)) == 0


@pytest.mark.parametrize(
    ("fate", "status", "arrives"),
    [
        ("send success", "SEND_SUCCESS", True),
        ("send fail", "SEND_FAIL", False),
        ("err(30003)", "SEND_FAIL", False),
        ("err(40002)", "SEND_FAIL", False),
    ],
)
def test_a_mass_message_ends_as_told(stage: Stage, fate: str, status: str, *, arrives: bool) -> None:
    openids = stage.sandbox.crowd(3)
    stage.sandbox.mass_fate(fate)
    job = {"touser": list(openids), "msgtype": "text", "text": {"content": "通知"}, "clientmsgid": "j-1"}
    sent = stage.api("message/mass/send", job)
    assert stage.api("message/mass/get", {"msg_id": sent["msg_id"]})["msg_status"] == status
    assert stage.sandbox.settle()
    (event,) = stage.bot.messages
    counts = [event.get(name) for name in ("Status", "FilterCount", "SentCount", "ErrorCount")]
    assert counts == [fate, "3", "3" if arrives else "0", "0" if arrives else "3"]
    assert [stage.sandbox.received(openid)["通知"] for openid in openids] == [int(arrives)] * 3


def test_a_mass_message_may_stay_under_way(stage: Stage) -> None:
    stage.sandbox.mass_fate("sending")
    job = {"touser": list(stage.sandbox.crowd(2)), "msgtype": "text", "text": {"content": "通知"}}
    sent = stage.api("message/mass/send", job)
    assert stage.api("message/mass/get", {"msg_id": sent["msg_id"]})["msg_status"] == "SENDING"
    assert stage.sandbox.settle()
    assert stage.bot.messages == []
    with pytest.raises(SandboxError):
        stage.sandbox.mass_fate("err(x)")


def popup(node: Node, element: str) -> list[str | None]:
    names = ("TemplateId", "SubscribeStatusString", "PopupScene")
    return [node.get("Event"), *(node.get(element, "List", name) for name in names)]


def test_a_consent_is_given_in_a_popup_and_used_once(stage: Stage, phone: Phone) -> None:
    message = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA}
    before = phone.bubbles
    phone.accept_subscription(DEMO_TEMPLATE_ID)
    event = stage.bot.messages[-1]
    assert popup(event, "SubscribeMsgPopupEvent") == ["subscribe_msg_popup_event", DEMO_TEMPLATE_ID, "accept", "1"]
    assert event.get("FromUserName") == phone.openid
    assert phone.bubbles == before
    assert [code(stage.api("message/subscribe/bizsend", message)) for _ in range(2)] == [0, 43101]


def test_a_refusal_takes_consents_away(stage: Stage, phone: Phone) -> None:
    message = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA}
    phone.accept_subscription(DEMO_TEMPLATE_ID)
    phone.refuse_subscription(DEMO_TEMPLATE_ID)
    said = popup(stage.bot.messages[-1], "SubscribeMsgPopupEvent")
    assert said == ["subscribe_msg_popup_event", DEMO_TEMPLATE_ID, "reject", "1"]
    assert code(stage.api("message/subscribe/bizsend", message)) == 43101


def test_switching_notices_off_is_an_event_of_its_own(stage: Stage, phone: Phone) -> None:
    message = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA}
    phone.accept_subscription(DEMO_TEMPLATE_ID)
    phone.turn_off_subscription(DEMO_TEMPLATE_ID)
    said = popup(stage.bot.messages[-1], "SubscribeMsgChangeEvent")
    assert said == ["subscribe_msg_change_event", DEMO_TEMPLATE_ID, "reject", None]
    assert code(stage.api("message/subscribe/bizsend", message)) == 43101
