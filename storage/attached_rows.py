"""The rows attached to a dossier (附属行): its verifications and its error report."""

import json
from datetime import date, datetime
from typing import NamedTuple

from bot.registration.correction import Correction, CorrectionState, Item, Outcome, Verdict
from bot.registration.verification import Extension, Subject, Verification
from storage import tables
from storage.cipher import FieldCipher
from storage.dossier_rows import Columns

_ITEMS = "correction:items"


class VerificationRow(NamedTuple):
    """A row of ``verification`` (核验授权行), in the order of the columns."""

    id: str
    graduate_id: str
    ordinal: int
    number: str
    subject: str
    digest: str
    issued_at: datetime
    last_day: date
    closed_at: datetime | None
    superseded_at: datetime | None
    annulled_at: datetime | None
    annulled_reason: str
    extensions: str


class CorrectionRow(NamedTuple):
    """A row of ``correction`` (更正行), in the order of the columns."""

    id: str
    graduate_id: str
    items: bytes
    state: str
    reported_at: datetime
    decided_at: datetime | None
    answer: str


VERIFICATION_COLUMNS = tuple(tables.verification.c[name] for name in VerificationRow._fields)
CORRECTION_COLUMNS = tuple(tables.correction.c[name] for name in CorrectionRow._fields)


def verification_columns(graduate_id: str, ordinal: int, verification: Verification) -> Columns:
    """Return all columns of a verification (核验授权)."""
    return {
        "id": verification.id,
        "graduate_id": graduate_id,
        "ordinal": ordinal,
        "number": verification.number,
        "subject": verification.subject.name,
        "digest": verification.digest,
        "issued_at": verification.issued_at,
        "last_day": verification.last_day,
        "closed_at": verification.closed_at,
        "superseded_at": verification.superseded_at,
        "annulled_at": verification.annulled_at,
        "annulled_reason": verification.annulled_reason,
        "extensions": json.dumps(
            [
                [extension.at.isoformat(), extension.before.isoformat(), extension.last_day.isoformat()]
                for extension in verification.extensions
            ]
        ),
    }


def correction_columns(cipher: FieldCipher, graduate_id: str, correction: Correction) -> Columns:
    """Return all columns of an error report (信息有误)."""
    said = {
        "items": [[item.name, right] for item, right in correction.items],
        "outcomes": [[o.item.name, o.verdict.name, o.before, o.after, o.reason] for o in correction.outcomes],
    }
    return {
        "id": correction.id,
        "graduate_id": graduate_id,
        "items": cipher.seal(json.dumps(said, ensure_ascii=False), _ITEMS, correction.id),
        "state": correction.state.name,
        "reported_at": correction.reported_at,
        "decided_at": correction.decided_at,
        "answer": correction.answer,
    }


def to_verification(row: VerificationRow) -> Verification:
    """Return the verification (核验授权) of a row."""
    return Verification(
        id=row.id,
        number=row.number,
        subject=Subject[row.subject],
        digest=row.digest,
        issued_at=row.issued_at,
        last_day=row.last_day,
        closed_at=row.closed_at,
        superseded_at=row.superseded_at,
        annulled_at=row.annulled_at,
        annulled_reason=row.annulled_reason,
        extensions=tuple(
            Extension(datetime.fromisoformat(at), date.fromisoformat(before), date.fromisoformat(last_day))
            for at, before, last_day in (json.loads(row.extensions) if row.extensions != "[]" else ())
        ),
    )


def to_correction(cipher: FieldCipher, row: CorrectionRow) -> Correction:
    """Return the error report (信息有误) of a row.

    Raises:
        CipherError: the sealed items are not this row's.
    """
    said = json.loads(cipher.unseal(row.items, _ITEMS, row.id))
    if isinstance(said, list):  # written before outcomes were kept
        said = {"items": said, "outcomes": []}
    return Correction(
        id=row.id,
        items=tuple((Item[name], right) for name, right in said["items"]),
        reported_at=row.reported_at,
        state=CorrectionState[row.state],
        decided_at=row.decided_at,
        answer=row.answer,
        outcomes=tuple(Outcome(Item[item], Verdict[verdict], *texts) for item, verdict, *texts in said["outcomes"]),
    )
