"""Examining one file (文件检查子进程): here alone a PDF from anybody is opened.

Started as a module by ``handlers.files.examining``, it reads from standard input one line of JSON — the pinned
fingerprints — and then the file, and prints what it found as JSON. It writes nothing anywhere, and stops at a limit of
memory and of processor time.
"""

import json
import logging
import resource
import sys
from collections.abc import Collection
from dataclasses import asdict
from typing import Final

from handlers.files.findings import Examined, Integrity, Paper, Trouble
from handlers.files.paper import is_locked, paper_of, token_of
from handlers.files.signature import signatures_of

_MOST_MEMORY: Final = 768 * 2**20
_MOST_CPU_SECONDS: Final = 4
_DEEPEST: Final = 500  # frames; a file of ours needs some fifty


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
