"""nginx in front, with the file a school copies: only paths and ports are others."""

import http.client
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from tests.conftest import skip_or_fail
from tests.journeys.outage import through
from tests.journeys.proxy import Wire
from tests.journeys.stage import free_port
from tests.load.pushes import Answer, Message, Post
from tests.load.school import empty, enrol, in_the_middle, opened, openid_of, write_settings
from tests.load.servers import served

CONFIG = Path(__file__).parents[2] / "docs" / "deploy" / "nginx.conf"
HOST = "bys.example.edu.cn"
PLATFORM_WAITS = 5.0
pytestmark = [pytest.mark.nginx, pytest.mark.postgresql]


@dataclass
class Front:
    """What the world reaches: nginx's two ports, its log, and the wire between us and the database."""

    tls: int
    plain: int
    folder: Path
    wire: Wire

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes, str]:
        """Return status, body and the name of the request; 0 if nothing came before the platform hangs up."""
        trusting = ssl.create_default_context(cafile=str(self.folder / "certificate.pem"))
        trusting.check_hostname = False  # asked by address here
        line = http.client.HTTPSConnection("127.0.0.1", self.tls, timeout=PLATFORM_WAITS, context=trusting)
        try:
            line.request(method, path, body, {"Host": HOST, "Content-Type": "text/xml"})
            answer = line.getresponse()
            return answer.status, answer.read(), answer.headers.get("X-Request-ID", "")
        except TimeoutError:
            return 0, b"", ""
        finally:
            line.close()

    def push(self, message: Message) -> tuple[int, bytes, str]:
        """Push a message as the platform does."""
        head, _, body = Post().request(message).partition(b"\r\n\r\n")
        return self.ask("POST", head.split(b" ")[1].decode(), body)

    def log(self) -> str:
        """Return what nginx has written down, errors included."""
        return "".join((self.folder / name).read_text("utf-8") for name in ("quxiang.log", "quxiang-error.log"))


@pytest.fixture
def front(postgresql_url: str, tmp_path: Path) -> Iterator[Front]:
    if which("nginx") is None:
        skip_or_fail("nginx", "not installed")
    wire, wired = through(postgresql_url)
    empty(postgresql_url)
    port = free_port()
    config = write_settings(tmp_path, wired, port=port, processes=2)
    config.write_text(config.read_text("utf-8").replace("[server]", "[server]\nproxies = 1"), "utf-8")
    with opened(config) as office:
        enrol(office, 5, in_the_middle)
    made = Front(free_port(), free_port(), tmp_path, wire)
    _write(made, port)
    command = ["nginx", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "start.log"), "-g", "daemon off;"]
    with served(config, port), subprocess.Popen(command) as nginx:
        try:
            _wait(made)
            yield made
        finally:
            nginx.terminate()


def _write(front: Front, port: int) -> None:
    """Write the school's file with our own places, and a certificate."""
    folder = front.folder
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={HOST}"]
    subprocess.run([*words, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    text = CONFIG.read_text("utf-8")
    for old, new in {
        "/etc/ssl/bys.example.edu.cn.pem": str(certificate),
        "/etc/ssl/bys.example.edu.cn.key": str(key),
        "/var/log/nginx/": f"{folder}/",
        "127.0.0.1:8000": f"127.0.0.1:{port}",
        "    listen [::]:443 ssl;\n": "",
        "    listen [::]:80;\n": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{front.tls} ssl;",
        "listen 80;": f"listen 127.0.0.1:{front.plain};",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    whole = f"pid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n{places}{text}}}\n"
    (folder / "nginx.conf").write_text(whole, "utf-8")


def _wait(front: Front) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with suppress(OSError):
            if front.ask("GET", "/healthz")[0] == 200:
                return
        time.sleep(0.05)
    pytest.fail((front.folder / "start.log").read_text("utf-8"))


def test_a_push_goes_through_and_no_log_learns_an_openid_or_a_token(front: Front) -> None:
    message = Message.text(openid_of(1), "进度", 1, int(time.time()))
    status, body, name = front.push(message)
    assert status == 200
    assert "办理进度" in Post().text_of(message, Answer(status, body))
    assert front.push(message)[1] == body
    token = "AB" * 74
    assert front.ask("GET", f"/v/{token}")[0] == 200
    assert front.ask("GET", f"/verify?number={token}")[0] == 200
    assert [front.ask("GET", path)[0] for path in ("/metrics", "/readyz")] == [404, 404]
    assert front.ask("POST", "/wechat", b"x" * 70_000)[0] == 413
    log = front.log()
    assert f"POST /wechat 200 {len(body)} " in log
    assert name in log
    assert [secret for secret in (token, openid_of(1), "signature") if secret in log] == []


def test_whoever_comes_without_tls_is_sent_to_it(front: Front) -> None:
    line = http.client.HTTPConnection("127.0.0.1", front.plain)
    line.request("GET", "/verify?number=1", headers={"Host": HOST})
    answer = line.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/verify?number=1")
    line.close()


def test_silence_passes_through_the_proxy_as_silence_and_the_next_push_has_the_answer(front: Front) -> None:
    message = Message.text(openid_of(2), "进度", 2, int(time.time()))
    front.push(Message.text(openid_of(1), "进度", 1, int(time.time())))
    front.wire.freeze()
    assert front.push(message)[0] == 0, "an error page of the proxy would be the platform's fault banner"
    front.wire.mend()
    status, body, _ = front.push(message)
    assert "办理进度" in Post().text_of(message, Answer(status, body))
    assert " 499 0 " in front.log()
