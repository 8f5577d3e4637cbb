"""The words (文案) a graduate reads, loaded from texts.zh.toml; code holds keys only."""

import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def texts() -> Mapping[str, str]:
    """Return all sentences by dotted key."""
    return dict(_flat("", tomllib.loads(files(__package__).joinpath("texts.zh.toml").read_text("utf-8"))))


def label(step: str, option: str) -> str:
    """Return the label of a choice (选项) of a step, e.g. ``label("archive.transfer_type", "unit")``."""
    return texts()[f"{step}.choices.{option}"]


def placeholders(sentence: str) -> set[str]:
    """Return the names of the placeholders in a sentence."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield prefix + key, value.strip()
        else:
            yield from _flat(f"{prefix}{key}.", value)
