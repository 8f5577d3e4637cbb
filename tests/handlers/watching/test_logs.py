"""What the log says: one line a record, the request it belongs to, and never what an exception or a request quotes."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from flask import Flask
from gunicorn.config import Config

from handlers.settings import Logging
from handlers.watching import logs
from handlers.watching.logs import HEADER, JsonLines, ServerLog, TextLines
from tests.handlers.watching.conftest import House

SECRET = "oOpenidOfSomebody"


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    root, floors = logging.getLogger(), [logging.getLogger(name) for name in logs.FLOORS]
    handlers, level, levels = list(root.handlers), root.level, [floor.level for floor in floors]
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for floor, was in zip(floors, levels, strict=True):
        floor.setLevel(was)


def lost() -> None:
    raise LookupError(SECRET)


def broken() -> None:
    try:
        lost()
    except LookupError as error:
        raise ValueError(f"again {SECRET}") from error


def record_of(message: str, *args: object, fails: bool = False) -> logging.LogRecord:
    info = None
    if fails:
        try:
            broken()
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("handlers.x", logging.ERROR, "x.py", 1, message, args, info)


def test_a_json_line_has_what_machines_look_for() -> None:
    told = json.loads(JsonLines().format(record_of("%d things\nfailed “so”", 3)))
    assert told["message"] == "3 things\nfailed “so”"
    assert told["level"] == "error"
    assert told["logger"] == "handlers.x"
    assert told["pid"]
    assert told["request_id"] == ""
    assert datetime.fromisoformat(told["time"]).tzinfo is not None


@pytest.mark.parametrize("form", [JsonLines(), TextLines()])
def test_an_exception_is_classes_and_places_and_one_line(form: logging.Formatter) -> None:
    record = record_of("it failed", fails=True)
    logging.Formatter().format(record)  # another handler may have kept the whole traceback in the record
    line = form.format(record)
    assert SECRET not in line
    assert "\n" not in line
    assert "builtins.ValueError at test_logs.py:" in line
    assert "from builtins.LookupError at test_logs.py:" in line


@pytest.mark.usefixtures("_logging_as_before")
def test_the_settings_say_form_and_level_and_others_libraries_stay_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        logs.set_up(Logging(format="json", level="debug"))
    logging.getLogger("storage.somewhere").debug("ours")
    logging.getLogger("urllib3.connectionpool").debug("POST /cgi-bin?access_token=…")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["ours"]
    logs.set_up(Logging(format="text", level="error"))
    logging.getLogger("storage.somewhere").warning("not now")
    logging.getLogger("storage.somewhere").error("now")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("storage.somewhere: now")


@pytest.fixture
def named() -> Flask:
    app = Flask("named")
    logs.name_requests(app)

    @app.get("/")
    def page() -> str:
        return str(json.loads(JsonLines().format(record_of("inside")))["request_id"])

    @app.get("/breaks")
    def breaks() -> str:
        raise ValueError

    return app


@pytest.mark.parametrize("given", ["a1b2c3d4e5f6", "0af7651916cd43dd8448eb211c80319c", "req_01-X9" * 2])
def test_a_request_keeps_a_harmless_name(named: Flask, given: str) -> None:
    answer = named.test_client().get("/", headers={HEADER: given})
    assert answer.text == given == answer.headers[HEADER]


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "a b c d e f", "姓名姓名姓名姓名", 'quo"te{}quote', "a=b;c=d;e=f"]
)
def test_any_other_name_is_replaced(named: Flask, given: str) -> None:
    answer = named.test_client().get("/", headers={HEADER: given.encode().decode("latin-1")} if given else {})
    assert answer.text == answer.headers[HEADER] != given
    assert re.fullmatch(r"[a-z]{8}-[0-9a-f]+", answer.text)


def test_no_name_of_ours_looks_like_a_student_number_or_a_telephone(named: Flask) -> None:
    client = named.test_client()
    names = [client.get("/").text for _ in range(300)]
    assert len(set(names)) == 300
    assert [name for name in names if re.search(r"\d{5}", name)] == []


def test_the_name_goes_with_the_request_also_when_it_fails(named: Flask) -> None:
    answer = named.test_client().get("/breaks", headers={HEADER: "a1b2c3d4e5f6"})
    assert answer.status_code == 500
    assert answer.headers[HEADER] == "a1b2c3d4e5f6"
    assert json.loads(JsonLines().format(record_of("outside")))["request_id"] == ""


@pytest.fixture
def server_log(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    log = ServerLog(Config())
    yield lambda: "\n".join(JsonLines().format(record) for record in caplog.records)
    log.error_log.propagate = False


def test_the_server_quotes_no_request(server_log: Callable[[], str]) -> None:
    log = ServerLog(Config())
    log.warning(f"Invalid request from ip=10.0.0.1: Invalid HTTP request line: 'GET /r/{SECRET}'")  # noqa: G004 -- as it does
    log.warning("Exception during worker exit:\n%s", SECRET)
    log.warning("No keepalived connections can be handled.")
    try:
        broken()
    except ValueError:
        log.exception("Error handling request %s %s", "GET", "/wechat?openid=" + SECRET)
    lines = server_log()
    assert SECRET not in lines
    assert "10.0.0.1" not in lines
    assert "an invalid HTTP request was refused" in lines
    assert "Error handling request: builtins.ValueError at test_logs.py" in lines
    assert "No keepalived" in lines


def test_every_answer_of_the_application_bears_a_name(house: House) -> None:
    for path in ("/healthz", "/wechat", "/nowhere", "/staff/", "/static/mark.svg"):
        with house.visitor.get(path) as answer:
            assert answer.headers[HEADER]
