"""A line to a server: one connection kept open, requests as bytes out, answers in; as little of our own as can be."""

import socket
from contextlib import suppress

from tests.load.pushes import Answer

_LENGTH = b"content-length:"
_END = b"\r\n\r\n"
BROKEN = Answer(0, b"")
"""What stands for an answer that never came."""


class Line:
    """One connection to one server; opened anew when it broke. For one thread at a time.

    Args:
        port: on this machine.
        patience: seconds to wait for an answer; WeChat waits five.
    """

    def __init__(self, port: int, patience: float = 5.0) -> None:
        self._port = port
        self._patience = patience
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> Answer:
        """Send a request and return the answer; BROKEN when there was none. Nothing is sent a second time."""
        self.send(request)
        return self.hear()

    def send(self, request: bytes) -> None:
        """Send a request, and do not wait."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), self._patience)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
        except OSError:
            self.close()

    def hear(self) -> Answer:
        """Return the answer to what was sent."""
        if self._socket is None:
            return BROKEN
        try:
            return self._read(self._socket)
        except OSError:
            self.close()
            return BROKEN

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _read(self, connection: socket.socket) -> Answer:
        data = b""
        while _END not in data:
            data += self._more(connection)
        head, _, body = data.partition(_END)
        lines = head.lower().split(b"\r\n")
        length = next(int(line[len(_LENGTH) :]) for line in lines if line.startswith(_LENGTH))
        while len(body) < length:
            body += self._more(connection)
        if b"connection: close" in lines:
            self.close()
        return Answer(int(lines[0].split()[1]), body)

    @staticmethod
    def _more(connection: socket.socket) -> bytes:
        data = connection.recv(65536)
        if not data:
            raise ConnectionResetError
        return data
