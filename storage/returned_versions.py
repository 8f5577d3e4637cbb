"""Returned versions of an archive entry (退回过的版本) as the text that is sealed into the graduate's row."""

import json
from collections.abc import Sequence
from datetime import datetime

from bot.registration.archive import ArchiveItems, ReceivingType, Returned, TransferType

_TEXTS = ("unit", "address", "postcode", "contact", "phone")


def returned_text(versions: Sequence[Returned]) -> str:
    """Return the versions as JSON, "" for none."""
    return json.dumps([_written(version) for version in versions], ensure_ascii=False) if versions else ""


def to_returned(text: str) -> tuple[Returned, ...]:
    """Return the versions of ``returned_text``, oldest first."""
    return tuple(map(_read, json.loads(text))) if text else ()


def _written(version: Returned) -> list[object]:
    items = version.items
    kinds = [items.transfer_type.name, items.receiving_type and items.receiving_type.name]
    return [*kinds, *(getattr(items, name) for name in _TEXTS), version.reason, version.at.isoformat()]


def _read(values: Sequence[str]) -> Returned:
    transfer, receiving, *texts, reason, at = values
    items = ArchiveItems(TransferType[transfer], ReceivingType[receiving] if receiving else None, *texts)
    return Returned(items, reason, datetime.fromisoformat(at))
