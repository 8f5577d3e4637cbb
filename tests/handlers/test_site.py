"""What holds for every answer of the whole application, also where no room is."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app import build
from handlers.keys import make_keys
from handlers.public_pages import HEADERS
from handlers.settings import read_settings
from storage.migrating import migrate
from tests.journeys.stage import write_settings

TEMPLATES = Path(__file__).parents[2] / "handlers/templates"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# What pages may say for themselves: the offline page fetches the key list, its worker and static files are kept.
OWN_WORDS = {"Content-Security-Policy", "Cache-Control"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The whole application on a migrated database."""
    folder = tmp_path_factory.mktemp("site")
    settings = read_settings(write_settings(folder, "http://127.0.0.1:9", "http://127.0.0.1:9"), {})
    make_keys(settings.keys.folder)
    migrate(settings.database.url.get_secret_value())
    made = build(settings)
    yield made.web()
    made.client.close()
    made.engine.dispose()


@pytest.fixture
def client(web: Flask) -> FlaskClient:
    """A browser of nobody in particular."""
    return web.test_client()


def path_of(rule: Rule) -> str:
    return re.sub(r"<[^>]+>", "A" * 148, rule.rule)


def assert_manners(headers: dict[str, str], where: str) -> None:
    for name, value in HEADERS.items():
        assert name in headers, (where, name)
        assert name in OWN_WORDS or headers[name] == value, (where, name)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, where
    assert "frame-ancestors 'none'" in policy, where
    assert not re.search(r"unsafe|\*|https?:|data:", policy), where
    # Staff log in; nobody else is ever told apart by a cookie.
    assert "/staff" in where or "Set-Cookie" not in headers, where


def test_every_address_answers_every_method_with_the_manners_of_a_public_page(web: Flask, client: FlaskClient) -> None:
    rules = list(web.url_map.iter_rules())
    assert {"verification.landing", "verification.record", "report.page"} <= {rule.endpoint for rule in rules}
    for rule in rules:
        for method in METHODS:
            answer = client.open(path_of(rule), method=method)
            assert_manners(dict(answer.headers), f"{method} {rule.rule} {answer.status_code}")
            if rule.endpoint != "static" and rule.rule.startswith(("/v/", "/V/", "/r/")):
                assert answer.headers["Cache-Control"] == "no-store"


def test_addresses_nobody_has_lead_on_to_where_one_can_verify(client: FlaskClient) -> None:
    for path in ("/", "/v", "/v/", "/index.php", "/v/x/y/z", "/%E5%8E%BB"):
        answer = client.get(path)
        assert answer.status_code in {404, 405}, path
        assert_manners(dict(answer.headers), path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'href="/verify"' in answer.text
        assert "There is no such page" in answer.text


def test_a_method_a_page_does_not_know_is_told_which_it_knows(client: FlaskClient) -> None:
    answer = client.post("/v/" + "A" * 148)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert "这个页面不能这样打开" in answer.text


def test_a_form_that_is_too_large_is_a_sentence(client: FlaskClient) -> None:
    answer = client.post("/v/" + "A" * 148 + "/received", data={"note": "x" * 20_000})
    assert answer.status_code == 413
    assert "内容太大了" in answer.text
    assert_manners(dict(answer.headers), "413")


@pytest.mark.usefixtures("_still_limits")
def test_a_crowd_is_asked_to_wait(client: FlaskClient) -> None:
    answers = [client.get("/v/x", environ_base={"REMOTE_ADDR": "192.0.2.9"}) for _ in range(1001)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert_manners(dict(answers[-1].headers), "429")


def test_a_fault_of_ours_is_an_apology_and_its_log_line_names_neither_token_nor_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = read_settings(write_settings(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9"), {})
    make_keys(settings.keys.folder)
    made = build(settings)
    web, token = made.web(), "R" * 60

    def fail(token: str) -> str:
        raise ValueError(f"欧阳㛃䶮 {token}")

    web.view_functions["report.page"] = fail
    with caplog.at_level(logging.DEBUG):
        answer = web.test_client().get(f"/r/{token}")
    made.client.close()
    made.engine.dispose()
    assert answer.status_code == 500
    assert "系统出了点问题" in answer.text
    assert_manners(dict(answer.headers), "500")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "handlers.site"]
    assert re.fullmatch(r"failed on /r/[0-9a-f]{8}: builtins\.ValueError at .*test_site\.py:\d+", line)
    assert not [record for record in caplog.records if token in record.getMessage() or "欧阳" in str(record.exc_text)]


def test_no_template_links_elsewhere_with_a_referrer() -> None:
    for template in TEMPLATES.rglob("*.html"):
        for link in re.findall(r"<a [^>]*>", template.read_text("utf-8")):
            elsewhere = re.search(r'href="(?:https?:|\{\{ ?(?:season|url|links?)\b)', link)
            assert not elsewhere or "noreferrer" in link, (template.name, link)
