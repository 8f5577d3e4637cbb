"""The files of docs/deploy name only settings and commands that there are, and log no address with a token."""

import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

from handlers.commands import cli
from handlers.settings import PREFIX, Settings

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
FILES = sorted(DEPLOY.iterdir())
UNITS = [path for path in FILES if path.suffix in {".service", ".socket", ".timer"}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_named_is_one(path: Path) -> None:
    for name in re.findall(rf"\b{PREFIX}([A-Z0-9_]+)\b", path.read_text("utf-8")):
        if name == "CONFIG":
            continue
        part, _, key = name.lower().partition("__")
        field = Settings.model_fields[part].annotation
        assert key in getattr(field, "model_fields", {}), f"{path.name}: {name}"


@pytest.mark.parametrize("path", [*FILES, DEPLOY.with_name("deploy.md")], ids=lambda path: path.name)
def test_every_command_named_is_one(path: Path) -> None:
    text = path.read_text("utf-8")
    named = re.findall(r"(?:bin/quxiang|^quxiang|`quxiang) ([a-z]+)", text, re.MULTILINE)
    named += re.findall(r'\["quxiang", "([a-z]+)"', text)
    assert set(named) <= set(cli.commands), path.name


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_are_hardened_and_complete(path: Path) -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[method-assign, assignment]  # systemd tells capitals apart
    unit.read_string(path.read_text("utf-8"))
    assert unit["Unit"]["Description"]
    if path.suffix == ".service":
        service = unit["Service"]
        assert service["User"] == "quxiang"
        assert service["NoNewPrivileges"] == service["ProtectHome"] == "yes"
        assert service["ProtectSystem"] == "strict"
        assert service["Environment"] == "QUXIANG_CONFIG=/etc/quxiang/config.toml"


def test_the_container_copies_all_the_code_there_is() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (DEPLOY / "Containerfile").read_text("utf-8"), re.MULTILINE)
    words = {word for line in copied for word in line.split()}
    assert {"app.py", "bot", "handlers", "storage", "pyproject.toml", "README.md"} <= words


def test_the_proxy_logs_neither_queries_nor_tokens() -> None:
    conf = (DEPLOY / "nginx.conf").read_text("utf-8")
    (log_format,) = re.findall(r"log_format quxiang '([^']+)'", conf)
    forbidden = ("$request ", "$request_uri", "$args", "$query_string", "$http_referer", "$uri", "$is_args")
    assert not [word for word in forbidden if word in log_format + " "]
    (pattern,) = re.findall(r"~\^(\S+)", conf)
    hidden = re.compile("^" + pattern.replace("(?<door>", "(?P<door>"))
    for path in ("/r/token", "/v/TOKEN", "/p/token/start", "/V/TOKEN"):
        assert hidden.match(path), path
    assert not hidden.match("/verify")
    assert re.search(r"error_log\s+\S+ crit;", conf), "nginx quotes whole request lines at lower levels"
    assert "location = /metrics" in conf
    assert "location = /readyz" in conf
