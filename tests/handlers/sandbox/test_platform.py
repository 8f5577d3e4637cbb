"""The platform's API answers as documented, its limits and its error codes included."""

import io
import threading

import pytest
import requests
import zxingcpp
from PIL import Image
from wechatpy import WeChatClient

from handlers.sandbox import DEMO_TEMPLATE_ID
from tests.handlers.sandbox.stage import APP_ID, SECRET, Stage, code, fetch, later

MENU = {
    "button": [
        {"name": "毕业生", "sub_button": [{"type": "click", "name": "去向登记", "key": "register"}]},
        {"type": "view", "name": "学校主页", "url": "https://example.com/"},
        {"type": "scancode_waitmsg", "name": "扫码核验", "key": "scan"},
    ]
}
DATA = {"thing1": {"value": "档案信息登记"}, "time2": {"value": "2023年7月3日 23:59"}}


def test_the_menu_is_checked_and_its_buttons_push_events(stage: Stage) -> None:
    assert code(stage.api("menu/get")) == 46003
    assert code(stage.api("menu/create", {"button": []})) == 40016
    bad = {"button": [{"type": "click", "name": "x", "key": "k" * 129}]}
    assert code(stage.api("menu/create", bad)) == 40019
    assert code(stage.api("menu/create", MENU)) == 0
    assert stage.api("menu/get")["menu"]
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    phone.menu("register")
    phone.menu("学校主页")
    phone.menu("scan", scanned="https://q.example/v/1")
    events = [(node.get("Event"), node.get("EventKey")) for node in stage.bot.messages[1:]]
    assert events == [("CLICK", "register"), ("VIEW", "https://example.com/"), ("scancode_waitmsg", "scan")]
    assert stage.bot.messages[-1].get("ScanCodeInfo", "ScanResult") == "https://q.example/v/1"
    assert code(stage.api("menu/delete")) == 0
    assert code(stage.api("menu/get")) == 46003


def test_customer_messages_have_windows_and_counts(stage: Stage) -> None:
    move, phone = later(stage), stage.sandbox.phone("手机 A")
    message = {"touser": phone.openid, "msgtype": "text", "text": {"content": "您的档案已通过审核"}}
    assert code(stage.api("message/custom/send", message)) == 43004
    phone.follow()
    assert [code(stage.api("message/custom/send", message)) for _ in range(4)] == [0, 0, 0, 45047]
    move(61)
    assert code(stage.api("message/custom/send", message)) == 45015
    phone.say("你好")
    assert [code(stage.api("message/custom/send", message)) for _ in range(6)] == [0] * 5 + [45047]
    phone.say("你好")
    move(48 * 3600 + 1)
    assert code(stage.api("message/custom/send", message)) == 45015
    assert code(stage.api("message/custom/send", message | {"touser": "o-nobody"})) == 40003
    assert [bubble.text for bubble in phone.bubbles].count("您的档案已通过审核") == 8


