"""Writes the published vectors anew: ``python -m tests.vectors.make``. The same words, keys and files every time."""

import json
from pathlib import Path

from tests.handlers.report.sample import registered
from tests.vectors import lists, states, tokens

FOLDER = Path(__file__).parent
FORMAT = 1


def texts() -> dict[str, str]:
    """Return the text of every file of vectors by its name."""
    found: dict[str, dict[str, object]] = {
        "tokens": {"keys": lists.named(), "vectors": tokens.vectors()},
        "keylists": {"vectors": lists.vectors()},
        "standings": {"vectors": states.standings()},
        "scans": {"digest": registered().digest, "vectors": states.scans(registered().digest)},
    }
    return {
        f"{name}.json": json.dumps({"format": FORMAT} | content, ensure_ascii=False, indent=1) + "\n"
        for name, content in found.items()
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text, "utf-8")
