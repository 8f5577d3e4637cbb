"""The published vectors, as anybody reads them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Vector = dict[str, Any]


def published(name: str) -> dict[str, Any]:
    """Return the content of a file of vectors."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


TOKENS = published("tokens")
LISTS: dict[str, str] = TOKENS["keys"]
KEYLISTS, STANDINGS, SCANS = published("keylists"), published("standings"), published("scans")


def named(content: dict[str, Any]) -> dict[str, Vector]:
    """Return the vectors of a file by name."""
    return {vector["name"]: vector for vector in content["vectors"]}