def test_a_menu_message_is_tapped_like_a_link(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    menu = {"head_content": "满意吗？", "list": [{"id": "101", "content": "满意 & 好"}], "tail_content": "谢谢"}
    message = {"touser": phone.openid, "msgtype": "msgmenu", "msgmenu": menu}
    assert code(stage.api("message/custom/send", message)) == 0
    assert phone.bubbles[-1].plain == "满意吗？\n满意 & 好\n谢谢"
    phone.tap("满意")
    assert stage.bot.messages[-1].get("bizmsgmenuid") == "101"
    assert stage.bot.messages[-1].get("Content") == "满意 & 好"


def test_a_template_message_is_sent_once_per_client_id_and_reported(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    notice = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA, "client_msg_id": "n-1"}
    first = stage.api("message/template/send", notice)
    assert stage.api("message/template/send", notice)["msgid"] == first["msgid"]
    stage.sandbox.settle()
    assert [bubble.kind for bubble in phone.bubbles].count("template") == 1
    finished = stage.bot.messages[-1]
    assert (finished.get("Event"), finished.get("Status")) == ("TEMPLATESENDJOBFINISH", "success")
    assert finished.get("MsgID") == str(first["msgid"])
    assert code(stage.api("message/template/send", notice | {"template_id": "x"})) == 40037
    missing = {name: value for name, value in DATA.items() if name != "time2"}
    assert code(stage.api("message/template/send", notice | {"data": missing, "client_msg_id": "n-2"})) == 47003
    long = DATA | {"thing1": {"value": "长" * 21}}
    assert code(stage.api("message/template/send", notice | {"data": long, "client_msg_id": "n-3"})) == 47003


def test_a_subscription_notice_needs_a_consent_each_time(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    notice = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": DATA}
    assert code(stage.api("message/subscribe/bizsend", notice)) == 43101
    stage.sandbox.consent(phone, DEMO_TEMPLATE_ID)
    assert [code(stage.api("message/subscribe/bizsend", notice)) for _ in range(2)] == [0, 43101]


def test_a_mass_message_goes_out_once_per_clientmsgid(stage: Stage) -> None:
    phones = [stage.sandbox.phone(f"手机 {letter}") for letter in "ABC"]
    for phone in phones[:2]:
        phone.follow()
    job = {"touser": [p.openid for p in phones], "msgtype": "text", "text": {"content": "通知"}, "clientmsgid": "j-1"}
    sent = stage.api("message/mass/send", job)
    again = stage.api("message/mass/send", job)
    assert (code(again), again["msg_id"]) == (45065, sent["msg_id"])
    stage.sandbox.settle()
    event = stage.bot.messages[-1]
    counts = [event.get(name) for name in ("TotalCount", "FilterCount", "SentCount", "ErrorCount")]
    assert (event.get("Event"), counts) == ("MASSSENDJOBFINISH", ["3", "2", "2", "0"])
    assert [p.bubbles[-1].text if p.bubbles else "" for p in phones] == ["通知", "通知", ""]
    assert stage.api("message/mass/get", {"msg_id": sent["msg_id"]})["msg_status"] == "SEND_SUCCESS"
    assert code(stage.api("message/mass/send", job | {"touser": [phones[0].openid]})) == 40032
    preview = {"touser": phones[0].openid, "msgtype": "text", "text": {"content": "预览"}}
    assert code(stage.api("message/mass/preview", preview)) == 0
    assert phones[0].bubbles[-1].text == "预览"
    assert code(stage.api("message/mass/delete", {"msg_id": sent["msg_id"]})) == 40004


def test_a_user_gets_four_mass_messages_a_month(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    for number in range(5):
        text = {"content": f"通知 {number}"}
        stage.api("message/mass/sendall", {"filter": {"is_to_all": True}, "msgtype": "text", "text": text})
    stage.sandbox.settle()
    notices = [bubble.text for bubble in phone.bubbles if bubble.text.startswith("通知")]
    assert notices == [f"通知 {number}" for number in range(4)]
    errors = [node.get("ErrorCount") for node in stage.bot.messages if node.get("Event") == "MASSSENDJOBFINISH"]
    assert sorted(str(error) for error in errors) == ["0", "0", "0", "0", "1"]


def test_tags_select_the_audience(stage: Stage) -> None:
    phones = [stage.sandbox.phone(f"手机 {letter}") for letter in "AB"]
    for phone in phones:
        phone.follow()
    tag = stage.api("tags/create", {"tag": {"name": "2023届"}})["tag"]
    assert isinstance(tag, dict)
    number = tag["id"]
    assert code(stage.api("tags/create", {"tag": {"name": "2023届"}})) == 45157
    assert code(stage.api("tags/create", {"tag": {"name": "长" * 11}})) == 45158
    batch = {"tagid": number, "openid_list": [phones[1].openid]}
    assert code(stage.api("tags/members/batchtagging", batch)) == 0
    assert code(stage.api("tags/members/batchtagging", batch | {"openid_list": ["o-x"]})) == 49003
    assert code(stage.api("tags/members/batchtagging", batch | {"tagid": 7})) == 45159
    fans = stage.api("user/tag/get", {"tagid": number})
    assert fans["data"] == {"openid": [phones[1].openid]}
    stage.api("message/mass/sendall", {"filter": {"tag_id": number}, "msgtype": "text", "text": {"content": "届"}})
    assert [phone.bubbles[-1].text for phone in phones] != ["届", "届"]
    assert phones[1].bubbles[-1].text == "届"
    assert stage.api("user/info", openid=phones[1].openid)["tagid_list"] == [number]
    assert code(stage.api("tags/delete", {"tag": {"id": number}})) == 0
    assert stage.api("tags/getidlist", {"openid": phones[1].openid})["tagid_list"] == []


def test_followers_are_paged(stage: Stage) -> None:
    phones = [stage.sandbox.phone(f"手机 {letter}") for letter in "AB"]
    for phone in phones:
        phone.follow()
    everyone = stage.api("user/get")
    assert everyone["data"] == {"openid": [phone.openid for phone in phones]}
    assert everyone["next_openid"] == phones[1].openid
    empty = stage.api("user/get", next_openid=phones[1].openid)
    assert (empty["count"], "data" in empty) == (0, False)


def test_a_qr_code_follows_and_then_scans(stage: Stage) -> None:
    info = {"scene": {"scene_str": "dorm7"}}
    made = stage.api("qrcode/create", {"action_name": "QR_STR_SCENE", "action_info": info, "expire_seconds": 600})
    query = {"ticket": str(made["ticket"])}
    picture = requests.get(f"{stage.url}/sandbox/platform/cgi-bin/showqrcode", params=query, timeout=5)
    (read,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.content)).convert("L"))
    assert read.text == made["url"]
    phone = stage.sandbox.phone("手机 A")
    phone.scan(read.text)
    phone.scan(read.text)
    events = [(node.get("Event"), node.get("EventKey"), node.get("Ticket")) for node in stage.bot.messages]
    assert events == [("subscribe", "qrscene_dorm7", made["ticket"]), ("SCAN", "dorm7", made["ticket"])]
    bad = {"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}}
    assert code(stage.api("qrcode/create", bad)) == 40053


def test_an_uploaded_picture_can_be_sent(stage: Stage) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(buffer, "PNG")
    token = str(fetch(stage)["access_token"])
    url = f"{stage.url}/sandbox/platform/cgi-bin/media/upload"
    file = ("a.png", buffer.getvalue(), "image/png")
    media_id = requests.post(
        url, params={"access_token": token, "type": "image"}, files={"media": file}, timeout=5
    ).json()["media_id"]
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    message = {"touser": phone.openid, "msgtype": "image", "image": {"media_id": media_id}}
    assert code(stage.api("message/custom/send", message)) == 0
    shown = requests.get(stage.url + phone.bubbles[-1].picture, timeout=5)
    assert (shown.content, shown.headers["X-Content-Type-Options"]) == (buffer.getvalue(), "nosniff")
    assert code(stage.api("message/custom/send", message | {"image": {"media_id": "x"}})) == 40007


def test_unknown_addresses_methods_and_bodies_have_their_codes(stage: Stage) -> None:
    assert code(stage.api("no/such")) == 40066
    assert code(stage.api("tags/get", {})) == 43001
    assert code(stage.api("tags/create")) == 43002
    assert code(stage.api("tags/create", [])) == 47001
    cleared = [code(stage.api("clear_quota", {"appid": APP_ID})) for _ in range(11)]
    assert cleared == [0] * 10 + [48006]


def test_wechatpy_works_against_it(stage: Stage) -> None:
    class Client(WeChatClient):  # type: ignore[misc]  # wechatpy has no types
        API_BASE_URL = f"{stage.url}/sandbox/platform/cgi-bin/"

    client = Client(APP_ID, SECRET, access_token=fetch(stage)["access_token"], timeout=5)
    client.menu.create(MENU)
    assert client.menu.get()["menu"]["button"][0]["name"] == "毕业生"
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    client.message.send_text(phone.openid, "来自 wechatpy")
    assert phone.bubbles[-1].text == "来自 wechatpy"
    tag = client.tag.create("研究生")
    client.tag.tag_user(tag["id"], phone.openid)
    assert client.user.get(phone.openid)["tagid_list"] == [tag["id"]]
    assert list(client.user.iter_followers()) == [phone.openid]
    assert client.media.upload("image", ("a.png", b"x", "image/png"))["media_id"]
    assert client.message.send_template(phone.openid, DEMO_TEMPLATE_ID, DATA)["msgid"]


@pytest.mark.parametrize("calls", [24])
def test_many_threads_do_not_lose_a_message(stage: Stage, calls: int) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    threads = [threading.Thread(target=phone.say, args=(str(number),)) for number in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(b.text for b in phone.bubbles if b.side == "me") == sorted(map(str, range(calls)))
    assert len({bubble.number for bubble in phone.bubbles}) == len(phone.bubbles) == 2 * calls + 1
