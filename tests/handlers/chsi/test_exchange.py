import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from handlers.chsi.exchange import AT_ONCE, QUEUE_SECONDS, Answer, NoAnswerError, Ways
from handlers.wechat.budget import STUCK

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def speaking(words: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen, and say to everybody who comes what a test wants."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection:
                try:
                    asked = b""
                    while not asked.endswith(b"{}"):
                        asked += connection.recv(65536)
                    words(connection)
                except OSError:
                    pass

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/chsi"
        listener.shutdown(socket.SHUT_RDWR)


def drip_the_head(connection: socket.socket) -> None:
    """Send a header byte by byte, without an end."""
    connection.sendall(HEAD + b"X-Long: ")
    while True:
        time.sleep(0.05)
        connection.sendall(b"x")


def drip_the_body(connection: socket.socket) -> None:
    connection.sendall(HEAD + b"Content-Length: 4000\r\n\r\n")
    while True:
        time.sleep(0.05)
        connection.sendall(b" ")


def keep_silent(connection: socket.socket) -> None:
    connection.recv(1)


def alive() -> int:
    return sum(thread.name == "exchange" for thread in threading.enumerate())


@pytest.mark.parametrize("words", [drip_the_head, drip_the_body, keep_silent])
def test_nothing_is_waited_for_longer_than_promised_and_no_thread_stays(words: Callable[[socket.socket], None]) -> None:
    with speaking(words) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswerError, match="in time"):
            Ways().post(url, b"{}", {}, 0.5)
        assert time.monotonic() - began < 0.8
        time.sleep(0.2)
        assert alive() == 0


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr("http.client.HTTPConnection.connect", lambda _: found.wait(5))
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="in time"):
        Ways().post("http://chsi.example/", b"{}", {}, 0.3)
    assert time.monotonic() - began < 0.6
    found.set()


def test_only_a_few_wait_at_once_and_the_others_hear_so_soon() -> None:
    with speaking(keep_silent) as url:
        ways, faults, times = Ways(), [], []

        def ask() -> None:
            began = time.monotonic()
            try:
                ways.post(url, b"{}", {}, 1.5)
            except NoAnswerError as error:
                faults.append(str(error))
                times.append(time.monotonic() - began)

        threads = [threading.Thread(target=ask) for _ in range(30)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        assert alive() == AT_ONCE
        for thread in threads:
            thread.join()
        assert faults.count("no answer in time") == AT_ONCE
        assert sorted(times)[30 - AT_ONCE - 1] < 1.0
        time.sleep(0.2)
        assert alive() == 0


@pytest.mark.parametrize(
    "words",
    [b"", b"nonsense\r\n\r\n", HEAD + b"\r\n" + b" " * 5000],
)
def test_an_answer_that_is_none_is_told_by_its_fault_alone(words: bytes) -> None:
    with speaking(lambda connection: connection.sendall(words)) as url:
        with pytest.raises(NoAnswerError) as caught:
            Ways().post(url, b"{}", {}, 2)
        assert str(caught.value) in {"RemoteDisconnected", "ConnectionResetError", "BadStatusLine", "ValueError"}


def test_who_queues_for_chsi_gives_up_before_those_who_wait_for_the_seat() -> None:
    work_before_the_queue = 0.15  # reading and deciding, on a slow machine
    assert QUEUE_SECONDS + work_before_the_queue < STUCK


def test_an_answer_is_read() -> None:
    with speaking(lambda connection: connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")) as url:
        assert Ways().post(url, b"{}", {"X-Signature": "s"}, 2) == Answer(200, b"{}")
