"""Examining a file in a child process (文件检查): whatever is wrong with an upload ends that process and no other.

Started as a module, it reads from standard input one line of JSON — the pinned fingerprints — and then the file, and
prints what it found as JSON. It writes nothing anywhere, and stops at a limit of memory and of processor time.
"""

import json
import logging
import resource
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, Final

from handlers.files.paper import Paper, Piece, is_locked, paper_of, token_of
from handlers.files.signature import Integrity, Signed, signatures_of

_HEAD: Final = 1024  # bytes in which readers look for the header
_MOST_MEMORY: Final = 768 * 2**20
_MOST_CPU_SECONDS: Final = 4
_MOST_SECONDS: Final = 8.0
_BARE: Final = {"PYTHONPATH": str(Path(__file__).parents[2])}  # no secret of ours is in the child's environment
_DEEPEST: Final = 500  # frames; a file of ours needs some fifty


class Trouble(StrEnum):
    """Why a file could not be examined (无法检查的原因)."""

    NOT_PDF = "not_pdf"
    LOCKED = "locked"
    DAMAGED = "damaged"
    TOO_HARD = "too_hard"
    """It asked for more memory or time than any report needs (过于复杂)."""
    BUSY = "busy"
    """Too many files are being examined at this moment (排队已满)."""
    TOO_LARGE = "too_large"
    MISSING = "missing"
    """The form came without a file (没有选择文件)."""
    OFTEN = "often"
    """The same address sends too many (上传过于频繁)."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What an examination found (检查结果).

    Attributes:
        trouble: why there is no finding, or None.
        signed: see Signed.
        paper: see Paper.
        signed_token: token of the part that is genuine in itself, or "".
    """

    trouble: Trouble | None = None
    signed: Signed = field(default_factory=lambda: Signed(0))
    paper: Paper = field(default_factory=Paper)
    signed_token: str = field(default="", repr=False)

    @property
    def token(self) -> str:
        """The token the file is about (所指的核验): of its genuine part, where it has one; else as described now."""
        return self.signed_token or self.paper.token


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
        command = [sys.executable, "-m", __name__]
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


def found_in(pdf: bytes, pinned: Collection[str]) -> Examined:
    """Examine a file in this process (检查); for the child only."""
    try:
        if is_locked(pdf):
            return Examined(Trouble.LOCKED)
    except Exception:  # noqa: BLE001 -- damage shows in any way
        return Examined(Trouble.DAMAGED)
    signed = signatures_of(pdf, pinned)
    paper = _readable(pdf)
    if signed is None:
        return Examined(Trouble.DAMAGED, paper=paper)
    signed_token = paper.token if signed.integrity is Integrity.WHOLE else _token_before(pdf, signed.end)
    return Examined(None, signed, paper, signed_token)


def _readable(pdf: bytes) -> Paper:
    try:
        return paper_of(pdf)
    except Exception:  # noqa: BLE001 -- the verdict comes from the signature; text that cannot be read equals nothing
        return Paper()


def _token_before(pdf: bytes, end: int) -> str:
    try:
        return token_of(pdf[:end]) if end else ""
    except Exception:  # noqa: BLE001 -- as above
        return ""


def main() -> int:
    """Read, examine, print (子进程); return the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_SECONDS, _MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.setrecursionlimit(_DEEPEST)
    logging.disable(logging.CRITICAL)
    pinned = json.loads(sys.stdin.buffer.readline())
    found = found_in(sys.stdin.buffer.read(), pinned)
    sys.stdout.write(json.dumps(asdict(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
