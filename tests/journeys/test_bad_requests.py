"""Bad input at the webhook through real HTTP: a short 4xx, no traceback, and no word to anybody."""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import pytest
import requests
from sqlalchemy import text

from tests.journeys.stage import TOKEN, Stage

MESSAGE = (
    "<xml><ToUserName>gh_journeys0629</ToUserName><FromUserName>{openid}</FromUserName><CreateTime>{at}</CreateTime>"
    "<MsgType>text</MsgType><Content>你好</Content><MsgId>77</MsgId></xml>"
)
BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>'
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>'


def signed(stage: Stage, *, token: str = TOKEN, ago: float = 0.0) -> dict[str, str]:
    stamp, nonce = str(int(stage.clock.seconds() - ago)), "4711"
    parts = "".join(sorted([token, stamp, nonce])).encode()
    digest = hashlib.sha1(parts).hexdigest()  # noqa: S324 -- the platform's signature is SHA-1
    return {"signature": digest, "timestamp": stamp, "nonce": nonce, "openid": "o" + "x" * 27}


def post(stage: Stage, query: Mapping[str, str], body: bytes) -> requests.Response:
    return stage.look(f"{stage.app_url}/wechat", "POST", params=query, data=body)


def message(stage: Stage) -> bytes:
    return MESSAGE.format(openid="o" + "x" * 27, at=int(stage.clock.seconds())).encode()


@pytest.mark.parametrize(
    ("name", "status"),
    [("bomb", 400), ("file", 400), ("broken", 400), ("empty", 400), ("huge", 413), ("forged", 403), ("stale", 403)],
)
def test_hostile_requests_in_plain_mode_are_refused(
    raise_stage: Callable[..., AbstractContextManager[Stage]], name: str, status: int
) -> None:
    with raise_stage(mode="plain") as stage:
        query = signed(stage, token="wrong" if name == "forged" else TOKEN, ago=4000 if name == "stale" else 0)
        bodies = {"bomb": BOMB.encode(), "file": FILE.encode(), "broken": b"<xml><Content>", "empty": b""}
        bodies["huge"] = b"<xml>" + b" " * 70_000 + b"</xml>"
        answer = post(stage, query, bodies.get(name, message(stage)))
        assert answer.status_code == status
        assert len(answer.text) < 100
        assert "Traceback" not in answer.text
        assert "root:" not in answer.text
        assert talks(stage) == 0


def talks(stage: Stage) -> int:
    with stage.installation.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM talk")) or 0)


def test_a_plaintext_message_is_refused_in_safe_mode_although_its_signature_is_right(stage: Stage) -> None:
    answer = post(stage, signed(stage), message(stage))
    assert 400 <= answer.status_code < 500
    assert talks(stage) == 0


def test_a_sealed_message_whose_bytes_were_changed_is_refused(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.follows()
    count = talks(stage)
    body = b"<xml><ToUserName>gh_journeys0629</ToUserName><Encrypt>" + b"A" * 128 + b"</Encrypt></xml>"
    query = signed(stage) | {"encrypt_type": "aes", "msg_signature": "0" * 40}
    assert post(stage, query, body).status_code == 403
    assert talks(stage) == count


def test_many_refusals_cost_next_to_nothing(stage: Stage) -> None:
    query, body = signed(stage, token="wrong"), message(stage)
    began = time.process_time()
    for _ in range(20):
        assert post(stage, query, body).status_code == 403
    assert time.process_time() - began < 2


def test_the_address_of_the_webhook_is_verified_as_the_platform_does_it(stage: Stage) -> None:
    assert stage.sandbox.verify_url()
    assert stage.look(f"{stage.app_url}/wechat").status_code == 403
