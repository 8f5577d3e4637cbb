"""The post against the local WeChat, over real HTTP: every code comes to the verdict the table promises."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bot.conversation.reply import Reply
from bot.errors import BadValueError
from bot.notices.delivery import Channel
from bot.notices.parcel import MassState, Parcel
from bot.notices.settling import Sent, Verdict
from bot.registration.season import SHANGHAI
from handlers.sandbox import DEMO_TEMPLATE_ID, Phone
from handlers.wechat.client import Account, CallLimits, PlatformClient
from handlers.wechat.faults import ErrorKind, PlatformError, classify
from handlers.wechat.post import WeChatPost
from handlers.wechat.verdicts import PERSONAL, verdict_on
from storage.access_token import AccessTokens
from tests.handlers.sandbox.stage import APP_ID, SECRET, Stage, raised

if TYPE_CHECKING:
    from bot.notices.ports import Post

NOW = datetime(2026, 6, 1, 20, 30, tzinfo=SHANGHAI)
MINUTE, TEN_MINUTES, HOUR = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=SHANGHAI) - NOW
PATHS = {
    Channel.SERVICE: "message/custom/send",
    Channel.TEMPLATE: "message/template/send",
    Channel.SUBSCRIPTION: "message/subscribe/bizsend",
    Channel.MASS: "message/mass/send",
}
# Long enough for a busy machine to answer within, and never for what hangs.
PATIENT, HANGS = 1.0, 2.0
FORMS = (Channel.TEMPLATE, Channel.SUBSCRIPTION)
EVERYWHERE = [40013, 40125, 40164, 40243, 89503]
HERE = [48001, 48004, 53501, 40200, 99999]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with raised() as stage:
        yield stage


Opened = Callable[[str], WeChatPost]


@pytest.fixture
def opened(tokens: AccessTokens) -> Iterator[Opened]:
    """A post to the platform at an address."""
    clients: list[PlatformClient] = []

    def opened(address: str) -> WeChatPost:
        client = PlatformClient(Account(APP_ID, SECRET, address), tokens, CallLimits(read=PATIENT))
        clients.append(client)
        return WeChatPost(client, lambda: NOW, DEMO_TEMPLATE_ID, DEMO_TEMPLATE_ID, "https://q.example/")

    yield opened
    for client in clients:
        client.close()


@pytest.fixture
def post(stage: Stage, opened: Opened) -> WeChatPost:
    return opened(f"{stage.url}/sandbox/platform")


@pytest.fixture
def phone(stage: Stage) -> Phone:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    stage.sandbox.consent(phone, DEMO_TEMPLATE_ID, 9)
    return phone


def parcel(phone: Phone, channel: Channel, number: int = 1) -> Parcel:
    reply = Reply("您的档案信息已通过审核。", choices=("查看进度",), question=7)
    at = datetime(2026, 6, 1, 23, 59, 59, tzinfo=SHANGHAI)
    return Parcel(f"{number:032x}", phone.openid, channel, reply, "档案信息已通过审核", at)


def test_the_post_fits_the_port(post: WeChatPost) -> None:
    port: Post = post
    assert port.channels == frozenset(Channel)


def test_a_channel_with_a_form_needs_one(stage: Stage, tokens: AccessTokens) -> None:
    client = PlatformClient(Account(APP_ID, SECRET, stage.url), tokens)
    bare = WeChatPost(client, lambda: NOW)
    assert bare.channels == {Channel.SERVICE, Channel.MASS}
    for channel in (*FORMS, Channel.MASS):
        with pytest.raises(BadValueError, match=channel.value):
            bare.send(parcel(stage.sandbox.phone("手机 A"), channel))
    client.close()


def test_a_customer_message_shows_the_whole_text_with_its_taps(post: WeChatPost, phone: Phone) -> None:
    sent = post.send(parcel(phone, Channel.SERVICE))
    assert (sent.verdict, sent.code) == (Verdict.ACCEPTED, 0)
    assert phone.bubbles[-1].plain == "您的档案信息已通过审核。\n\n1 查看进度"
    assert phone.bubbles[-1].taps == (("查看进度", "查看进度", "7"),)


@pytest.mark.parametrize("channel", FORMS)
def test_a_card_names_what_and_when_and_leads_somewhere(post: WeChatPost, phone: Phone, channel: Channel) -> None:
    sent = post.send(parcel(phone, channel))
    assert sent.verdict is Verdict.ACCEPTED
    assert [value for _, value in phone.bubbles[-1].rows] == ["档案信息已通过审核", "2026年6月1日 23:59"]
    assert phone.bubbles[-1].url == "https://q.example/"
    # The platform names a subscription notice only in the event that follows.
    assert bool(sent.message_id) == (channel is Channel.TEMPLATE)


def test_a_template_message_tried_again_is_the_same_message(post: WeChatPost, phone: Phone) -> None:
    first, again = (post.send(parcel(phone, Channel.TEMPLATE)) for _ in range(2))
    assert (again.verdict, again.message_id) == (Verdict.ACCEPTED, first.message_id)
    assert [bubble.kind for bubble in phone.bubbles].count("template") == 1


def test_a_mass_job_tried_again_is_the_same_job(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    other = stage.sandbox.phone("手机 B")
    other.follow()
    first, again = (post.send_mass("b-1", [phone.openid, other.openid], "通知") for _ in range(2))
    assert (again.verdict, again.message_id) == (Verdict.ACCEPTED, first.message_id)
    assert [bubble.text for bubble in other.bubbles].count("通知") == 1
    assert post.mass_state(first.message_id) is MassState.SENT


def test_a_mass_job_for_one_is_refused_as_content(post: WeChatPost, phone: Phone) -> None:
    sent = post.send_mass("b-1", [phone.openid], "通知")
    assert (sent.verdict, sent.code) == (Verdict.CONTENT, 40032)


@pytest.mark.parametrize("fault", ["-1", "40001", "hang"])
def test_a_mass_job_nobody_can_ask_about_is_unknown(stage: Stage, post: WeChatPost, fault: str) -> None:
    assert post.mass_state("1") is MassState.UNKNOWN
    stage.sandbox.inject(fault, 2, seconds=HANGS, path="message/mass/get")
    assert post.mass_state("1") is MassState.UNKNOWN


def tried(post: WeChatPost, phone: Phone, channel: Channel) -> Sent:
    if channel is Channel.MASS:
        return post.send_mass("b-1", [phone.openid, "o-somebody-else"], "通知")
    return post.send(parcel(phone, channel))


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (-1, Verdict.AGAIN),
        (45011, Verdict.AGAIN),
        (45066, Verdict.AGAIN),
        (43117, Verdict.TOO_FREQUENT),
        (45015, Verdict.OTHER_WAY),
        (45047, Verdict.OTHER_WAY),
        (43101, Verdict.OTHER_WAY),
        (45028, Verdict.OTHER_WAY),
        (43004, Verdict.GONE),
        (50005, Verdict.GONE),
        (40003, Verdict.GONE),
        (49003, Verdict.GONE),
        (43019, Verdict.BLOCKED),
        (48002, Verdict.BLOCKED),
    ],
)
def test_a_refusal_about_one_person_or_moment_stops_nobody_else(
    stage: Stage, post: WeChatPost, phone: Phone, channel: Channel, code: int, verdict: Verdict
) -> None:
    stage.sandbox.inject(str(code), path=PATHS[channel])
    sent = tried(post, phone, channel)
    assert (sent.verdict, sent.code, sent.until, sent.said) == (verdict, code, None, "")


def test_every_refusal_of_a_person_is_in_the_table() -> None:
    recipients = {code for code in range(40000, 50010) if classify(code) is ErrorKind.RECIPIENT}
    assert recipients <= set(PERSONAL)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("code", [45002, 45008, 47001, 47003, 40032, 40036, 40037, 45067])
def test_content_refused_is_the_text_of_a_message_but_the_form_of_a_card(
    stage: Stage, post: WeChatPost, phone: Phone, channel: Channel, code: int
) -> None:
    stage.sandbox.inject(str(code), path=PATHS[channel])
    sent = tried(post, phone, channel)
    if channel not in FORMS:
        assert (sent.verdict, sent.code, sent.until) == (Verdict.CONTENT, code, None)
        return
    assert (sent.verdict, sent.code, sent.until) == (Verdict.HALT, code, NOW + TEN_MINUTES)
    assert not sent.is_everywhere
    assert channel.value in sent.said


@pytest.mark.parametrize("code", HERE)
@pytest.mark.parametrize("channel", Channel)
def test_a_refused_interface_halts_its_channel_only(
    stage: Stage, post: WeChatPost, phone: Phone, channel: Channel, code: int
) -> None:
    stage.sandbox.inject(str(code), path=PATHS[channel])
    sent = tried(post, phone, channel)
    assert (sent.verdict, sent.code, sent.until) == (Verdict.HALT, code, NOW + TEN_MINUTES)
    assert not sent.is_everywhere
    assert channel.value in sent.said
    assert str(code) in sent.said
    other = Channel.TEMPLATE if channel is Channel.SERVICE else Channel.SERVICE
    assert tried(post, phone, other).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("code", EVERYWHERE)
@pytest.mark.parametrize("call", ["stable_token", PATHS[Channel.TEMPLATE]])
def test_a_refused_account_or_server_halts_everything_for_a_minute(
    stage: Stage, post: WeChatPost, phone: Phone, code: int, call: str
) -> None:
    stage.sandbox.inject(str(code), path=call)
    sent = tried(post, phone, Channel.TEMPLATE)
    assert (sent.verdict, sent.code, sent.until, sent.is_everywhere) == (Verdict.HALT, code, NOW + MINUTE, True)
    assert str(code) in sent.said
    assert SECRET not in sent.said


def test_the_address_to_be_listed_is_named(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    stage.sandbox.inject("40164", path="stable_token")
    assert " 127.0.0.1 " in tried(post, phone, Channel.SERVICE).said
    # The platform does not name it here, and the sentence is whole all the same.
    stage.sandbox.inject("89503", path="stable_token")
    assert "（微信没有说是哪个）" in tried(post, phone, Channel.SERVICE).said


def test_the_field_a_form_refuses_is_named(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    stage.sandbox.add_template(DEMO_TEMPLATE_ID, "别的模板", {"phrase3": "进度"})
    sent = tried(post, phone, Channel.TEMPLATE)
    assert (sent.verdict, sent.code) == (Verdict.HALT, 47003)
    assert " phrase3（" in sent.said


@pytest.mark.parametrize("code", ["40001", "40014", "42001"])
def test_a_refused_token_is_healed_once_and_halts_everything_when_refused_again(
    stage: Stage, post: WeChatPost, phone: Phone, code: str
) -> None:
    stage.sandbox.inject(code, path=PATHS[Channel.TEMPLATE])
    assert tried(post, phone, Channel.TEMPLATE).verdict is Verdict.ACCEPTED
    stage.sandbox.inject(code, 2, path=PATHS[Channel.TEMPLATE])
    sent = tried(post, phone, Channel.TEMPLATE)
    assert (sent.verdict, str(sent.code), sent.until, sent.is_everywhere) == (Verdict.HALT, code, NOW + MINUTE, True)
    assert "access_token" in sent.said


def test_a_token_refused_for_the_secret_says_so(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    stage.sandbox.inject("40001", path="stable_token")
    sent = tried(post, phone, Channel.SERVICE)
    assert (sent.verdict, sent.is_everywhere) == (Verdict.HALT, True)
    assert "AppSecret" in sent.said


@pytest.mark.parametrize("channel", Channel)
def test_a_used_up_day_halts_the_channel_until_midnight(
    stage: Stage, post: WeChatPost, phone: Phone, channel: Channel
) -> None:
    stage.sandbox.inject("45009", path=PATHS[channel])
    sent = tried(post, phone, channel)
    assert (sent.verdict, sent.code, sent.until) == (Verdict.HALT, 45009, NOW + MIDNIGHT)
    assert not sent.is_everywhere
    assert channel.value in sent.said


def test_used_up_tokens_halt_everything_for_an_hour(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    stage.sandbox.inject("45009", path="stable_token")
    sent = tried(post, phone, Channel.SERVICE)
    assert (sent.verdict, sent.code, sent.until, sent.is_everywhere) == (Verdict.HALT, 45009, NOW + HOUR, True)


@pytest.mark.parametrize("code", ["-1", "45011"])
def test_a_token_call_that_is_busy_is_tried_again(stage: Stage, post: WeChatPost, phone: Phone, code: str) -> None:
    stage.sandbox.inject(code, path="stable_token")
    sent = tried(post, phone, Channel.SERVICE)
    assert (sent.verdict, str(sent.code)) == (Verdict.AGAIN, code)


@pytest.mark.parametrize("code", ["48001", "99999", "40003"])
def test_no_token_for_any_other_reason_halts_everything(
    stage: Stage, post: WeChatPost, phone: Phone, code: str
) -> None:
    stage.sandbox.inject(code, path="stable_token")
    sent = tried(post, phone, Channel.SERVICE)
    assert (sent.verdict, sent.is_everywhere) == (Verdict.HALT, True)
    assert code in sent.said


@pytest.mark.parametrize("channel", Channel)
def test_no_answer_in_time_is_unsure(stage: Stage, post: WeChatPost, phone: Phone, channel: Channel) -> None:
    stage.sandbox.inject("hang", seconds=HANGS, path=PATHS[channel])
    assert tried(post, phone, channel).verdict is Verdict.UNSURE


def test_a_token_that_does_not_come_in_time_leaves_nothing_unsure(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    stage.sandbox.inject("hang", seconds=HANGS, path="stable_token")
    assert tried(post, phone, Channel.SERVICE).verdict is Verdict.AGAIN


def test_a_platform_that_cannot_be_reached_was_surely_not_asked(post: WeChatPost, opened: Opened, phone: Phone) -> None:
    # The token is known now, so that the next call is the message itself.
    assert tried(post, phone, Channel.SERVICE).verdict is Verdict.ACCEPTED
    assert tried(opened("http://127.0.0.1:1"), phone, Channel.SERVICE) == Sent(Verdict.AGAIN)


def test_an_address_that_is_not_the_platform_halts_everything(stage: Stage, opened: Opened, phone: Phone) -> None:
    sent = tried(opened(f"{stage.url}/nowhere"), phone, Channel.SERVICE)
    assert (sent.verdict, sent.code, sent.is_everywhere) == (Verdict.HALT, 404, True)
    assert "HTTP 404" in sent.said


def test_the_people_the_platform_knows_have_their_verdicts(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    for _ in range(3):
        assert tried(post, phone, Channel.SERVICE).verdict is Verdict.ACCEPTED
    assert tried(post, phone, Channel.SERVICE).verdict is Verdict.OTHER_WAY
    stranger = stage.sandbox.phone("手机 B")
    assert tried(post, stranger, Channel.SUBSCRIPTION).verdict is Verdict.OTHER_WAY
    assert tried(post, stranger, Channel.TEMPLATE).verdict is Verdict.GONE


@pytest.mark.parametrize("channel", Channel)
def test_a_quota_is_there_or_is_not_known(stage: Stage, post: WeChatPost, channel: Channel) -> None:
    assert post.has_quota(channel) is True
    for fault in ("45009", "-1", "48001", "hang"):
        stage.sandbox.inject(fault, seconds=HANGS, path="openapi/quota/get")
        assert post.has_quota(channel) is None


@pytest.mark.parametrize("channel", Channel)
def test_a_quota_that_is_used_up_is_seen(stage: Stage, post: WeChatPost, phone: Phone, channel: Channel) -> None:
    stage.sandbox.set_quota(PATHS[channel], 1)
    assert tried(post, phone, channel).verdict is Verdict.ACCEPTED
    assert post.has_quota(channel) is False
    if channel is not Channel.MASS:
        sent = post.send(parcel(phone, channel, 2))
        assert (sent.verdict, sent.code, sent.until) == (Verdict.HALT, 45009, NOW + MIDNIGHT)
    stage.sandbox.set_quota(PATHS[channel], 9)
    assert post.has_quota(channel) is True


@pytest.mark.parametrize("channel", Channel)
def test_a_lost_answer_is_unsure_and_the_message_is_there(
    stage: Stage, post: WeChatPost, phone: Phone, channel: Channel
) -> None:
    before = sum(stage.sandbox.received(phone.openid).values())
    stage.sandbox.inject("lost")
    assert tried(post, phone, channel) == Sent(Verdict.UNSURE)
    assert sum(stage.sandbox.received(phone.openid).values()) == before + 1
    again = tried(post, phone, channel)
    assert again.verdict is Verdict.ACCEPTED
    # Two channels recognise the second attempt; on the others the person would have it twice.
    twice = 0 if channel.knows_repeats else 1
    assert sum(stage.sandbox.received(phone.openid).values()) == before + 1 + twice


def test_a_mass_job_that_failed_or_still_runs_is_told(stage: Stage, post: WeChatPost, phone: Phone) -> None:
    for number, (fate, state) in enumerate(
        [("send fail", MassState.FAILED), ("err(40002)", MassState.FAILED), ("sending", MassState.SENDING)]
    ):
        stage.sandbox.mass_fate(fate)
        sent = post.send_mass(f"b-{number}", [phone.openid, "o-somebody-else"], "通知")
        assert (sent.verdict, post.mass_state(sent.message_id)) == (Verdict.ACCEPTED, state)


def test_nothing_about_the_person_is_logged_or_said(
    stage: Stage, post: WeChatPost, phone: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    with caplog.at_level(logging.DEBUG, "handlers"):
        for code in ("40003", "48001", "45009", "40164", "99999", "hang"):
            stage.sandbox.inject(code, seconds=HANGS, path=PATHS[Channel.TEMPLATE])
            told.append(str(tried(post, phone, Channel.TEMPLATE)))
    assert not any(secret in caplog.text + "".join(told) for secret in (phone.openid, SECRET, "档案信息已通过"))


def test_sentences_are_whole_for_every_code() -> None:
    codes = [*range(-1, 0), *range(302, 430), *range(40001, 50010), *range(53500, 53502), 89503]
    for channel in Channel:
        for code in codes:
            sent = verdict_on(PlatformError("x", classify(code), code), channel, NOW)
            assert sent.code == code
            assert (sent.verdict is Verdict.HALT) == bool(sent.said) == (sent.until is not None)
            assert not set("{}") & set(sent.said)
            assert len(sent.said) <= 80
