"""Checking a token offline (离线验证): is it genuine? Whether it is still in force only the register can say.

The verdicts have one name each here, in the command and on the offline page; the first that holds is given.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.registration.season import end_of_day
from handlers.keylist.model import KeyList, KeyState
from handlers.verification.tokens import Statement, Unproved

_TOLERANCE = timedelta(minutes=10)
_DOOR = "/v/"


class Genuineness(StrEnum):
    """The verdict on a token (真伪), in the order in which it is looked for."""

    MALFORMED = "malformed"
    """No token at all: length, alphabet, spelling or version."""
    UNKNOWN_KEY = "unknown_key"
    """Signed with a key the list does not name: forged, or the list is too old."""
    RETIRED_KEY = "retired_key"
    """Signed with a key that no longer counts."""
    BAD_SIGNATURE = "bad_signature"
    """Altered, or signed by somebody else."""
    CLOCK = "clock"
    """Genuine, but issued in the future of this clock: the clock is wrong, so nothing is said about dates."""
    GENUINE = "genuine"
    """Signed by the school; no word about being in force."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out offline (离线验证结果).

    Attributes:
        genuineness: the verdict.
        statement: what the token states, if it was signed with an accepted key; else None.
        is_past: the printed last day is over by this clock; an extension since then cannot be seen offline.
    """

    genuineness: Genuineness
    statement: Statement | None = None
    is_past: bool = False


def check(token: str, keys: KeyList, now: datetime) -> Finding:
    """Check a token, or the address it is printed in, against a verified key list (离线验证).

    Args:
        token: 148 characters in either case, or an address ending in ``/V/`` or ``/v/`` and these, blanks around it.
        keys: a list that was verified by ``KeyList.parse``.
        now: what this machine takes for the present moment.
    """
    unproved = Unproved.of(bare_token(token))
    if unproved is None:
        return Finding(Genuineness.MALFORMED)
    key = keys.qr_key(unproved.kid)
    if key is None:
        return Finding(Genuineness.UNKNOWN_KEY)
    if key.state is KeyState.RETIRED:
        return Finding(Genuineness.RETIRED_KEY)
    if not unproved.is_signed_by(Ed25519PublicKey.from_public_bytes(key.public)):
        return Finding(Genuineness.BAD_SIGNATURE)
    statement = unproved.statement
    if now < datetime.fromtimestamp(statement.issued_minute * 60, UTC) - _TOLERANCE:
        return Finding(Genuineness.CLOCK, statement)
    return Finding(Genuineness.GENUINE, statement, is_past=now > end_of_day(statement.last_day))


def bare_token(text: str) -> str:
    """Return what stands behind the last ``/v/`` of an address, or the text itself, without blanks around it."""
    text = text.strip()
    at = text.lower().rfind(_DOOR)
    return text if at < 0 else text[at + len(_DOOR) :]
