import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as AnyResponse

from bot.errors import BadValueError, TransportError
from handlers.wechat.client import Account, CallLimits, PlatformClient
from handlers.wechat.faults import ErrorKind, PlatformError, classify
from handlers.wechat.menu import MENU, is_live, publish
from storage.access_token import AccessTokens

OPENID = "oIDrpjpQ8j8mBuQ8nM26HWzNEZgg"
SECRET = "s3cr3t-of-the-account"


@dataclass
class Fake:
    """A tiny platform over real HTTP: a stable token, and answers laid out in advance."""

    valid: str = "TOKEN-1"
    grants: int = 0
    calls: list[tuple[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: deque[Any] = field(default_factory=deque)
    token_answer: Any = None
    takes: float = 0
    base: str = ""

    def app(self) -> Flask:
        app = Flask("fake")

        @app.post("/cgi-bin/stable_token")
        def stable_token() -> Response:
            assert request.get_json() == {
                "grant_type": "client_credential",
                "appid": "wx1",
                "secret": SECRET,
                "force_refresh": False,
            }
            self.grants += 1
            time.sleep(self.takes)
            return jsonify(self.token_answer or {"access_token": self.valid, "expires_in": 7200})

        @app.route("/cgi-bin/<path:action>", methods=["GET", "POST"])
        def call(action: str) -> AnyResponse:
            self.calls.append((action, request.get_json() if request.method == "POST" else None))
            self.bodies.append(request.get_data())
            if request.args["access_token"] != self.valid:
                return jsonify(errcode=40001, errmsg=f"invalid credential {request.args['access_token']}")
            answer = self.answers.popleft() if self.answers else {"errcode": 0, "errmsg": "ok"}
            if isinstance(answer, AnyResponse):
                return answer
            if isinstance(answer, float):
                time.sleep(answer)
                answer = {}
            return jsonify(answer)

        return app


class Quiet(WSGIRequestHandler):
    """Keeps the fake's own request lines, which hold the token, out of the log under test."""

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[Fake]:
    platform = Fake()
    server = make_server("127.0.0.1", 0, platform.app(), threaded=True, request_handler=Quiet)
    platform.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield platform
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(fake: Fake, tokens: AccessTokens) -> Iterator[PlatformClient]:
    made = PlatformClient(Account("wx1", SECRET, fake.base), tokens)
    yield made
    made.close()


def failure(client: PlatformClient) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        client.send_text(OPENID, "您好")
    return caught.value


def test_a_text_goes_out_in_real_characters(client: PlatformClient, fake: Fake) -> None:
    client.send_text(OPENID, "去向登记 😀 ]]>\ud800")
    expected = {"touser": OPENID, "msgtype": "text", "text": {"content": "去向登记 😀 ]]>?"}}
    assert fake.calls == [("message/custom/send", expected)]
    assert "去向登记".encode() in fake.bodies[0]


def test_a_template_message_returns_its_64_bit_id_unharmed(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 0, "errmsg": "ok", "msgid": 9007199254740993})
    data = {"thing1": "核验已过期"}
    assert client.send_template(OPENID, "tpl", data, "https://e.cn/r/1", "n-1") == "9007199254740993"
    assert fake.calls[0][1] == {
        "touser": OPENID,
        "template_id": "tpl",
        "data": {"thing1": {"value": "核验已过期"}},
        "url": "https://e.cn/r/1",
        "client_msg_id": "n-1",
    }


def test_a_subscription_notice_names_its_page(client: PlatformClient, fake: Fake) -> None:
    assert client.send_subscription(OPENID, "tpl", {"thing1": "核验已过期"}, "https://e.cn/r/1") == ""
    expected = {
        "touser": OPENID,
        "template_id": "tpl",
        "data": {"thing1": {"value": "核验已过期"}},
        "page": "https://e.cn/r/1",
    }
    assert fake.calls == [("message/subscribe/bizsend", expected)]


def test_a_mass_message_carries_its_identifier(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 0, "errmsg": "ok", "msg_id": 34182, "msg_data_id": 206227730})
    assert client.send_mass([OPENID, "o-b"], "通知", "batch-1") == "34182"
    expected = {"touser": [OPENID, "o-b"], "msgtype": "text", "text": {"content": "通知"}, "clientmsgid": "batch-1"}
    assert fake.calls == [("message/mass/send", expected)]


def test_a_mass_job_is_asked_about_by_its_id(client: PlatformClient, fake: Fake) -> None:
    fake.answers.extend([{"msg_id": 34182, "msg_status": "SENDING"}, {"msg_id": 34182}])
    assert [client.mass_state("34182") for _ in range(2)] == ["SENDING", ""]
    assert fake.calls[0] == ("message/mass/get", {"msg_id": "34182"})


def test_what_is_left_of_a_quota_is_told(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 0, "quota": {"daily_limit": 10, "used": 7, "remain": 3}})
    assert client.quota("/cgi-bin/message/custom/send") == 3
    assert fake.calls == [("openapi/quota/get", {"cgi_path": "/cgi-bin/message/custom/send"})]


