"""How a key list is written (清单写法): one spelling for each value, so that two readers never read two lists.

Reading functions take what JSON gave and raise ValueError for anything else; the model tells it in one sentence.
"""

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def canonical(found: Mapping[str, Any]) -> bytes:
    """Return the canonical JSON of an object (规范形式): keys sorted, no blanks, UTF-8, non-ASCII as it is."""
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def demand_exactly(found: object, names: set[str]) -> dict[str, Any]:
    """Return an object with exactly these names."""
    if not isinstance(found, dict) or set(found) != names:
        raise ValueError
    return found


def several(value: object) -> list[object]:
    """Return an array (数组)."""
    if not isinstance(value, list):
        raise ValueError  # noqa: TRY004 -- a fault in data from outside, told in one sentence with all the others
    return value


def whole(value: object) -> int:
    """Return a whole number (整数)."""
    # True is an int in Python and 1.0 equals 1; JavaScript writes both differently, so neither may be signed.
    if type(value) is not int:
        raise ValueError
    return value


def words(value: object) -> str:
    """Return a text (文本)."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 -- as above
    return value


def moment_of(value: object) -> datetime:
    """Read a moment, to the second and in UTC (时刻); only the one canonical spelling counts."""
    moment = datetime.strptime(words(value), _MOMENT).replace(tzinfo=UTC)
    if stamp(moment) != value:
        raise ValueError
    return moment


def stamp(moment: datetime) -> str:
    """Write a moment, to the second and in UTC."""
    return moment.astimezone(UTC).strftime(_MOMENT)


def bytes_of(value: object, length: int | None = None) -> bytes:
    """Read base64url without padding; only the one canonical spelling counts."""
    text = words(value)
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(raw) != text or (length is not None and len(raw) != length):
        raise ValueError
    return raw


def base64url(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
