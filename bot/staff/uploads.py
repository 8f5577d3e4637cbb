"""The uploads (名册上传) of rosters: what becomes of a file, from the upload through the preview to the undo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

PIECE = 384 * 2**10
"""Bytes of a stored piece before it is sealed: half a MiB fits the packets of every MariaDB."""

MOST_BYTES = 30 * 2**20
"""Bytes an uploaded file may have; 100,000 graduates with all columns take half of it."""

MOST_ROWS = 100_000
"""Graduates one file may have."""

PAGE = 25
"""Lines of a list on one page."""

CHANGED_PAGE = 10
"""Graduates with changes on one page, each with up to thirty lines."""

UNDO_FOR = timedelta(days=30)
"""How long an import can be undone."""


class UploadState(StrEnum):
    """The state of an upload (上传状态); the value is what staff read."""

    LOOKING = "正在核对"
    READY = "等待写入"
    REFUSED = "无法读取"
    APPLYING = "正在写入"
    APPLYING_GOOD = "正在写入没有问题的行"
    APPLIED = "已写入"
    UNDOING = "正在撤销"
    UNDONE = "已撤销"
    DROPPED = "已放弃"

    @property
    def is_work(self) -> bool:
        """Whether the worker has to do something."""
        return self in WORK


WORK = (UploadState.LOOKING, UploadState.APPLYING, UploadState.APPLYING_GOOD, UploadState.UNDOING)
"""The states in which the worker has to do something."""


class Kind(StrEnum):
    """What a stored piece holds (分片种类)."""

    FILE = "file"
    """The file as it was uploaded."""
    ADDED = "added"
    """[row, student number, name, college, class]"""
    CHANGED = "changed"
    """[row, student number, name, whether a confirmation falls, [[heading, old, new], …]]"""
    REFUSED = "refused"
    """[row, cell, heading, reason]"""
    CELLS = "cells"
    """[row, cells of a refused row as text]; the headings first"""
    MISSING = "missing"
    """[student number, name, college, class]"""
    UNDO = "undo"
    """What it takes to undo, in the words of storage."""
    LEFT = "left"
    """[student number, name]: what an undo left alone"""


def page_size(kind: Kind) -> int:
    """Return how many lines of a list stand on one page; a page stays below 30 KB."""
    return CHANGED_PAGE if kind is Kind.CHANGED else PAGE


LISTS = (Kind.LEFT, Kind.REFUSED, Kind.CHANGED, Kind.ADDED, Kind.MISSING)
"""The lists staff can page through."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the look at a file found, and what became of it (核对结果).

    Attributes:
        added, changed, unchanged, refused, missing: numbers of graduates; refused are rows.
        falls: confirmations that the changes take back (N15).
        unknown_headings: columns that are ignored.
        notes: what else there is to know about the file.
        fingerprint: digest of everything that would be written.
        sizes: for each list, how many lines each stored piece holds.
        reason: why the file was refused as a whole, or "".
        is_renewed: whether the data changed since the preview somebody wanted to apply.
        restored, removed, left: what an undo did.
        asked_by: identifier, name and role of whoever asked for the work in hand; the audit log names this person.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    missing: int = 0
    falls: int = 0
    unknown_headings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fingerprint: str = ""
    sizes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reason: str = ""
    is_renewed: bool = False
    restored: int = 0
    removed: int = 0
    left: int = 0
    asked_by: tuple[str, str, str] = ("", "", "")

    def count(self, kind: Kind) -> int:
        """Return how many lines a list has."""
        return sum(self.sizes.get(kind, ()))


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload (一次上传).

    Attributes:
        id: identifier.
        season_id: the season the roster is for.
        staff_id: account of whoever uploaded.
        file_name: as uploaded.
        size: bytes.
        state: see UploadState.
        created_at: when it was uploaded.
        rows_seen, rows_total: how far the work is; the total is 0 while unknown.
        lease_until: until when a worker holds it, or None.
        finished_at: when the last step ended, or None.
        findings: see Findings; None until something was found.
        version: compare-and-swap counter of the stored row.
    """

    id: str
    season_id: str
    staff_id: str
    file_name: str = field(repr=False)
    size: int
    state: UploadState
    created_at: datetime
    rows_seen: int = 0
    rows_total: int = 0
    lease_until: datetime | None = None
    finished_at: datetime | None = None
    findings: Findings | None = None
    version: int = 0

    def can_undo(self, now: datetime) -> bool:
        """Tell whether the import can still be undone (可撤销)."""
        return self.state is UploadState.APPLIED and self.finished_at is not None and now < self.finished_at + UNDO_FOR