@pytest.mark.parametrize("answer", [{}, {"quota": 3}, {"quota": {"remain": "3"}}])
def test_a_quota_nobody_can_read_is_an_outage(client: PlatformClient, fake: Fake, answer: dict[str, object]) -> None:
    fake.answers.append(answer)
    with pytest.raises(PlatformError) as caught:
        client.quota("/cgi-bin/message/custom/send")
    assert (caught.value.kind, caught.value.is_unsure) == (ErrorKind.RETRY, False)


def test_a_message_sent_before_under_its_id_counts_as_sent(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 45065, "errmsg": "clientmsgid exist", "msg_id": 77})
    assert client.send_template(OPENID, "tpl", {}, client_msg_id="n-1") == "77"
    assert len(fake.calls) == 1


def test_many_calls_at_once_fetch_one_token(client: PlatformClient, fake: Fake) -> None:
    fake.takes = 0.1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.send_text(OPENID, "好"), range(8)))
    assert (fake.grants, len(fake.calls)) == (1, 8)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_replaced_and_the_call_repeated_once(client: PlatformClient, fake: Fake, code: int) -> None:
    fake.answers.append({"errcode": code, "errmsg": "invalid"})
    client.send_text(OPENID, "好")
    assert (fake.grants, len(fake.calls)) == (2, 2)


def test_a_token_that_became_invalid_is_replaced_by_the_new_one(client: PlatformClient, fake: Fake) -> None:
    assert client.token() == "TOKEN-1"
    fake.valid = "TOKEN-2"
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.send_text(OPENID, "好"), range(6)))
    assert client.token() == "TOKEN-2"
    assert fake.grants == 2


def test_a_token_refused_for_ever_ends_after_one_retry(client: PlatformClient, fake: Fake) -> None:
    fake.answers.extend({"errcode": 40001, "errmsg": "invalid"} for _ in range(50))
    error = failure(client)
    assert (error.kind, error.permanent, error.code) == (ErrorKind.TOKEN, True, 40001)
    assert (fake.grants, len(fake.calls)) == (2, 2)


def test_a_wrong_secret_is_told_without_being_repeated(client: PlatformClient, fake: Fake) -> None:
    fake.token_answer = {"errcode": 40125, "errmsg": f"invalid appsecret {SECRET}"}
    error = failure(client)
    assert error.kind is ErrorKind.OPERATOR
    assert SECRET not in str(error)
    assert fake.calls == []


@pytest.mark.parametrize(
    "answer", [{"expires_in": 7200}, {"access_token": "t"}, {"access_token": "t", "expires_in": 0}]
)
def test_a_token_answer_without_a_token_is_an_outage(
    client: PlatformClient, fake: Fake, answer: dict[str, object]
) -> None:
    fake.token_answer = answer
    assert failure(client).kind is ErrorKind.RETRY


def test_busy_is_told_and_never_repeated_here(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": -1, "errmsg": "system error"})
    error = failure(client)
    assert (error.kind, error.permanent) == (ErrorKind.RETRY, False)
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("errmsg", "address"),
    [
        ("invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 65a0-0a1b-4e5f", "203.0.113.7"),
        ("invalid ip 2001:db8::8a2e:370:7334, not in whitelist", "2001:db8::8a2e:370:7334"),
    ],
)  # fmt: skip
def test_an_unlisted_address_is_named_so_that_it_can_be_listed(
    client: PlatformClient, fake: Fake, errmsg: str, address: str
) -> None:
    fake.token_answer = {"errcode": 40164, "errmsg": errmsg}
    error = failure(client)
    assert error.kind is ErrorKind.OPERATOR
    assert f" {address} " in str(error)
    assert ("rid 65a0-0a1b-4e5f" in str(error)) == ("rid" in errmsg)


def test_a_refused_template_field_is_named(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 47003, "errmsg": "argument invalid! data.thing1.value invalid rid: 65a0-0a1b"})
    error = failure(client)
    assert error.kind is ErrorKind.CONTENT
    assert "thing1" in str(error)


@pytest.mark.parametrize(
    ("code", "kind", "permanent"),
    [
        (45066, ErrorKind.RETRY, False),
        (43117, ErrorKind.FREQUENCY, False),
        (45009, ErrorKind.QUOTA, False),
        (45047, ErrorKind.QUOTA, False),
        (45015, ErrorKind.RECIPIENT, True),
        (43004, ErrorKind.RECIPIENT, True),
        (40037, ErrorKind.CONTENT, True),
        (65317, ErrorKind.CONTENT, True),
        (48001, ErrorKind.OPERATOR, True),
        (99999, ErrorKind.OPERATOR, True),
    ],
)
def test_every_code_says_what_can_be_done(
    client: PlatformClient, fake: Fake, code: int, kind: ErrorKind, permanent: bool
) -> None:
    fake.answers.append({"errcode": code, "errmsg": f"hint: {OPENID} {fake.valid}"})
    error = failure(client)
    assert isinstance(error, TransportError)
    assert (error.kind, error.permanent, error.code) == (kind, permanent, code)
    assert str(code) in str(error)
    assert classify(code) is kind


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>busy</html>", 200),
        Response("[]", 200),
        Response('{"errcode": "x"}', 200),
        Response("[" * 20_000, 200),
        Response("", 502),
    ],
)
def test_an_answer_that_is_none_is_an_outage(client: PlatformClient, fake: Fake, answer: Response) -> None:
    fake.answers.append(answer)
    error = failure(client)
    assert error.kind is ErrorKind.RETRY
    assert error.is_unsure


