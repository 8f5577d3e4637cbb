"""CHSI: signed calls, the page, the call back."""

import hashlib
import hmac
import json
import time

import pytest
import requests

from tests.handlers.sandbox.stage import CHSI_SECRET, Stage

ZHANG = {"name": "张三", "id_number": "11010519491231002X"}


def call(
    stage: Stage, what: str, fields: dict[str, str], *, skew: int = 0, secret: str = CHSI_SECRET
) -> requests.Response:
    path, body = f"/sandbox/chsi/{what}", json.dumps(fields).encode()
    stamp = str(int(time.time()) + skew)
    signature = hmac.new(secret.encode(), f"{stamp}\n{path}\n".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Timestamp": stamp, "X-Signature": signature, "Content-Type": "application/json"}
    return requests.post(stage.url + path, data=body, headers=headers, timeout=5)


def test_a_stranger_counts_as_bound(stage: Stage) -> None:
    assert call(stage, "binding", ZHANG).json() == {"status": "bound"}


def test_binding_tells_unbound_and_another_name(stage: Stage) -> None:
    stage.sandbox.chsi.set_person(ZHANG["id_number"], "张三", bound=False)
    assert call(stage, "binding", ZHANG).json() == {"status": "unbound"}
    assert call(stage, "binding", ZHANG | {"name": "李四"}).json() == {"status": "unknown"}
    form = requests.post(f"{stage.url}/sandbox/chsi/bind", data=ZHANG, timeout=5)
    assert "绑定成功" in form.text
    assert call(stage, "binding", ZHANG).json() == {"status": "bound"}


@pytest.mark.parametrize(("skew", "secret"), [(400, CHSI_SECRET), (-400, CHSI_SECRET), (0, "wrong")])
def test_a_stale_or_forged_call_is_refused(stage: Stage, skew: int, secret: str) -> None:
    assert call(stage, "binding", ZHANG, skew=skew, secret=secret).status_code == 401


def test_missing_fields_are_refused(stage: Stage) -> None:
    assert call(stage, "binding", {"name": "张三"}).status_code == 400


def test_the_real_person_check_calls_back_signed(stage: Stage) -> None:
    asked = ZHANG | {"reference": "r-1"}
    pending = call(stage, "real-person", asked).json()
    assert pending["status"] == "pending"
    assert call(stage, "real-person", asked).json() == pending
    assert ZHANG["id_number"] not in pending["url"]
    assert "完成实人验证" in requests.get(pending["url"], timeout=5).text
    assert stage.bot.callbacks == []
    assert "请回到微信" in requests.post(pending["url"], timeout=5).text
    ((headers, body),) = stage.bot.callbacks
    told = json.loads(body)
    assert (told["reference"], told["status"]) == ("r-1", "done")
    text = f"{headers['X-Timestamp']}\n/chsi/callback\n".encode() + body
    assert headers["X-Signature"] == hmac.new(CHSI_SECRET.encode(), text, hashlib.sha256).hexdigest()
    assert call(stage, "real-person", asked).json() == {"status": "done", "at": told["at"]}
    assert requests.get(pending["url"], timeout=5).status_code == 404


def test_a_check_can_be_completed_by_the_test(stage: Stage) -> None:
    call(stage, "real-person", ZHANG | {"reference": "r-2"})
    assert stage.sandbox.chsi.complete(ZHANG["id_number"])
    assert len(stage.bot.callbacks) == 1


def test_a_lost_callback_leaves_the_check_done(stage: Stage) -> None:
    call(stage, "real-person", ZHANG | {"reference": "r-3"})
    stage.bot.callback_status = 500
    assert not stage.sandbox.chsi.complete(ZHANG["id_number"])
    assert call(stage, "real-person", ZHANG | {"reference": "r-3"}).json()["status"] == "done"


def test_chsi_can_be_down_or_hang(stage: Stage) -> None:
    stage.sandbox.inject("chsi-down")
    stage.sandbox.inject("chsi-hang", seconds=0.3)
    assert call(stage, "binding", ZHANG).status_code == 503
    start = time.monotonic()
    assert call(stage, "binding", ZHANG).status_code == 200
    assert time.monotonic() - start > 0.3
