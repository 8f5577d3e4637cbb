"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask

import app

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "handlers", "storage")
NAMELESS = {"utils", "helpers", "common", "misc", "manager", "base"}
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
# Files that may be longer, each with its reason.
LONG_FILES = {
    "bot/ports.py": "all ports in one place: the list of what the mind needs from the world",
    "bot/notices/ports.py": "all ports of the ledger in one place, for the same reason",
    "bot/registration/dossier.py": "the aggregate: one class, one place for the rules",
    "bot/conversation/vocabulary.py": "one dictionary of words",
}


def _sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for room in ROOMS:
        yield from (ROOT / room).rglob("*.py")


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert not [path for path in _sources() if {path.stem, path.parent.name} & NAMELESS]


def test_nobody_imports_the_roof() -> None:
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "app" not in {name.split(".")[0] for name in names}, path


def test_a_long_file_has_a_reason() -> None:
    long = {
        str(path.relative_to(ROOT)) for path in _sources() if len(path.read_text("utf-8").splitlines()) > LONGEST_FILE
    }
    assert long <= set(LONG_FILES)


def test_functions_are_short() -> None:
    for path in _sources():
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert length <= LONGEST_FUNCTION, f"{path.relative_to(ROOT)}: {node.name} has {length} lines"


def test_every_noqa_has_its_reason() -> None:
    bare = re.compile(r"#\s*noqa(?::\s*[A-Z0-9, ]+)?\s*$")
    for path in [*_sources(), *(ROOT / "tests").rglob("*.py")]:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            assert not bare.search(line), f"{path.relative_to(ROOT)}:{number}"


def test_every_blueprint_has_a_guard() -> None:
    """A blueprint is registered by ``app._register`` only, which refuses one without a guard."""
    with pytest.raises(LookupError):
        app._register(Flask("x"), Blueprint("unguarded", "x"))  # noqa: SLF001 -- the guard itself is under test
    calls = re.findall(r"\.register_blueprint\(", (ROOT / "app.py").read_text("utf-8"))
    assert len(calls) == 1
    for path in _sources():
        if path.name != "app.py":
            assert "register_blueprint(" not in path.read_text("utf-8"), path


def test_nothing_names_the_workshop_it_was_made_in() -> None:
    # Put together here, so that this file does not name it either.
    forbidden = [("/wo" + "rk/").encode(), ("." + "library").encode(), (".." + "/shared").encode()]
    for path in _tracked():
        if path.suffix not in {".png", ".xlsx", ".pdf"}:
            content = path.read_bytes()
            assert not [word for word in forbidden if word in content], path
