"""Examining a file in a child process (文件检查): whatever is wrong with an upload ends that process and no other.

The child is ``handlers.files.child``. It alone loads pypdf and pyHanko's checks, so that no server holds them for life.
"""

import json
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from handlers.files.findings import Examined, Integrity, Paper, Piece, Signed, Trouble

_CHILD: Final = "handlers.files.child"
_HEAD: Final = 1024  # bytes in which readers look for the header
_MOST_SECONDS: Final = 8.0
_BARE: Final = {"PYTHONPATH": str(Path(__file__).parents[2])}  # no secret of ours is in the child's environment


class Examiner:
    """Examines files in child processes (文件检查), a few at a time.

    A crowd of hard files must neither take the machine nor all threads of the server, which has graduates to answer.

    Args:
        pinned: fingerprints of our certificates, whatever their state.
        at_once: how many children may run; twice as many files may wait.
        patience: how many seconds a file waits for its turn.
    """

    def __init__(self, pinned: Collection[str], at_once: int = 2, patience: float = 4.0) -> None:
        self._room = BoundedSemaphore(3 * at_once)
        self._told = json.dumps(sorted(pinned)).encode() + b"\n"
        self._turns = BoundedSemaphore(at_once)
        self._patience = patience

    def __call__(self, pdf: bytes) -> Examined:
        """Examine a file from anybody (检查文件)."""
        if b"%PDF-" not in pdf[:_HEAD]:
            return Examined(Trouble.NOT_PDF)
        if not self._room.acquire(blocking=False):
            return Examined(Trouble.BUSY)
        try:
            return self._in_turn(pdf)
        finally:
            self._room.release()

    def _in_turn(self, pdf: bytes) -> Examined:
        if not self._turns.acquire(timeout=self._patience):
            return Examined(Trouble.BUSY)
        try:
            return self._in_child(pdf)
        finally:
            self._turns.release()

    def _in_child(self, pdf: bytes) -> Examined:
        command = [sys.executable, "-m", _CHILD]
        try:
            done = subprocess.run(  # noqa: S603 -- our own module
                command, input=self._told + pdf, capture_output=True, check=False, timeout=_MOST_SECONDS, env=_BARE
            )
        except subprocess.TimeoutExpired:
            return Examined(Trouble.TOO_HARD)
        # Killed, out of memory, or at the limit of time: never the fault of a report of ours.
        return _from_json(json.loads(done.stdout)) if done.returncode == 0 else Examined(Trouble.TOO_HARD)


def _from_json(found: dict[str, Any]) -> Examined:
    signed, paper = found["signed"], found["paper"]
    return Examined(
        Trouble(found["trouble"]) if found["trouble"] else None,
        Signed(signed["count"], signed["fingerprint"], Integrity(signed["integrity"]), signed["end"]),
        Paper(paper["token"], tuple(Piece(**piece) for piece in paper["pieces"])),
        found["signed_token"],
    )
