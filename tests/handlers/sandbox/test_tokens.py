"""Access tokens live and die as documented, and injected faults strike where they can occur."""

import time

from tests.handlers.sandbox.stage import Stage, code, fetch, later, works


def test_the_stable_token_stays_the_same_and_is_renewed_before_its_end(stage: Stage) -> None:
    move = later(stage)
    first = fetch(stage)
    assert first["expires_in"] == 7200
    assert fetch(stage)["access_token"] == first["access_token"]
    move(7000)
    second = fetch(stage)
    assert second["access_token"] != first["access_token"]
    assert (works(stage, first["access_token"]), works(stage, second["access_token"])) == (0, 0)
    move(400)
    assert (works(stage, first["access_token"]), works(stage, second["access_token"])) == (42001, 0)


def test_force_refresh_is_ignored_within_thirty_seconds(stage: Stage) -> None:
    move = later(stage)
    first = fetch(stage, force_refresh=True)
    assert fetch(stage, force_refresh=True)["access_token"] == first["access_token"]
    move(31)
    assert fetch(stage, force_refresh=True)["access_token"] != first["access_token"]


def test_each_old_style_token_ends_the_one_before(stage: Stage) -> None:
    move = later(stage)
    stable, first, second = fetch(stage), fetch(stage, stable=False), fetch(stage, stable=False)
    assert works(stage, first["access_token"]) == 0
    move(301)
    assert works(stage, first["access_token"]) == 42001
    assert (works(stage, second["access_token"]), works(stage, stable["access_token"])) == (0, 0)


def test_wrong_credentials_have_their_own_codes(stage: Stage) -> None:
    assert code(fetch(stage, appid="wx")) == 40013
    assert code(fetch(stage, secret="no")) == 40125
    assert code(fetch(stage, grant_type="x")) == 40002
    assert works(stage, "") == 41001
    assert works(stage, "invented") == 40001
    token = fetch(stage)["access_token"]
    stage.sandbox.forget_tokens()
    assert works(stage, token) == 40001


def test_injected_codes_strike_where_they_can_occur(stage: Stage) -> None:
    phone = stage.sandbox.phone("手机 A")
    phone.follow()
    message = {"touser": phone.openid, "msgtype": "text", "text": {"content": "好"}}
    stage.sandbox.inject("45015")
    stage.sandbox.inject("40001", times=2)
    assert [code(stage.api("tags/get")) for _ in range(3)] == [40001, 40001, 0]
    assert [code(stage.api("message/custom/send", message)) for _ in range(2)] == [45015, 0]
    stage.sandbox.inject("40164")
    refused = fetch(stage)
    assert code(refused) == 40164
    assert "invalid ip 127.0.0.1" in str(refused["errmsg"])
    stage.sandbox.inject("hang", seconds=0.3, path="tags/get")
    start = time.monotonic()
    assert code(stage.api("tags/get")) == 0
    assert time.monotonic() - start > 0.3
