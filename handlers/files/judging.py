"""Judging a file (文件结论): from what was found in it to one verdict with a stable code; pure."""

from dataclasses import dataclass
from enum import StrEnum

from handlers.files.findings import Examined, Integrity, Signed, Trouble
from handlers.files.printed import plain
from handlers.keylist.model import KeyList, KeyState
from handlers.report.pdf import TITLE


class FileVerdict(StrEnum):
    """What is to be said about a file (文件结论); the code is stable and never given a new meaning."""

    ORIGINAL = "F0"
    """Every byte is as the school sealed it (原件)."""
    CHANGED = "F1"
    """Changed after it was sealed (被改动)."""
    ADDED_TO = "F2"
    """Something invisible was added behind what was sealed (有附加内容)."""
    UNSEALED = "F3"
    """Looks like a report and has no seal (没有签章)."""
    FOREIGN = "F4"
    """Sealed by somebody else (签章不是学校的)."""
    RETIRED = "F5"
    """Sealed with a key the school has withdrawn (签章已停用)."""
    SEVERAL = "F6"
    """More than one signature (多个签章)."""
    NO_REPORT = "F7"
    """Not one of our reports (不是核验报告)."""
    UNREADABLE = "F8"
    """Could not be examined (无法检查)."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The judgement of a file (文件结论).

    Attributes:
        verdict: see FileVerdict.
        trouble: why it could not be examined, with UNREADABLE only.
        is_proven: whether the file holds, whole, what the school sealed for the verification it names. Whoever has
            that has read the report: comparing every row with the register tells nothing new.
    """

    verdict: FileVerdict
    trouble: Trouble | None = None
    is_proven: bool = False


def judge(examined: Examined, listed: KeyList, *, is_genuine_token: bool) -> Judgement:
    """Judge a file (判断文件).

    Args:
        examined: what was found in it.
        listed: says which certificates count.
        is_genuine_token: whether ``examined.token`` was signed by us.
    """
    if examined.trouble:
        return Judgement(FileVerdict.UNREADABLE, examined.trouble)
    signed, is_report = examined.signed, is_genuine_token or _is_titled(examined)
    states = {key.fingerprint: key.state for key in listed.report}
    is_proven = is_genuine_token and bool(examined.signed_token)
    return Judgement(_verdict(signed, states.get(signed.fingerprint), is_report=is_report), is_proven=is_proven)


def _verdict(signed: Signed, state: KeyState | None, *, is_report: bool) -> FileVerdict:
    if not is_report:
        return FileVerdict.NO_REPORT
    if signed.count == 0:
        return FileVerdict.UNSEALED
    if signed.count > 1:
        return FileVerdict.SEVERAL
    if signed.fingerprint and state is None:
        return FileVerdict.FOREIGN
    if state is KeyState.RETIRED:
        return FileVerdict.RETIRED
    return {
        Integrity.WHOLE: FileVerdict.ORIGINAL,
        Integrity.ADDED: FileVerdict.ADDED_TO,
        Integrity.BROKEN: FileVerdict.CHANGED,
    }[signed.integrity]


def _is_titled(examined: Examined) -> bool:
    return plain(TITLE) in plain("".join(piece.text for piece in examined.paper.pieces))
