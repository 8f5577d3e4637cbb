"""The difference (逐项差异) between a dossier and what a row makes of it, cell by cell, as staff may see it."""

from dataclasses import replace

from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from bot.roster.columns import Column
from bot.roster.export import to_row

REVIEW = "档案审核"
"""The name of the line that tells what becomes of the review of an archive entry."""

_TAILS = {Column.IDENTITY_NUMBER: 1, Column.MOBILE: 2, Column.COUNSELLOR_PHONE: 2, Column.ARCHIVE_PHONE: 2}
_HEADS = {Column.ARCHIVE_ADDRESS: 3, Column.ARCHIVE_CONTACT: 1, Column.HOUSEHOLD_ADDRESS: 3}

Difference = tuple[str, str, str]
"""Heading, old cell, new cell."""


def differences(old: Dossier, new: Dossier) -> list[Difference]:
    """Return what differs (差异), in the order of the columns, unmasked: for a digest, never for a page."""
    before, after = _row(old), _row(new)
    found = [(str(column), before[column], after[column]) for column in Column if before[column] != after[column]]
    if old.archive.status is not new.archive.status:
        found.append((REVIEW, old.archive.status.value, new.archive.status.value))
    return found


def masked(difference: Difference) -> Difference:
    """Return a difference as a page may show it (遮盖): of sensitive cells only what tells old from new."""
    heading, old, new = difference
    if heading in _TAILS:
        return heading, _tail(old, _TAILS[Column(heading)]), _tail(new, _TAILS[Column(heading)])
    if heading in _HEADS:
        return heading, _head(old, _HEADS[Column(heading)]), _head(new, _HEADS[Column(heading)])
    return difference


def _row(dossier: Dossier) -> dict[Column, str]:
    """Return the cells, also those of an archive entry that is not approved: the row would replace it."""
    if dossier.archive.items is not None and dossier.archive.status is not ArchiveStatus.APPROVED:
        dossier = replace(dossier, archive=replace(dossier.archive, status=ArchiveStatus.APPROVED))
    return to_row(dossier)


def _tail(cell: str, shown: int) -> str:
    return "*" * (len(cell) - shown) + cell[-shown:] if cell else ""


def _head(cell: str, shown: int) -> str:
    return f"{cell[:shown]}…（共 {len(cell)} 字）" if len(cell) > shown else "*" * len(cell)
