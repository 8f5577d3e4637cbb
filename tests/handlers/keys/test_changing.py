import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.registration.verification import Subject, Verification
from handlers.keylist.model import KeyList, KeyListError, KeyState
from handlers.keys import KeyRing, KeysError, make_keys, read_keys
from handlers.keys.changing import Publisher, publish, retire, rotate_qr, rotate_report
from handlers.keys.rehearsal import rehearse
from handlers.verification.offline import Genuineness, check
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, registered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    make_keys(path, Publisher("江南示范大学", "quxiang.example.edu.cn"))
    return path


def archive() -> Verification:
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    return verification


def server_of(folder: Path) -> VerificationKeys:
    ring = read_keys(folder)
    return VerificationKeys.of_list(ring.listed, ring.qr)


def offline(token: str, ring: KeyRing) -> Genuineness:
    return check(token, ring.listed, NOW).genuineness


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_whole_life_of_a_key(folder: Path) -> None:
    first = read_keys(folder)
    old = server_of(folder).issue(archive())

    rotate_qr(folder)
    second = read_keys(folder)
    new = server_of(folder).issue(archive())
    assert old != new
    assert [offline(token, second) for token in (old, new)] == [Genuineness.GENUINE] * 2
    assert [server_of(folder).read(token) is not None for token in (old, new)] == [True, True]
    # Whoever has not fetched the list since the rotation already knows the key that signs now.
    assert offline(new, first) is Genuineness.GENUINE

    retire(folder, "1")
    third = read_keys(folder)
    assert offline(old, third) is Genuineness.RETIRED_KEY
    assert server_of(folder).read(old) is None
    assert offline(new, third) is Genuineness.GENUINE
    assert server_of(folder).read(new) is not None

    assert [ring.listed.version for ring in (first, second, third)] == [1, 2, 3]
    with pytest.raises(KeyListError, match="旧的"):
        KeyList.parse(second.published, at_least=third.listed.version)


def test_signing_with_the_old_key_after_its_retirement_is_refused(folder: Path) -> None:
    stolen = read_keys(folder).qr[1]
    rotate_qr(folder)
    retire(folder, "1")
    forged = VerificationKeys.of_seeds(1, {1: stolen}).issue(archive())
    assert server_of(folder).read(forged) is None
    assert offline(forged, read_keys(folder)) is Genuineness.RETIRED_KEY


def test_a_running_server_keeps_its_keys_until_it_is_restarted(folder: Path) -> None:
    running = server_of(folder)
    rotate_qr(folder)
    token = running.issue(archive())
    assert running.read(token) is not None
    assert server_of(folder).read(token) is not None


def test_the_private_half_of_a_key_that_signs_no_more_is_destroyed(folder: Path) -> None:
    rotate_qr(folder)
    rotate_report(folder)
    names = set(contents(folder)) - {".lock"}
    assert names == {
        "master.key",
        "root-ed25519.key",
        "keys.json",
        "qr-ed25519-2.key",
        "qr-ed25519-3.key",
        "report-p256-2.key",
        "report-p256-2.crt",
    }


def test_a_rotated_sealing_key_stays_accepted_until_it_is_retired(folder: Path) -> None:
    before = read_keys(folder)
    rotate_report(folder)
    after = read_keys(folder)
    assert after.seal != before.seal
    former, current = after.listed.report
    assert (former.state, current.state) == (KeyState.FORMER, KeyState.CURRENT)
    retire(folder, former.fingerprint[:8].upper())
    assert [key.state for key in read_keys(folder).listed.report] == [KeyState.RETIRED, KeyState.CURRENT]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("1", "正在使用"),
        ("2", "备用"),
        ("9", "没有这把密钥"),
        ("", "没有这把密钥"),
        ("abcdef", "没有这把密钥"),
        ("0" * 64, "没有这把密钥"),
    ],
)
def test_only_a_former_key_can_be_retired(folder: Path, name: str, reason: str) -> None:
    before = contents(folder)
    with pytest.raises(KeysError, match=reason):
        retire(folder, name)
    assert contents(folder) == before


