"""A sandbox in a process of its own is asked by name and ends with its test."""

import pytest
import requests

from handlers.sandbox import DEMO_TEMPLATE_ID, Account, ChsiOptions, SandboxError
from tests.handlers.sandbox.process import running
from tests.handlers.sandbox.stage import ACCOUNT, AES_KEY, APP_ID, CHSI_SECRET, SECRET, TOKEN

NOBODY = "http://127.0.0.1:1"


def test_a_distant_sandbox_serves_is_steered_and_ends() -> None:
    account = Account(APP_ID, SECRET, TOKEN, AES_KEY, ACCOUNT, f"{NOBODY}/wechat")
    with running(account, ChsiOptions(CHSI_SECRET, f"{NOBODY}/chsi")) as sandbox:
        sandbox.set("reports", "lost")
        calm, annoyed = sandbox.ask("crowd", 2)
        sandbox.ask_phone(annoyed, "annoy")
        base = f"{sandbox.url}/sandbox/platform/cgi-bin"
        wanted = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        token = requests.post(f"{base}/stable_token", json=wanted, timeout=5).json()["access_token"]
        data = {"thing1": {"value": "档案信息登记"}, "time2": {"value": "2023年7月3日 23:59"}}
        codes = []
        for openid in (calm, annoyed):
            body = {"touser": openid, "template_id": DEMO_TEMPLATE_ID, "data": data}
            answer = requests.post(f"{base}/message/template/send?access_token={token}", json=body, timeout=5)
            codes.append(answer.json()["errcode"])
        assert codes == [0, 43117]
        assert sandbox.ask("reports") == "lost"
        assert sandbox.ask("tally", "message/template/send") == {"0": 1, "43117": 1}
        assert [bubble.kind for bubble in sandbox.ask_phone(calm, "bubbles")] == ["template"]
        with pytest.raises(SandboxError):
            sandbox.set("reports", "sometimes")
    with pytest.raises(requests.ConnectionError):
        requests.get(sandbox.url, timeout=1)