def test_a_redirect_never_carries_the_token_elsewhere(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append(redirect("/cgi-bin/elsewhere?access_token=TOKEN-1"))
    assert failure(client).kind is ErrorKind.OPERATOR
    assert len(fake.calls) == 1


def test_a_platform_that_hangs_is_given_up_and_not_asked_twice(fake: Fake, tokens: AccessTokens) -> None:
    hasty = PlatformClient(Account("wx1", SECRET, fake.base), tokens, CallLimits(read=0.2))
    fake.answers.append(3.0)
    start = time.monotonic()
    error = failure(hasty)
    assert time.monotonic() - start < 2
    assert error.kind is ErrorKind.RETRY
    assert error.is_unsure
    assert len(fake.calls) == 1
    hasty.close()


def test_what_never_reached_the_platform_was_surely_not_done(
    client: PlatformClient, fake: Fake, tokens: AccessTokens
) -> None:
    client.send_text(OPENID, "您好")  # the token is known now, so that the next call is the message itself
    nobody = PlatformClient(Account("wx1", SECRET, "http://127.0.0.1:1"), tokens)
    assert not failure(nobody).is_unsure
    fake.answers.append({"errcode": -1, "errmsg": "system error"})
    assert not failure(client).is_unsure
    nobody.close()


def test_a_hanging_token_call_is_given_up_too(fake: Fake, tokens: AccessTokens) -> None:
    hasty = PlatformClient(Account("wx1", SECRET, fake.base), tokens, CallLimits(read=0.2))
    fake.takes = 0.6
    error = failure(hasty)
    assert error.kind is ErrorKind.RETRY
    assert not error.is_unsure
    hasty.close()


def test_nothing_secret_is_logged_or_told(
    client: PlatformClient, fake: Fake, tokens: AccessTokens, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = PlatformClient(Account("wx1", SECRET, "http://127.0.0.1:1"), tokens)
    with caplog.at_level(logging.DEBUG):
        client.send_text(OPENID, "秘密")
        fake.answers.append({"errcode": 40003, "errmsg": f"invalid openid {OPENID}"})
        errors = [failure(client), failure(nobody)]
    told = (
        caplog.text + "".join(f"{error!r}{error.__cause__}{error}" for error in errors) + repr(Account("wx1", SECRET))
    )
    assert not any(secret in told for secret in (OPENID, "TOKEN-1", SECRET, "秘密"))
    nobody.close()


@pytest.mark.parametrize("given", [("", SECRET, "https://a"), ("wx1", "", "https://a"), ("wx1", SECRET, "ftp://a")])
def test_an_impossible_account_is_refused_when_built(given: tuple[str, str, str]) -> None:
    with pytest.raises(BadValueError) as caught:
        Account(*given)
    assert SECRET not in str(caught.value)


def live(menu: Mapping[str, object]) -> dict[str, Any]:
    """The menu as the platform answers it: with empty ``sub_button`` lists everywhere."""
    copy = json.loads(json.dumps(menu))
    for button in copy["button"]:
        for entry in button["sub_button"]:
            entry["sub_button"] = []
    return {"menu": copy | {"menuid": 208379533}}


def test_the_menu_is_published_when_there_is_none(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 46003, "errmsg": "menu no exist"})
    assert publish(client)
    assert fake.calls == [("menu/get", None), ("menu/create", dict(MENU))]


def test_the_menu_is_published_when_another_is_live(client: PlatformClient, fake: Fake) -> None:
    other = live(MENU)
    other["menu"]["button"][0]["sub_button"][1]["key"] = "old"
    fake.answers.extend([other, {"errcode": 0}, other])
    assert publish(client)
    assert not is_live(client)


def test_the_menu_is_left_alone_when_it_is_live(client: PlatformClient, fake: Fake) -> None:
    fake.answers.extend([live(MENU), live(MENU)])
    assert not publish(client)
    assert is_live(client)
    assert {action for action, _ in fake.calls} == {"menu/get"}


def test_the_menu_can_be_taken_away(client: PlatformClient, fake: Fake) -> None:
    client.delete_menu()
    assert fake.calls == [("menu/delete", None)]


def test_a_failing_menu_query_is_no_missing_menu(client: PlatformClient, fake: Fake) -> None:
    fake.answers.append({"errcode": 48001, "errmsg": "api unauthorized"})
    with pytest.raises(PlatformError):
        publish(client)
    assert len(fake.calls) == 1


def test_the_menu_fits_the_platform() -> None:
    buttons: Any = MENU["button"]
    assert len(buttons) <= 3
    for button in buttons:
        assert len(button["name"]) <= 4
        assert len(button["sub_button"]) <= 5
        for entry in button["sub_button"]:
            assert len(entry["name"]) <= 8
            assert len(entry["key"].encode()) <= 128