def test_a_key_is_retired_once(folder: Path) -> None:
    rotate_qr(folder)
    retire(folder, "1")
    with pytest.raises(KeysError, match="已经停用"):
        retire(folder, "1")


def test_without_the_root_nothing_changes(folder: Path) -> None:
    (folder / "root-ed25519.key").unlink()
    before = contents(folder)
    for change in (rotate_qr, rotate_report):
        with pytest.raises(KeysError, match="根密钥不在这里"):
            change(folder)
    assert contents(folder) == before


def test_another_root_signs_nothing(folder: Path) -> None:
    (folder / "root-ed25519.key").write_text("ab" * 32)
    with pytest.raises(KeysError, match="不是签发现有清单的那把"):
        rotate_qr(folder)


def test_publishing_again_changes_who_speaks_and_no_key(folder: Path) -> None:
    before = read_keys(folder)
    publish(folder, Publisher("江南大学", "hy.example.edu.cn"))
    after = read_keys(folder)
    assert (after.listed.issuer, after.listed.host) == ("江南大学", "hy.example.edu.cn")
    assert after.listed.version == 2
    assert (after.qr, after.seal, after.listed.qr) == (before.qr, before.seal, before.listed.qr)


def test_two_changes_at_once_are_refused(folder: Path) -> None:
    before = contents(folder)
    with (folder / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for change in (rotate_qr, make_keys):
            with pytest.raises(KeysError, match="另一条命令正在改动"):
                change(folder)
    assert contents(folder) == before
    assert rotate_qr(folder).version == 2


def test_a_server_that_starts_during_rotations_finds_one_state_or_the_other(folder: Path) -> None:
    rotations = 12
    with ThreadPoolExecutor(1) as other:
        done = other.submit(lambda: [rotate_qr(folder) for _ in range(rotations)])
        versions = [read_keys(folder).listed.version]
        while not done.done():
            versions.append(read_keys(folder).listed.version)
        done.result()
    assert versions == sorted(versions)
    assert read_keys(folder).listed.version == rotations + 1


def test_an_id_is_never_given_twice_not_even_that_of_a_file_left_behind(folder: Path) -> None:
    (folder / "qr-ed25519-7.key").touch(mode=0o600)
    (folder / "qr-ed25519-7.key").write_text("ab" * 32)
    rotate_qr(folder)
    assert [key.kid for key in read_keys(folder).listed.qr] == [1, 2, 8]
    assert (folder / "qr-ed25519-7.key").read_text() == "ab" * 32


def test_when_all_ids_are_used_up_nothing_changes(folder: Path) -> None:
    (folder / "qr-ed25519-255.key").touch(mode=0o600)
    before = contents(folder)
    with pytest.raises(KeysError, match="255"):
        rotate_qr(folder)
    assert contents(folder) == before


def test_a_rehearsal_names_its_steps_and_leaves_the_folder_untouched(folder: Path) -> None:
    before = contents(folder)
    steps = list(rehearse(folder))
    assert len(steps) == 9
    assert any("被拒绝" in step for step in steps)
    assert any("拒绝旧清单" in step for step in steps)
    assert contents(folder) == before


def test_a_rehearsal_can_follow_real_changes_and_clears_what_an_earlier_one_left(folder: Path) -> None:
    rotate_qr(folder)
    rotate_report(folder)
    left = folder / ".rehearsal-left"
    left.mkdir()
    (left / "qr-ed25519-1.key").write_text("ab" * 32)
    assert list(rehearse(folder))
    assert not left.exists()


def test_a_rehearsal_needs_the_root(folder: Path) -> None:
    (folder / "root-ed25519.key").unlink()
    with pytest.raises(KeysError, match="根密钥不在这里"):
        list(rehearse(folder))
    assert not list(folder.glob(".rehearsal-*"))
