import stat
from pathlib import Path

import pytest

from handlers.keys import KeysError, make_keys, read_keys


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_keys_are_made_once_and_never_touched_again(folder: Path) -> None:
    assert make_keys(folder)
    ring = read_keys(folder)
    assert not make_keys(folder)
    assert read_keys(folder) == ring
    assert len(ring.master) == 32
    assert ring.master != ring.qr[1]


def test_a_single_missing_key_is_made_and_the_other_one_stays(folder: Path) -> None:
    make_keys(folder)
    ring = read_keys(folder)
    (folder / "qr-ed25519-1.key").unlink()
    assert make_keys(folder)
    assert read_keys(folder).master == ring.master


def test_keys_are_readable_by_their_owner_only(folder: Path) -> None:
    make_keys(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_keys_that_others_can_read_are_refused_with_the_way_to_mend_it(folder: Path) -> None:
    make_keys(folder)
    (folder / "master.key").chmod(0o640)
    with pytest.raises(KeysError, match="chmod 600"):
        read_keys(folder)


def test_a_missing_key_says_how_to_make_or_restore_it(folder: Path) -> None:
    with pytest.raises(KeysError, match=r"quxiang keys；"):
        read_keys(folder)


@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_damaged_key_is_refused_without_being_shown(folder: Path, content: str) -> None:
    make_keys(folder)
    (folder / "master.key").write_text(content)
    with pytest.raises(KeysError, match="已损坏") as caught:
        read_keys(folder)
    assert not content or content not in str(caught.value)


def test_keys_do_not_show_in_print(folder: Path) -> None:
    make_keys(folder)
    ring = read_keys(folder)
    assert ring.master.hex() not in repr(ring)
    assert repr(ring.master) not in repr(ring)
