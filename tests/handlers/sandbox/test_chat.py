"""A phone and a bot talk over real HTTP, in the three modes and under every kind of bad answer."""

import time
from dataclasses import replace
from urllib.parse import quote

import pytest

from handlers.sandbox import ChsiOptions, NothingToTapError, Sandbox, SandboxError
from tests.handlers.sandbox.stage import Stage, sealed_reply, text_reply

BANNER = "该公众号提供的服务出现故障，请稍后再试"


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_text_is_echoed_in_every_mode(stage: Stage, mode: str) -> None:
    stage.sandbox.mode = mode
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    answer = phone.say("你好 ]]> <b>&</b> 𠮷")
    assert answer is not None
    assert answer.text == "回：你好 ]]> <b>&</b> 𠮷"
    assert ("encrypt_type" in stage.bot.queries[-1]) == (mode != "plain")
    assert [bubble.side for bubble in phone.bubbles] == ["them", "me", "them"]


def test_an_openid_looks_real_and_stays(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    assert len(phone.openid) == 28
    assert phone.openid.startswith("o")
    assert stage.sandbox.phone("手机 A").openid == phone.openid
    assert stage.sandbox.phone("手机 B").openid != phone.openid


def test_a_phone_that_does_not_follow_cannot_write(stage: Stage) -> None:
    with pytest.raises(SandboxError, match="does not follow"):
        stage.sandbox.phone("手机 A").say("你好")
    assert stage.bot.messages == []


def test_every_kind_of_message_reaches_the_bot(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow("dorm7")
    for send in (phone.send_image, phone.send_voice, phone.send_video, phone.send_location, phone.send_link):
        assert send() is not None
    phone.unfollow()
    kinds = [node.get("MsgType") for node in stage.bot.messages]
    assert kinds == ["event", "image", "voice", "video", "location", "link", "event"]
    assert stage.bot.messages[0].get("EventKey") == "qrscene_dorm7"
    assert stage.bot.messages[-1].get("Event") == "unsubscribe"
    assert len({node.get("MsgId") for node in stage.bot.messages[1:-1]}) == 5


def test_a_tap_sends_the_decoded_words_and_the_id(stage: Stage) -> None:
    href = f"weixin://bizmsgmenu?msgmenucontent={quote('1 核对+单位')}&msgmenuid=77"
    stage.bot.answer = lambda node: text_reply(
        node.get("FromUserName") or "", f'请选：\n<a href="{href}">1 核对单位</a>\n<a href="https://x.cn/a?b=1">看</a>'
    )
    phone = stage.sandbox.phone("手机 A")
    first = phone.follow()
    assert first is not None
    assert first.taps == (("1 核对单位", "1 核对+单位", "77"),)
    assert first.links == (("看", "https://x.cn/a?b=1"),)
    assert first.plain == "请选：\n1 核对单位\n看"
    phone.tap("核对")
    assert stage.bot.messages[-1].get("Content") == "1 核对+单位"
    assert stage.bot.messages[-1].get("bizmsgmenuid") == "77"
    assert phone.link("看") == "https://x.cn/a?b=1"
    with pytest.raises(NothingToTapError):
        phone.tap("不存在")


def test_success_and_an_empty_body_are_silence(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    for body in (b"success", b""):
        stage.bot.answer = lambda _node, body=body: body  # type: ignore[misc]  # a default argument binds the value
        assert phone.follow() is None
    assert phone.bubbles == ()


def broken(to: str) -> dict[str, bytes]:
    good = text_reply(to, "好")
    return {
        "json": b'{"text": "hi"}',
        "html": b"<html><body>500</body></html>",
        "unclosed": b"<xml><ToUserName>",
        "control character": good.replace("好".encode(), b"\x0b"),
        "doctype": b"<!DOCTYPE xml [<!ENTITY a 'b'>]>" + good,
        "too long": text_reply(to, "长" * 683),
        "empty text": text_reply(to, ""),
        "other user": text_reply("oAnother", "好"),
        "other account": text_reply(to, "好", sender="gh_other"),
        "unknown kind": good.replace(b"text", b"poem"),
        "unknown picture": good.replace(b"text", b"image"),
        "wrong appid": sealed_reply(good, app_id="wx0000000000000000"),
        "wrong signature": sealed_reply(good, token="other"),
        "two articles": good.replace(b"text", b"news").replace(
            b"</xml>",
            b"<ArticleCount>2</ArticleCount><Articles><item><Title>a</Title></item>"
            b"<item><Title>b</Title></item></Articles></xml>",
        ),
    }


@pytest.mark.parametrize("fault", sorted(broken("")))
def test_a_malformed_answer_shows_the_banner_at_once(stage: Stage, fault: str) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    stage.bot.seal = fault not in {"wrong appid", "wrong signature"}
    stage.bot.answer = lambda _node: broken(phone.openid)[fault]
    answer = phone.say("你好")
    assert answer is not None
    assert (answer.side, answer.kind, answer.text) == ("system", "banner", BANNER)
    assert stage.sandbox.pushes[-1].outcome == "fault"
    assert stage.sandbox.pushes[-1].attempt == 1


def test_the_longest_text_still_passes(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    stage.bot.answer = lambda _node: text_reply(phone.openid, "长" * 682)
    answer = phone.follow()
    assert answer is not None
    assert len(answer.text.encode()) == 2046


def test_a_plain_answer_in_safe_mode_shows_the_banner(stage: Stage) -> None:
    stage.bot.seal = False
    answer = stage.sandbox.phone("手机 A").follow()
    assert answer is not None
    assert answer.kind == "banner"
    stage.sandbox.mode = "compatible"
    again = stage.sandbox.phone("手机 A").say("好")
    assert again is not None
    assert again.kind == "text"


def test_a_slow_bot_gets_three_pushes_of_one_message_and_then_the_banner(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    stage.bot.answer = lambda _node: time.sleep(0.6) or b"success"  # type: ignore[func-returns-value]  # sleep gives None
    start = time.monotonic()
    answer = phone.say("你好")
    assert answer is not None
    assert answer.text == BANNER
    assert 1.1 < time.monotonic() - start < 2
    pushes = stage.sandbox.pushes[-3:]
    assert [push.attempt for push in pushes] == [1, 2, 3]
    assert len({push.fields["MsgId"] for push in pushes}) == 1
    assert len({query["nonce"] for query in stage.bot.queries[-3:]}) == 3


def test_a_late_answer_is_lost_and_the_second_push_is_answered(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    pauses = iter((0.6, 0.0))
    count = iter(range(9))

    def slow_once(_node: object) -> bytes:
        number = next(count)
        time.sleep(next(pauses))
        return text_reply(phone.openid, f"答 {number}")

    stage.bot.answer = slow_once
    answer = phone.say("你好")
    assert answer is not None
    assert answer.text == "答 1"
    assert [bubble.text for bubble in phone.bubbles][-2:] == ["你好", "答 1"]


def test_injected_push_faults_repeat_the_message(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    for fault, seconds in (("drop", 0.0), ("delay", 3.0), ("duplicate", 0.0)):
        stage.sandbox.inject(fault, seconds=seconds)
        answer = phone.say(fault)
        assert answer is not None
        assert answer.text == f"回：{fault}"
        time.sleep(0.05)
        assert [node.get("Content") for node in stage.bot.messages].count(fault) == 2
        assert [bubble.text for bubble in phone.bubbles].count(f"回：{fault}") == 1


def test_the_same_message_can_be_pushed_again_by_hand(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    phone.say("你好", at=1_700_000_000)
    fields = stage.sandbox.pushes[-1].fields
    again = phone.push(fields)
    assert stage.bot.messages[-1].get("CreateTime") == "1700000000"
    assert stage.bot.messages[-1].get("MsgId") == stage.bot.messages[-2].get("MsgId")
    assert "回：你好" in again.reply
    assert again.body.startswith(b"<xml><Encrypt>")
    assert len(phone.bubbles) == 3


def test_the_address_is_verified_by_its_echo(stage: Stage) -> None:
    assert stage.sandbox.verify_url()
    stage.bot.echoes = False
    assert not stage.sandbox.verify_url()


def test_nobody_at_the_webhook_counts_as_no_answer(stage: Stage) -> None:
    account = replace(stage.sandbox.account, webhook_url="http://127.0.0.1:9/wechat")
    sandbox = Sandbox(account, ChsiOptions("secret", stage.url), reply_limit=0.1)
    answer = sandbox.phone("手机 A").follow()
    assert answer is not None
    assert answer.text == BANNER
    assert [(push.outcome, push.status) for push in sandbox.pushes] == [("nothing", None)] * 3
