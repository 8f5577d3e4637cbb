from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.errors import BadValueError
from handlers.keylist.memory import SeenLists, memory_file
from tests.handlers.keylist.listing import key_list

OTHER = replace(key_list(), root=Ed25519PrivateKey.from_private_bytes(b"s" * 32).public_key().public_bytes_raw())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "quxiang" / "seen-key-lists.json"


def test_the_highest_version_of_each_root_is_remembered(path: Path) -> None:
    for version in (3, 7, 5):
        SeenLists(path).remember(key_list(version), is_pinned=False)
    assert SeenLists(path).at_least(key_list().fingerprint) == 7
    assert SeenLists(path).at_least(OTHER.fingerprint) == 0


def test_another_root_for_the_same_host_is_noticed_and_another_host_is_not(path: Path) -> None:
    SeenLists(path).remember(key_list(), is_pinned=False)
    assert SeenLists(path).is_other_root(OTHER)
    assert not SeenLists(path).is_other_root(key_list())
    assert not SeenLists(path).is_other_root(replace(OTHER, host="other.example.edu.cn"))


def test_a_root_that_a_person_pinned_takes_the_place_of_the_old_one(path: Path) -> None:
    SeenLists(path).remember(key_list(), is_pinned=False)
    SeenLists(path).remember(OTHER, is_pinned=True)
    assert SeenLists(path).is_other_root(key_list())


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', '{"a": {"version": "x", "host": ""}}'])
def test_a_broken_memory_is_told_and_not_forgotten(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(BadValueError, match="--no-memory"):
        SeenLists(path)


def test_the_memory_lies_where_the_base_directories_say(tmp_path: Path) -> None:
    assert memory_file({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "quxiang" / "seen-key-lists.json"
    at_home = Path("~/.local/state/quxiang/seen-key-lists.json").expanduser()
    assert memory_file({}) == memory_file({"XDG_STATE_HOME": "relative"}) == at_home
