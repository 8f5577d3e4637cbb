import stat
from pathlib import Path

import pytest

from bot.registration.verification import Subject
from handlers.keylist.model import KeyList, KeyState
from handlers.keys import KeyRing, KeysError, make_keys, read_keys
from handlers.keys.changing import Publisher, rotate_qr
from handlers.report.seal import Seal
from handlers.report.seal_key import fingerprint
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, registered

SCHOOL = Publisher("江南示范大学", "quxiang.example.edu.cn")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def states(listed: KeyList) -> dict[int, KeyState]:
    return {key.kid: key.state for key in listed.qr}


def server_of(ring: KeyRing) -> VerificationKeys:
    return VerificationKeys.of_list(ring.listed, ring.qr)


def test_keys_are_made_once_and_never_touched_again(folder: Path) -> None:
    assert make_keys(folder)
    ring = read_keys(folder)
    assert not make_keys(folder)
    assert read_keys(folder) == ring
    assert len(ring.master) == 32
    assert ring.master != ring.qr[1]


def test_a_first_installation_has_two_live_ids_a_seal_and_a_list_of_version_one(folder: Path) -> None:
    make_keys(folder, SCHOOL)
    ring = read_keys(folder)
    assert states(ring.listed) == {1: KeyState.CURRENT, 2: KeyState.NEXT}
    assert set(ring.qr) == {1, 2}
    assert [key.fingerprint for key in ring.listed.report] == [fingerprint(ring.seal.certificate_pem)]
    assert Seal(ring.seal, lambda: NOW)
    assert (ring.listed.version, ring.listed.issuer, ring.listed.host) == (1, SCHOOL.issuer, SCHOOL.host)
    assert KeyList.parse(ring.published, at_least=1, root=ring.listed.fingerprint) == ring.listed


