"""A sandbox on a real port, and a tiny official account (an echo bot) that answers its pushes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests
from flask import Flask, Response, request
from werkzeug.serving import make_server

from handlers.sandbox import Account, ChsiOptions, Sandbox
from handlers.sandbox.cipher import MessageCipher, sign
from handlers.sandbox.markup import Node, Value, read, write

TOKEN, APP_ID, ACCOUNT = "AAAAA", "wxbad0b45542aa0b5e", "gh_680bdefc8c5d"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
SECRET, CHSI_SECRET = "app-secret", "chsi-secret"


def text_reply(to: str, content: str, *, sender: str = ACCOUNT) -> bytes:
    fields: dict[str, Value] = {
        "ToUserName": to,
        "FromUserName": sender,
        "CreateTime": 1,
        "MsgType": "text",
        "Content": content,
    }
    return write(fields).encode()


def sealed_reply(xml: bytes, *, app_id: str = APP_ID, token: str = TOKEN) -> bytes:
    sealed = MessageCipher(AES_KEY, app_id).seal(xml)
    fields: dict[str, Value] = {
        "Encrypt": sealed,
        "MsgSignature": sign(token, "1", "n", sealed),
        "TimeStamp": 1,
        "Nonce": "n",
    }
    return write(fields).encode()


@dataclass
class Bot:
    """The echo bot: checks the signature, remembers messages, answers with ``answer``."""

    answer: Callable[[Node], bytes] = lambda node: text_reply(
        node.get("FromUserName") or "", f"回：{node.get('Content')}"
    )
    seal: bool = True
    messages: list[Node] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    callback_status: int = 200
    echoes: bool = True
    callbacks: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def webhook(self) -> Response:
        query = request.args.to_dict()
        self.queries.append(query)
        assert sign(TOKEN, query["timestamp"], query["nonce"]) == query["signature"]
        node, encrypted = read(request.get_data()), query.get("encrypt_type") == "aes"
        if encrypted:
            sealed = node.get("Encrypt") or ""
            assert sign(TOKEN, query["timestamp"], query["nonce"], sealed) == query["msg_signature"]
            node = read(MessageCipher(AES_KEY, APP_ID).open(sealed))
        self.messages.append(node)
        body = self.answer(node)
        if encrypted and self.seal and body.startswith(b"<xml>"):
            body = sealed_reply(body)
        return Response(body, content_type="text/xml")

    def echo(self) -> Response:
        query = request.args
        assert sign(TOKEN, query["timestamp"], query["nonce"]) == query["signature"]
        return Response(query["echostr"] if self.echoes else "no")

    def callback(self) -> Response:
        self.callbacks.append((dict(request.headers), request.get_data()))
        return Response("ok", status=self.callback_status)


@dataclass
class Stage:
    """Sandbox, bot and the address where both are served."""

    sandbox: Sandbox
    bot: Bot
    url: str

    def api(self, path: str, body: object = None, **query: str) -> dict[str, object]:
        """Call the platform with a fresh stable token; GET without a body."""
        wanted = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        base = f"{self.url}/sandbox/platform/cgi-bin"
        token = requests.post(f"{base}/stable_token", json=wanted, timeout=5).json()["access_token"]
        query["access_token"] = token
        if body is None:
            return dict(requests.get(f"{base}/{path}", params=query, timeout=5).json())
        return dict(requests.post(f"{base}/{path}", params=query, json=body, timeout=5).json())


def strict_page() -> Response:
    """A page that forbids frames, as the app's own pages do."""
    answer = Response("<!doctype html><title>严格的页面</title>内容")
    answer.headers["X-Frame-Options"] = "DENY"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return answer


@contextmanager
def raised(state_file: Path | None = None) -> Iterator[Stage]:
    bot, app = Bot(), Flask("stage")
    app.add_url_rule("/wechat", view_func=bot.webhook, methods=["POST"])
    app.add_url_rule("/wechat", view_func=bot.echo, methods=["GET"])
    app.add_url_rule("/strict", view_func=strict_page)
    app.add_url_rule("/chsi/callback", view_func=bot.callback, methods=["POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    account = Account(APP_ID, SECRET, TOKEN, AES_KEY, ACCOUNT, f"{url}/wechat")
    options = ChsiOptions(CHSI_SECRET, f"{url}/chsi/callback")
    sandbox = Sandbox(account, options, state_file=state_file, reply_limit=0.4, base_url=url)
    app.register_blueprint(sandbox.blueprint())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Stage(sandbox, bot, url)
    finally:
        sandbox.close()
        server.shutdown()
        server.server_close()
        thread.join()


def code(answer: dict[str, object]) -> int:
    number = answer.get("errcode", 0)
    assert isinstance(number, int)
    return number


def later(stage: Stage) -> Callable[[float], None]:
    """A way to move the sandbox's clock forward."""
    shift = [0.0]
    stage.sandbox.clock = lambda: time.time() + shift[0]

    def move(seconds: float) -> None:
        shift[0] += seconds

    return move


def fetch(stage: Stage, *, stable: bool = True, **more: object) -> dict[str, object]:
    wanted: dict[str, object] = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET, **more}
    base = f"{stage.url}/sandbox/platform/cgi-bin"
    if stable:
        return dict(requests.post(f"{base}/stable_token", json=wanted, timeout=5).json())
    return dict(requests.get(f"{base}/token", params={k: str(v) for k, v in wanted.items()}, timeout=5).json())


def works(stage: Stage, token: object) -> int:
    query = {"access_token": str(token)}
    return code(requests.get(f"{stage.url}/sandbox/platform/cgi-bin/tags/get", params=query, timeout=5).json())
