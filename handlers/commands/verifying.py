"""What the verify command checks (离线验证): a token, its address, a text with tokens in it, or a report file."""

import os
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from bot.errors import BadValueError
from handlers.files.examining import Examiner
from handlers.files.judging import FileVerdict, judge
from handlers.keylist.model import KeyList
from handlers.verification.offline import check
from handlers.verification.tokens import Statement

_MOST_BYTES: Final = 20 * 2**20
_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z2-7]{148}(?![A-Za-z0-9])")
_HOST: Final = re.compile(r"\s*https?://([^\s/?#]+)", re.IGNORECASE)
_FILE_NAME: Final = re.compile(r".*\.(pdf|txt|json|csv|md)", re.IGNORECASE)


class Verdict(StrEnum):
    """What is found about a token or a file (结论); the first six are those of ``Genuineness``, the rest of files."""

    GENUINE = "genuine"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    RETIRED_KEY = "retired_key"
    BAD_SIGNATURE = "bad_signature"
    CLOCK = "clock"
    ALTERED = "altered"
    ADDED = "added"
    UNSEALED = "unsealed"
    FOREIGN = "foreign"
    RETIRED_SEAL = "retired_seal"
    SEVERAL = "several"
    NO_REPORT = "no_report"
    NOTHING_FOUND = "nothing_found"
    LOCKED = "locked"
    DAMAGED = "damaged"
    TOO_HARD = "too_hard"

    @property
    def exit_code(self) -> int:
        """0: genuine; 1: not genuine; 2: cannot tell."""
        if self is Verdict.GENUINE:
            return 0
        return 2 if self in _CANNOT_TELL else 1


_CANNOT_TELL: Final = {Verdict.CLOCK, Verdict.NOTHING_FOUND, Verdict.LOCKED, Verdict.DAMAGED, Verdict.TOO_HARD}
_OF_FILES: Final = {
    FileVerdict.CHANGED: Verdict.ALTERED,
    FileVerdict.ADDED_TO: Verdict.ADDED,
    FileVerdict.UNSEALED: Verdict.UNSEALED,
    FileVerdict.FOREIGN: Verdict.FOREIGN,
    FileVerdict.RETIRED: Verdict.RETIRED_SEAL,
    FileVerdict.SEVERAL: Verdict.SEVERAL,
    FileVerdict.NO_REPORT: Verdict.NO_REPORT,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """One token or file that was checked (一项结论).

    Attributes:
        verdict: see Verdict.
        statement: what a genuine token states.
        is_past: the printed last day is over by the clock.
        other_host: host of the address given, if it is not the key list's; else "".
    """

    verdict: Verdict
    statement: Statement | None = field(default=None, repr=False)
    is_past: bool = False
    other_host: str = ""


def check_all(what: str, keys: KeyList, now: datetime) -> tuple[Checked, ...]:
    """Check whatever was given (离线验证); at least one finding.

    Args:
        what: a token, its address, the name of a file, or "-" for standard input.
        keys: a verified key list.
        now: the moment to judge by.

    Raises:
        BadValueError: the file cannot be read.
    """
    if what != "-" and not os.path.isfile(what):  # noqa: PTH113 -- Path.is_file fails on names too long to be one
        if _FILE_NAME.fullmatch(what):
            raise BadValueError("找不到这个文件，或者它不是普通文件：请检查文件名")
        return (_token(what, keys, now),)
    content = _content(what)
    if b"%PDF-" in content[:1024]:
        return (_file(content, keys, now),)
    text = _text(content)
    # A code scanned twice is one report; a list of scans keeps its order.
    found = list(dict.fromkeys(_in_address(text, match) for match in _TOKEN.finditer(text)))
    if not found and text.strip() and len(text.split()) == 1:
        found = [text]
    return tuple(_token(each, keys, now) for each in found) or (Checked(Verdict.NOTHING_FOUND),)


def _content(name: str) -> bytes:
    try:
        if name == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadValueError(f"文件读不出来（{error.strerror}）") from None
    if len(content) > _MOST_BYTES:
        raise BadValueError("文件超过 20 MB，不像是报告")
    return content


def _text(content: bytes) -> str:
    # Tokens are ASCII; the words around them may be in any encoding, and only UTF-16 pulls ASCII apart.
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_utf16 else "latin-1", errors="replace")


def _in_address(text: str, match: re.Match[str]) -> str:
    """Return the token with the address before it, if it stands in one."""
    begin = max(text.rfind(blank, 0, match.start()) for blank in ' \t\r\n"') + 1
    # JSON may write a slash as \/.
    address = text[begin : match.end()].replace("\\/", "/")
    return address if _HOST.match(address) else match[0]


def _token(text: str, keys: KeyList, now: datetime) -> Checked:
    found = check(text, keys, now)
    host = _HOST.match(text)
    official = keys.host.split("/")[0].lower()
    other = host[1] if host and host[1].lower() != official else ""
    return Checked(Verdict(found.genuineness.value), found.statement, found.is_past, other)


def _file(pdf: bytes, keys: KeyList, now: datetime) -> Checked:
    examined = Examiner([key.fingerprint for key in keys.report])(pdf)
    printed = check(examined.paper.token, keys, now)
    judgement = judge(examined, keys, is_genuine_token=printed.statement is not None)
    if judgement.trouble:
        return Checked(Verdict(judgement.trouble.value))
    if judgement.verdict is not FileVerdict.ORIGINAL:
        return Checked(_OF_FILES[judgement.verdict])
    return _token(examined.signed_token, keys, now)
