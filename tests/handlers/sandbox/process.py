"""A sandbox in a process of its own: it answers while the process under test is busy, or dead."""

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from handlers.sandbox import Account, ChsiOptions, Sandbox

START_SECONDS, END_SECONDS = 30, 5


class Quiet(WSGIRequestHandler):
    """Writes no line for each request: ten thousand of them are read by nobody."""

    def log_request(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Distant:
    """The other end of the sandbox's process: its address, and its methods by name. For one thread at a time.

    Attributes:
        url: scheme, host and port; the platform is at ``<url>/sandbox/platform``.
    """

    url: str
    _wire: Connection

    def ask(self, method: str, *args: object, **named: object) -> Any:  # noqa: ANN401 - whatever the method answers
        """Call a method of the Sandbox; what it raises is raised here."""
        return self._send("sandbox", method, args, named)

    def ask_phone(self, openid: str, method: str, *args: object, **named: object) -> Any:  # noqa: ANN401 - as above
        """Call a method of the Phone that has this openid, or of the Sandbox with that phone: annoy, block, consent."""
        return self._send(openid, method, args, named)

    def set(self, name: str, value: object) -> None:
        """Set a property of the Sandbox, such as ``reports``."""
        self._send("set", name, (value,), {})

    def _send(self, *request: object) -> Any:  # noqa: ANN401 - as above
        self._wire.send(request)
        is_well, answer = self._wire.recv()
        if not is_well:
            raise answer
        return answer


@contextmanager
def running(account: Account, chsi: ChsiOptions) -> Iterator[Distant]:
    """A sandbox behind real HTTP in a process of its own, in memory, on a free port; it ends with the block."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, account, chsi), daemon=True)
    process.start()
    try:
        if not here.poll(START_SECONDS):
            raise TimeoutError("the sandbox did not start")
        yield Distant(here.recv(), here)
    finally:
        here.close()
        process.join(END_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(wire: Connection, account: Account, chsi: ChsiOptions) -> None:
    app = Flask("sandbox")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    sandbox = Sandbox(account, chsi, base_url=url)
    app.register_blueprint(sandbox.blueprint())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    wire.send(url)
    while True:
        try:
            whom, method, args, named = wire.recv()
        except EOFError:
            return  # the other side has ended, well or killed
        try:
            wire.send((True, _done(sandbox, whom, method, args, named)))
        except Exception as error:  # noqa: BLE001 - every error belongs to who asked
            wire.send((False, error))


def _done(sandbox: Sandbox, whom: str, method: str, args: tuple[Any, ...], named: dict[str, Any]) -> object:
    if whom == "set":
        setattr(sandbox, method, *args)
        return None
    if whom == "sandbox":
        value = getattr(sandbox, method)
        return value(*args, **named) if callable(value) else value
    phone = sandbox.phone_of(whom)
    if hasattr(phone, method):
        value = getattr(phone, method)
        return value(*args, **named) if callable(value) else value
    return getattr(sandbox, method)(phone, *args, **named)
