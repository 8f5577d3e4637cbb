"""A wire (线路) between the server and whatever it needs, that can be cut, frozen or made slow."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass
class Wire:
    """A TCP proxy on a port of its own.

    Attributes:
        host: where the other end listens.
        port: the same.
        delay: seconds by which everything is late, in both directions.
    """

    host: str
    port: int
    delay: float = 0.0
    own_port: int = 0
    _is_flowing: threading.Event = field(default_factory=threading.Event)
    _ends: set[socket.socket] = field(default_factory=set)
    _listener: socket.socket | None = None

    def __post_init__(self) -> None:
        self._is_flowing.set()
        self.mend()

    def mend(self) -> None:
        """Let everything flow again, at once."""
        self.delay = 0.0
        self._is_flowing.set()
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.own_port), backlog=128)
            self.own_port = self._listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def slow_down(self, seconds: float) -> None:
        """Let everything be late from now on."""
        self.delay = seconds

    def freeze(self) -> None:
        """Keep every connection, and accept new ones, but let nothing through: what SIGSTOP does to a server."""
        self._is_flowing.clear()

    def cut(self) -> None:
        """End every connection and refuse new ones: what stopping a server does."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        self._is_flowing.wait()
        try:
            far = socket.create_connection((self.host, self.port), 5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends |= {near, far}
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        for end in (near, far):
            self._ends.discard(end)
            end.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65536):
                time.sleep(self.delay)
                self._is_flowing.wait()
                target.sendall(some)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
