import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from handlers.keylist.model import WELL_KNOWN
from handlers.offline import pages
from handlers.offline.pages import OfflineDoor, create_blueprint, words
from handlers.verification.offline import Genuineness
from tests.handlers.report.stage import HANDLERS, opened_stage

SCRIPTS = HANDLERS / "static" / "offline"


@pytest.fixture(params=[True, False], ids=["with a season", "before any season"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FlaskClient]:
    """Open the page over a real database."""
    with opened_stage(tmp_path, is_set_up=request.param) as stage:
        app = Flask("offline", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
        app.register_blueprint(create_blueprint(OfflineDoor(stage.work, "https://quxiang.example.edu.cn", WELL_KNOWN)))
        app.add_url_rule(WELL_KNOWN, "keys", lambda: "{}")
        yield app.test_client()


@pytest.mark.parametrize("path", ["/verify/offline", "/verify/offline?lang=en", "/sw.js"])
def test_only_its_own_scripts_and_the_key_list_are_allowed(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/verify/offline", "/verify/offline?lang=en"])
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)
    assert all(found.startswith(("/static/", "?")) for found in re.findall(r'(?:src|href)="([^"]*)"', text))


def test_the_worker_may_serve_the_whole_site(client: FlaskClient) -> None:
    answer = client.get("/sw.js")
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Service-Worker-Allowed"] == "/"


def test_behind_a_folder_everything_stays_in_the_folder(client: FlaskClient) -> None:
    answer = client.get("/sw.js", environ_overrides={"SCRIPT_NAME": "/xs"})
    assert answer.headers["Service-Worker-Allowed"] == "/xs/"
    paths = re.findall(r'"(/[^"]*)"', answer.text)
    assert paths
    assert all(path.startswith("/xs/") for path in paths)


def test_everything_the_worker_keeps_is_there(client: FlaskClient) -> None:
    kept = re.findall(r'"(/[^"]*)"', client.get("/sw.js").text)
    assert {"/verify/offline", "/verify/offline?lang=en", WELL_KNOWN} < set(kept)
    for path in kept:
        with client.get(path) as answer:
            assert answer.status_code == 200, path


def test_everything_the_page_loads_is_kept(client: FlaskClient) -> None:
    kept = re.findall(r'"(/[^"]*)"', client.get("/sw.js").text)
    loaded = re.findall(r'(?:src|href)="(/[^"]*)"', client.get("/verify/offline").text)
    imported = [
        f"/static/offline/{name}"
        for path in SCRIPTS.glob("*.js")
        for name in re.findall(r'from "\./([^"]+)"', path.read_text("utf-8"))
    ]
    assert loaded
    assert imported
    assert {*loaded, *imported} <= set(kept)


def test_a_changed_file_makes_browsers_fetch_everything_anew(client: FlaskClient, tmp_path: Path) -> None:
    before = client.get("/sw.js").text
    pages._version.cache_clear()  # noqa: SLF001 -- a restart, which comes with every change of a file
    assert client.get("/sw.js").text == before
    copy = tmp_path / "static"
    for name in pages._STATIC:  # noqa: SLF001 -- what is kept
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((HANDLERS / "static" / name).read_bytes())
    (copy / "offline" / "check.js").write_text("// changed", "utf-8")
    client.application.static_folder = str(copy)
    pages._version.cache_clear()  # noqa: SLF001 -- as above
    try:
        assert client.get("/sw.js").text != before
    finally:
        pages._version.cache_clear()  # noqa: SLF001 -- as above


def test_the_page_names_the_school_as_soon_as_there_is_a_season(tmp_path: Path) -> None:
    for is_set_up in (True, False):
        folder = tmp_path / str(is_set_up)
        folder.mkdir()
        with opened_stage(folder, is_set_up=is_set_up) as stage:
            app = Flask("x", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
            door = OfflineDoor(stage.work, "https://quxiang.example.edu.cn", WELL_KNOWN)
            app.register_blueprint(create_blueprint(door))
            text = app.test_client().get("/verify/offline").text
        assert ("0512-62880000" in text) is is_set_up
        assert "quxiang.example.edu.cn/verify" in text


def test_every_verdict_has_words_in_both_languages_and_none_sounds_or_looks_in_force() -> None:
    names = [*(each.value for each in Genuineness), "no_list"]
    for language in ("zh", "en"):
        verdicts = words(language)["verdicts"]
        assert sorted(verdicts) == sorted(names)
        assert sorted(each["code"] for each in verdicts.values()) == [f"L{number}" for number in range(7)]
        assert {name for name in verdicts if verdicts[name]["tone"] == "wait"} == {"genuine", "clock"}
        assert {each["tone"] for each in verdicts.values()} == {"wait", "bad"}
        assert not re.search(r"生效中|in force", "".join(_texts(words(language))))
    assert _shape(words("zh")) == _shape(words("en"))


def test_a_verdict_has_the_same_code_and_colour_in_both_languages() -> None:
    chinese, english = words("zh")["verdicts"], words("en")["verdicts"]
    for name in chinese:
        assert [chinese[name][key] for key in ("code", "tone")] == [english[name][key] for key in ("code", "tone")]


def test_the_curve_is_the_published_package_unchanged() -> None:
    content = (SCRIPTS / "noble-ed25519.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() in (SCRIPTS / "README.md").read_text("utf-8")
    assert b"MIT License (c) 2019 Paul Miller" in content
    assert "Permission is hereby granted" in (SCRIPTS / "noble-ed25519.LICENSE.txt").read_text("utf-8")


def test_what_is_not_python_is_packed_with_the_licence() -> None:
    settings = tomllib.loads((HANDLERS.parent / "pyproject.toml").read_text("utf-8"))
    packed = settings["tool"]["setuptools"]["package-data"]["*"]
    for path in ({*SCRIPTS.iterdir()} - {SCRIPTS / "README.md"}) | {HANDLERS / "templates" / "offline" / "sw.js"}:
        assert any(path.match(pattern.removeprefix("**/")) for pattern in packed), path


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(each)


def _shape(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _shape(each) for name, each in value.items()}
    return len(value) if isinstance(value, list) else str
