"""Several processes behind one address: they count together, are replaced, and stop without dropping anybody."""

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from storage.migrating import known_revisions, migrate
from tests.journeys.processes import Service, until
from tests.journeys.stage import write_settings
from tests.listening import LISTENER

MANY = {
    "QUXIANG_SERVER__PROCESSES": "2",
    "QUXIANG_WORKER__INSIDE": "false",
    "QUXIANG_LOGGING__FORMAT": "json",
    "QUXIANG_LOGGING__LEVEL": "info",
}


@pytest.fixture
def service(tmp_path: Path, prepared: Path) -> Iterator[Service]:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    listener = socket.create_server(("127.0.0.1", 0))
    runtime = tmp_path / "run"
    runtime.mkdir()
    config = write_settings(tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}", "http://127.0.0.1:9")
    service = Service(config, listener, MANY | {"RUNTIME_DIRECTORY": str(runtime)})
    yield service
    service.end()
    LISTENER.hear(service.log.read_text())


def count_files(service: Service) -> list[str]:
    return sorted(path.name for path in Path(service.environment["RUNTIME_DIRECTORY"]).rglob("*.db"))


def test_processes_count_together_and_their_numbers_survive_their_replacement(service: Service) -> None:
    service.environment = {**service.environment, "QUXIANG_SERVER__MAX_REQUESTS": "20"}
    service.start()
    first = service.children()
    assert len(first) == 2
    before = service.metric("quxiang_http_requests_total")
    for _ in range(120):
        assert service.get("/healthz").status_code == 200
    assert service.metric("quxiang_http_requests_total") >= before + 120, "whichever process is asked"
    until(lambda: not service.children() & first, what="no process was replaced")
    files = count_files(service)
    assert len(files) <= 2 * 5, f"two kinds of counters, a slot for each process and its successor: {files}"
    assert service.metric("quxiang_wechat_crashed_total") == 0
    assert "quxiang_wechat_crashed_total" in service.get("/metrics").text, "also what was made at import"
    assert service.stop() == 0
    assert count_files(service) == [], "the folder goes with the service"
    place = Path(service.environment["RUNTIME_DIRECTORY"])
    left = place / f"quxiang-counts-{2**22 + 1}-dead"  # more than any process is called
    left.mkdir()
    service.start()
    assert not left.exists(), "what a run that was killed has left goes as well"


def test_a_reload_takes_new_settings_and_refuses_wrong_ones(service: Service) -> None:
    service.start()
    assert service.get("/metrics").status_code == 200
    good = service.config.read_text()
    service.config.write_text(good.replace("[server]", '[server]\nmetrics_from = ["10.0.0.0/8"]'))
    service.reload()
    assert service.get("/metrics").status_code == 404
    service.config.write_text("[server]\nnonsense = true\n")
    assert service.process
    service.process.send_signal(signal.SIGHUP)
    until(lambda: "the old ones stay" in service.log.read_text())
    assert service.get("/metrics").status_code == 404, "as before"
    until(lambda: len(service.children()) == 2)
    assert any("nonsense" in str(line["message"]) for line in service.lines())


def test_a_stop_waits_for_those_who_are_being_served(service: Service) -> None:
    service.start()
    port, answers = service.listener.getsockname()[1], list[bytes]()

    def slowly() -> None:
        """Send a request in two pieces, as somebody on a bad line does."""
        with socket.create_connection(("127.0.0.1", port), 10) as line:
            line.sendall(b"POST /wechat HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n12345")
            time.sleep(1.0)
            line.sendall(b"67890")
            answers.append(line.recv(100))

    talkers = [threading.Thread(target=slowly) for _ in range(4)]
    for talker in talkers:
        talker.start()
    time.sleep(0.3)
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 8
    for talker in talkers:
        talker.join()
    assert [answer.split(b" ")[1] for answer in answers] == [b"403"] * 4


def test_a_killed_process_is_replaced_and_its_numbers_stay(service: Service) -> None:
    service.start()
    for _ in range(30):
        service.get("/healthz")
    counted, before = service.metric("quxiang_http_requests_total"), service.children()
    os.kill(min(before), signal.SIGKILL)
    until(lambda: len(service.children()) == 2 and service.children() != before)
    until(lambda: service.answers("/healthz"))
    assert service.metric("quxiang_http_requests_total") >= counted


def test_the_log_is_json_also_where_the_server_speaks_and_quotes_nobody(service: Service) -> None:
    service.start()
    LISTENER.guard(["oNobodysOpenid1234"])
    answer = service.get("/wechat?signature=x&openid=oNobodysOpenid1234", **{"X-Request-ID": "trace-0123456789"})
    assert answer.status_code == 403
    assert answer.headers["X-Request-ID"] == "trace-0123456789"
    with socket.create_connection(service.listener.getsockname(), 10) as line:
        line.sendall(b"GET /r/oNobodysOpenid1234 HTTP/9.9 nonsense\r\n\r\n")
        assert b"400" in line.recv(100)
    until(lambda: any(line["message"] == "an invalid HTTP request was refused" for line in service.lines()))
    (refused,) = [line for line in service.lines() if line["request_id"] == "trace-0123456789"]
    assert refused["logger"] == "handlers.wechat.webhook"
    assert refused["pid"] in service.children()
    assert "oNobodysOpenid1234" not in service.log.read_text()


def test_nothing_starts_on_tables_that_are_too_old(service: Service) -> None:
    older = known_revisions()[-2]
    migrate(f"sqlite:///{service.config.with_name('quxiang.sqlite3')}", older)
    service.start(waits=False)
    assert service.process
    assert service.process.wait(30) == 1
    service.process = None
    assert (
        f"数据库在版本 {older}，程序需要 {known_revisions()[-1]}：请先运行 quxiang migrate" in service.log.read_text()
    )


def test_a_database_that_is_not_there_yet_is_waited_for(service: Service) -> None:
    url = "postgresql://nobody@127.0.0.1:1/nowhere"
    service.environment = {**service.environment, "QUXIANG_DATABASE__URL": url}
    service.start()
    with pytest.raises(requests.HTTPError, match="503"):
        service.get("/readyz").raise_for_status()
    state, checks = service.readiness()
    assert state == "failed"
    assert checks["database"]["state"] == "failed"
