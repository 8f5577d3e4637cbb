import subprocess
import sys
from pathlib import Path

import pytest

from bot.registration.verification import Subject
from handlers.keylist.model import KeyList
from handlers.keys import make_keys, read_keys
from handlers.keys.changing import rotate_qr
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import registered


def killed_at_every_step(folder: Path, change: str) -> int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.handlers.keys.crashing", str(folder), change],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    return int(done.stdout)


def prepared(folder: Path, change: str) -> str:
    """Make the folder ready for the change; return a token of its first key."""
    make_keys(folder)
    ring = read_keys(folder)
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    token = VerificationKeys.of_list(ring.listed, ring.qr).issue(verification)
    if change == "retire":
        rotate_qr(folder)
    return token


@pytest.mark.parametrize("change", ["qr", "report", "retire"])
def test_a_change_killed_anywhere_leaves_the_old_state_or_the_new_one(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "keys"
    token = prepared(folder, change)
    before = read_keys(folder)
    steps = killed_at_every_step(folder, change)
    finished = read_keys(tmp_path / f"keys-{change}-{steps}")
    assert steps >= 5
    seen = set()
    for step in range(steps):
        copied = tmp_path / f"keys-{change}-{step}"
        ring = read_keys(copied)
        seen.add(ring.listed.version)
        assert ring.listed.version in {before.listed.version, finished.listed.version}, step
        keys = VerificationKeys.of_list(ring.listed, ring.qr)
        is_retired = change == "retire" and ring.listed.version == finished.listed.version
        assert (keys.read(token) is None) is is_retired, step
        # The next change goes through, tidies up, and its list follows on the last one.
        assert rotate_qr(copied).version == ring.listed.version + 1
        assert KeyList.parse(read_keys(copied).published, at_least=ring.listed.version)
        assert len(list(copied.glob("qr-ed25519-*.key"))) <= 3, step
    assert seen == {before.listed.version, finished.listed.version}


def test_a_first_installation_killed_anywhere_is_completed_by_the_same_command(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    steps = killed_at_every_step(folder, "make")
    assert steps >= 10
    for step in range(steps):
        copied = tmp_path / f"keys-make-{step}"
        make_keys(copied)
        ring = read_keys(copied)
        assert ring.listed.version == 1, step
        assert rotate_qr(copied).version == 2, step
