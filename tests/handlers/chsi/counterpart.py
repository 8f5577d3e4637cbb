"""A CHSI that answers whatever a test wants, on a real port."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask, Response, request
from werkzeug.serving import make_server

SECRET = "chsi-secret-of-the-tests"


@dataclass
class Counterpart:
    """The other side: what it answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = b"{}"
    drip: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self, action: str) -> Response:
        """Answer one call."""
        self.asked.append((f"/chsi/{action}", dict(request.headers), request.get_data()))
        if self.drip:
            return Response(self.drops(), self.status)
        return Response(self.body, self.status, self.headers, content_type="application/json")

    def drops(self) -> Iterator[bytes]:
        """Give the body away one byte at a time."""
        for byte in self.body:
            time.sleep(self.drip)
            yield bytes([byte])


@contextmanager
def raised() -> Iterator[Counterpart]:
    """Serve a counterpart."""
    other, web = Counterpart(), Flask("chsi")
    web.add_url_rule("/chsi/<action>", view_func=other.answer, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, web, threaded=True)
    other.url = f"http://127.0.0.1:{server.server_port}/chsi"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield other
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
