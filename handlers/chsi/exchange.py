"""One exchange over HTTP that ends in time (限时请求), whatever the other side does.

A time-out of a socket begins anew with every byte that drips in, and looking up a name has none. So the exchange runs
in a thread of its own: nobody waits for it longer than promised, and its socket is cut then, which ends the thread.
"""

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock, Semaphore, Thread
from time import monotonic
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import certifi

MOST_BYTES: Final = 4096
AT_ONCE: Final = 6
"""How many exchanges may be under way in a process: with a CHSI that hangs, the other threads still do other work."""
QUEUE_SECONDS: Final = 0.3
"""How long one waits for a way to get free: shorter than those wait who wait for a seat at the webhook (``STUCK``)."""


class NoAnswerError(Exception):
    """There was no answer in time, or none that can be read (无应答); the text names the fault and no address."""


class Answer(NamedTuple):
    """What came back (应答)."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to the other side (通道): a few at once."""

    _free: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE), repr=False)

    def post(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> Answer:
        """Post and read the answer, at most 4 KiB, without following redirects (提交).

        Args:
            url: http or https.
            body: what is posted.
            headers: beside those of HTTP itself.
            seconds: for all of it.

        Raises:
            NoAnswerError: no answer in time, too long a one, or no connection.
        """
        until = monotonic() + seconds
        if not self._free.acquire(timeout=min(QUEUE_SECONDS, seconds)):
            raise NoAnswerError("too many wait for an answer already")
        exchange = _Exchange(url, body, headers, seconds)
        thread = Thread(target=self._run, args=(exchange,), name="exchange", daemon=True)
        thread.start()
        thread.join(max(0.0, until - monotonic()))
        if thread.is_alive():
            exchange.cut()
            raise NoAnswerError("no answer in time")
        if exchange.answer is None:
            raise NoAnswerError(exchange.fault)
        return exchange.answer

    def _run(self, exchange: "_Exchange") -> None:
        try:
            exchange.run()
        finally:
            self._free.release()


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


class _Exchange:
    """One exchange: run by one thread, cut by another."""

    def __init__(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> None:
        self._url, self._body, self._headers, self._seconds = url, body, headers, seconds
        self._socket: socket.socket | None = None
        self._is_cut = False
        self._lock = Lock()
        self.answer: Answer | None = None
        self.fault = ""

    def run(self) -> None:
        try:
            self.answer = self._post()
        except (OSError, HTTPException, ValueError) as error:
            self.fault = type(error).__name__

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _post(self) -> Answer:
        place = urlsplit(self._url)
        host, port = place.hostname or "", place.port
        if place.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(host, port, timeout=self._seconds, context=_trusted())
        else:
            connection = HTTPConnection(host, port, timeout=self._seconds)
        try:
            connection.connect()
            with self._lock:
                if self._is_cut:
                    raise TimeoutError
                self._socket = connection.sock
            path = place.path + (f"?{place.query}" if place.query else "")
            connection.request("POST", path or "/", self._body, {**self._headers, "Connection": "close"})
            with connection.getresponse() as response:
                body = response.read(MOST_BYTES + 1)
                if len(body) > MOST_BYTES:
                    raise ValueError("too long an answer")
                return Answer(response.status, body)
        finally:
            connection.close()
