"""The command's side of the published vectors: ``quxiang verify … --json``."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from handlers.commands.verify import verify
from tests.vectors.files import KEYLISTS, LISTS, TOKENS, Vector, named

APP = Path(__file__).parents[2] / "app.py"


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """Say what the command found in the words of the vectors."""
    found = answer["findings"][0]
    if "number" not in found:
        return {"genuineness": found["verdict"]}
    return {
        "genuineness": found["verdict"],
        "number": found["number"],
        "issued": found["issued_at"].replace("+00:00", "Z"),
        "last_day": found["last_day"],
        # The command says nothing at all about dates under a wrong clock.
        "is_past": bool(found["is_past"]),
    }


def asked(vector: Vector, keys: Path) -> list[str]:
    """Return the words of the command for a vector of a token."""
    keys.write_text(LISTS[vector["keys"]], "utf-8")
    return [vector["token"], "--keys", str(keys), "--at", vector["clock"], "--no-memory", "--json"]


@pytest.mark.parametrize("name", named(TOKENS))
def test_the_command_says_of_a_token(name: str, tmp_path: Path) -> None:
    vector = named(TOKENS)[name]
    done = CliRunner().invoke(verify, asked(vector, tmp_path / "keys.json"))
    assert told(json.loads(done.stdout)) == vector["expect"]
    assert done.exit_code == {"genuine": 0, "clock": 2}.get(vector["expect"]["genuineness"], 1)


@pytest.mark.parametrize("name", named(KEYLISTS))
def test_the_command_takes_the_key_list(name: str, tmp_path: Path) -> None:
    vector, keys = named(KEYLISTS)[name], tmp_path / "keys.json"
    keys.write_text(vector["text"], "utf-8")
    words = [TOKENS["vectors"][0]["token"], "--keys", str(keys), "--at-least", str(vector["at_least"])]
    words += ["--root", vector["root"]] if vector["root"] else []
    answer = json.loads(CliRunner().invoke(verify, [*words, "--no-memory", "--json"]).stdout)
    assert ("accept" if "findings" in answer else answer["verdict"]) == vector["expect"]


@pytest.mark.parametrize("name", ["the current key", "after its key was retired", "S is S + L", "a clock of 1970"])
def test_the_command_in_a_process_of_its_own_says_the_same(name: str, tmp_path: Path) -> None:
    vector = named(TOKENS)[name]
    command = [sys.executable, str(APP), "verify", *asked(vector, tmp_path / "keys.json")]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert told(json.loads(done.stdout)) == vector["expect"]
    assert not done.stderr
