"""The example settings load, and explain every setting there is."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from handlers.settings import Settings, read_settings

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _keys(table: dict[str, object], prefix: str = "") -> Iterator[str]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_the_example_is_a_valid_configuration() -> None:
    assert read_settings(EXAMPLE, {}).server.public_url == "https://bys.example.edu.cn"


def test_the_example_names_every_setting_and_no_other() -> None:
    assert sorted(_keys(tomllib.loads(EXAMPLE.read_text("utf-8")))) == sorted(_names(Settings))


def test_every_setting_of_the_example_stands_under_a_comment() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            above = lines[number - 1]
            # Settings that belong together share the comment above the first of them.
            assert above.startswith("#") or " = " in above, line