def test_a_folder_of_before_the_list_is_completed_without_touching_what_is_there(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    for name, digits in (("master.key", "ab"), ("qr-ed25519-1.key", "cd")):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(digits * 32 + "\n")
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    printed = VerificationKeys.of_seeds(1, {1: b"\xcd" * 32}).issue(verification)
    with pytest.raises(KeysError, match="请运行 quxiang keys 补齐"):
        read_keys(folder)
    assert make_keys(folder)
    ring = read_keys(folder)
    assert (ring.master, ring.qr[1]) == (b"\xab" * 32, b"\xcd" * 32)
    assert states(ring.listed) == {1: KeyState.CURRENT, 2: KeyState.NEXT}
    assert server_of(ring).read(printed) is not None


def test_a_first_installation_that_was_broken_off_is_taken_up(folder: Path) -> None:
    make_keys(folder)
    before = read_keys(folder)
    (folder / "keys.json").unlink()
    (folder / "root-ed25519.key").unlink()
    assert make_keys(folder)
    after = read_keys(folder)
    assert (after.master, after.qr) == (before.master, before.qr)


def test_a_single_missing_key_is_made_and_the_other_one_stays(folder: Path) -> None:
    make_keys(folder)
    ring = read_keys(folder)
    (folder / "qr-ed25519-1.key").unlink()
    assert make_keys(folder)
    assert read_keys(folder).master == ring.master


def test_a_lost_current_key_makes_way_for_the_next_and_what_it_signed_stays_genuine(folder: Path) -> None:
    make_keys(folder)
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    printed = server_of(read_keys(folder)).issue(verification)
    (folder / "qr-ed25519-1.key").unlink()
    make_keys(folder)
    ring = read_keys(folder)
    assert states(ring.listed) == {1: KeyState.FORMER, 2: KeyState.CURRENT, 3: KeyState.NEXT}
    assert server_of(ring).read(printed) is not None
    assert ring.listed.version == 2


def test_a_lost_next_key_is_retired_unused(folder: Path) -> None:
    make_keys(folder)
    (folder / "qr-ed25519-2.key").unlink()
    make_keys(folder)
    expected = {1: KeyState.CURRENT, 2: KeyState.RETIRED, 3: KeyState.NEXT}
    assert states(read_keys(folder).listed) == expected


def test_two_lost_keys_are_both_replaced(folder: Path) -> None:
    make_keys(folder)
    (folder / "qr-ed25519-1.key").unlink()
    (folder / "qr-ed25519-2.key").unlink()
    make_keys(folder)
    ring = read_keys(folder)
    assert [key.kid for key in ring.listed.qr if key.state is KeyState.FORMER] == [1]
    assert len(ring.qr) == 2


@pytest.mark.parametrize("ending", ["key", "crt"])
def test_a_lost_sealing_key_is_replaced_and_its_certificate_stays_listed(folder: Path, ending: str) -> None:
    make_keys(folder)
    before = read_keys(folder)
    (folder / f"report-p256-1.{ending}").unlink()
    with pytest.raises(KeysError, match="quxiang keys"):
        read_keys(folder)
    make_keys(folder)
    after = read_keys(folder)
    assert [key.state for key in after.listed.report] == [KeyState.FORMER, KeyState.CURRENT]
    assert after.listed.report[0].certificate == before.listed.report[0].certificate


def test_a_lost_key_is_not_replaced_without_the_root(folder: Path) -> None:
    make_keys(folder)
    (folder / "root-ed25519.key").unlink()
    (folder / "qr-ed25519-1.key").unlink()
    with pytest.raises(KeysError, match="根密钥不在这里"):
        make_keys(folder)


def test_a_lost_list_is_not_made_up_anew(folder: Path) -> None:
    make_keys(folder)
    (folder / "keys.json").unlink()
    with pytest.raises(KeysError, match=r"quxiang-keys\.json 下载"):
        make_keys(folder)


def test_a_lost_master_key_is_not_made_up_anew(folder: Path) -> None:
    make_keys(folder)
    (folder / "master.key").unlink()
    with pytest.raises(KeysError, match="从备份恢复"):
        make_keys(folder)


def test_the_server_starts_without_the_private_half_of_the_root(folder: Path) -> None:
    make_keys(folder)
    ring = read_keys(folder)
    (folder / "root-ed25519.key").unlink()
    assert read_keys(folder) == ring
    assert not make_keys(folder)


def test_keys_are_readable_by_their_owner_only(folder: Path) -> None:
    make_keys(folder)
    rotate_qr(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["master.key", "qr-ed25519-1.key", "qr-ed25519-2.key", "report-p256-1.key"])
def test_keys_that_others_can_read_are_refused_with_the_way_to_mend_it(folder: Path, name: str) -> None:
    make_keys(folder)
    (folder / name).chmod(0o640)
    with pytest.raises(KeysError, match=f"chmod 600 .*{name}"):
        read_keys(folder)


def test_a_root_that_others_can_read_signs_nothing(folder: Path) -> None:
    make_keys(folder)
    (folder / "root-ed25519.key").chmod(0o604)
    with pytest.raises(KeysError, match="chmod 600"):
        rotate_qr(folder)


def test_a_missing_key_says_how_to_make_or_restore_it(folder: Path) -> None:
    with pytest.raises(KeysError, match=r"quxiang keys；"):
        read_keys(folder)


@pytest.mark.parametrize("name", ["master.key", "qr-ed25519-1.key"])
@pytest.mark.parametrize("content", ["", "zz" * 32, "ab" * 31, "ab" * 33, "é" * 64])
def test_a_damaged_key_is_refused_without_being_shown(folder: Path, name: str, content: str) -> None:
    make_keys(folder)
    (folder / name).write_text(content)
    with pytest.raises(KeysError, match="已损坏") as caught:
        read_keys(folder)
    assert not content or content not in str(caught.value)


def test_a_key_that_is_not_the_listed_one_is_refused(folder: Path) -> None:
    make_keys(folder)
    (folder / "qr-ed25519-1.key").write_text("ab" * 32)
    with pytest.raises(KeysError, match="与密钥清单不符"):
        read_keys(folder)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_damaged_list_is_refused(folder: Path, content: bytes) -> None:
    make_keys(folder)
    (folder / "keys.json").write_bytes(content)
    with pytest.raises(KeysError, match="密钥清单"):
        read_keys(folder)


def test_keys_do_not_show_in_print(folder: Path) -> None:
    make_keys(folder)
    ring = read_keys(folder)
    for secret in (ring.master, *ring.qr.values(), ring.seal.private_pem):
        assert secret.hex() not in repr(ring)
        assert repr(secret) not in repr(ring)
