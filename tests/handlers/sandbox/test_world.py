"""What the sandbox remembers outlives it; what the page gets is safe and complete."""

import io
from pathlib import Path

import qrcode
import requests

from handlers.sandbox import DEMO_TEMPLATE_ID
from handlers.sandbox.bubble import Bubble, segments
from handlers.sandbox.world import MAX_BUBBLES, World
from tests.handlers.sandbox.stage import Stage, raised, text_reply


def test_phones_chats_menu_and_people_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite3"
    with raised(file) as stage:
        phone = stage.sandbox.phone("手机 A")
        phone.follow("dorm7")
        phone.say("你好")
        stage.sandbox.phone("手机 0")
        stage.api("menu/create", {"button": [{"type": "click", "name": "去向登记", "key": "register"}]})
        stage.sandbox.chsi.set_person("11010519491231002X", "张三", bound=False)
        token, before = stage.api("user/get"), phone.bubbles
    with raised(file) as stage:
        again = stage.sandbox.phone("手机 A")
        assert (again.openid, again.following, again.bubbles) == (phone.openid, True, before)
        assert [each.name for each in stage.sandbox.phones()] == ["手机 A", "手机 0"]
        assert again.menu("register") is not None
        assert stage.sandbox.chsi.binding("张三", "11010519491231002x") == "unbound"
        assert stage.api("user/get") == token
        message = {"touser": again.openid, "msgtype": "text", "text": {"content": "还在窗口内"}}
        assert stage.api("message/custom/send", message)["errcode"] == 0
        assert again.bubbles[-1].number > before[-1].number


def test_a_message_sent_before_a_restart_is_not_sent_again_after_it(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite3"
    data = {"thing1": {"value": "档案信息登记"}, "time2": {"value": "2023年7月3日 23:59"}}
    answers = []
    for _ in range(2):
        with raised(file) as stage:
            phone = stage.sandbox.phone("手机 A")
            if not phone.following:
                phone.follow()
            form = {"touser": phone.openid, "template_id": DEMO_TEMPLATE_ID, "data": data, "client_msg_id": "n-1"}
            answers.append(stage.api("message/template/send", form)["msgid"])
            shown = [bubble.kind for bubble in phone.bubbles]
    assert answers[0] == answers[1]
    assert shown.count("template") == 1


def test_old_bubbles_fall_out(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite3"
    world = World(file)
    with world.change():
        for number in range(MAX_BUBBLES + 3):
            world.say("手机 A", Bubble("me", "text", str(number), 0.0), 1.0)
    world.close()
    again = World(file)
    chat = again.chat("手机 A")
    again.close()
    assert (len(chat), chat[0].text) == (MAX_BUBBLES, "3")


def test_a_killed_change_leaves_the_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.sqlite3"
    world = World(file)
    world.set_fact("a", 1)
    with world.change():
        world.set_fact("a", 2)
        world.set_fact("b", 2)
        seen = World(file)  # what another process would find after a kill at this very moment
        assert (seen.fact("a", 0), seen.fact("b", 0)) == (1, 0)
        seen.close()
    world.close()


def test_only_known_links_become_links() -> None:
    hostile = (
        '<script>alert(1)</script><a href="javascript:alert(1)">x</a><a href="data:text/html,x">y</a>'
        '<a href="weixin://dl/business">z</a><img src=x onerror=alert(1)><a href="https://ok.cn/?a=1&amp;b=2">好</a>'
    )
    parts = segments(hostile)
    assert [(part.label, part.target) for part in parts if part.kind != "text"] == [("好", "https://ok.cn/?a=1&b=2")]
    assert "".join(part.label for part in parts if part.kind == "text") == hostile[: hostile.index('<a href="https')]


def test_a_dead_tap_without_id_is_only_words() -> None:
    assert [part.kind for part in segments('<a href="weixin://bizmsgmenu?msgmenucontent=1">是</a>')] == ["text"]


def test_the_page_acts_and_polls(stage: Stage) -> None:
    page = requests.get(f"{stage.url}/", timeout=5)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    act = f"{stage.url}/sandbox/act"
    assert requests.post(act, json={"phone": "手机 A", "act": "follow"}, timeout=5).status_code == 200
    said = {"phone": "手机 A", "act": "say", "text": "你好"}
    assert requests.post(act, json=said, timeout=5).status_code == 200
    feed = requests.get(f"{stage.url}/sandbox/feed", timeout=5).json()
    bubbles = feed["phones"][0]["bubbles"]
    assert [bubble["text"] for bubble in bubbles] == ["回：None", "你好", "回：你好"]
    newest = requests.get(f"{stage.url}/sandbox/feed", params={"after": bubbles[1]["number"]}, timeout=5).json()
    assert [bubble["text"] for bubble in newest["phones"][0]["bubbles"]] == ["回：你好"]
    foreign = requests.post(act, json=said, headers={"Origin": "https://evil.example"}, timeout=5)
    assert foreign.status_code == 400
    assert requests.post(act, json={"phone": "手机 A", "act": "explode"}, timeout=5).status_code == 400


def test_the_page_decodes_a_picture_and_sends_one(stage: Stage) -> None:
    buffer = io.BytesIO()
    qrcode.make("https://q.example/v/1").save(buffer)
    files = {"picture": ("code.png", buffer.getvalue(), "image/png")}
    assert requests.post(f"{stage.url}/sandbox/decode", files=files, timeout=5).json() == {
        "text": "https://q.example/v/1"
    }
    junk = {"picture": ("code.svg", b"<svg onload=alert(1)>", "image/png")}
    assert requests.post(f"{stage.url}/sandbox/decode", files=junk, timeout=5).status_code == 400
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    sent = requests.post(f"{stage.url}/sandbox/picture", files=files, data={"phone": "手机 A"}, timeout=5)
    assert sent.status_code == 200
    assert stage.bot.messages[-1].get("PicUrl")


def test_the_panel_switches_mode_and_injects(stage: Stage) -> None:
    panel = f"{stage.url}/sandbox/panel"
    assert requests.post(panel, json={"mode": "plain", "fault": "drop", "times": 2}, timeout=5).status_code == 200
    assert stage.sandbox.mode == "plain"
    feed = requests.get(f"{stage.url}/sandbox/feed", timeout=5).json()
    assert [(fault["name"], fault["times"]) for fault in feed["faults"]] == [("drop", 2)]
    assert requests.post(panel, json={"mode": "odd"}, timeout=5).status_code == 400
    assert requests.post(panel, json={"clear": True}, timeout=5).status_code == 200
    stage.bot.answer = lambda node: text_reply(node.get("FromUserName") or "", "好")
    assert stage.sandbox.phone("手机 A").follow() is not None
    assert len(stage.sandbox.pushes) == 1
