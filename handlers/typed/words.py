"""The words of the typed lookup (编号查询文案), Chinese and English, from the data file beside this module."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def words(language: str) -> Mapping[str, Any]:
    """Return all words of a language (文案), "zh" or "en"; any other language reads Chinese."""
    table = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))
    chosen: Mapping[str, Any] = table["en" if language == "en" else "zh"]
    return chosen
