"""The enrolment (在册情况): what of a roster is in the database already, told without decrypting a row."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import bindparam, select

from bot.ports import Named
from bot.registration.dossier import SchoolData
from storage.cipher import FieldCipher
from storage.dossiers import chunks
from storage.school_digest import HALF, school_digest
from storage.tables import graduate
from storage.transaction import Transaction

_g = graduate.c
_of_season = _g.season_id == bindparam("season_id")
_DIGESTS = select(_g.student_number, _g.school_digest, _g.real_person_at).where(
    _of_season, _g.student_number.in_(bindparam("keys", expanding=True))
)
_HOLDERS = select(_g.identity_index, _g.student_number).where(
    _of_season, _g.identity_index.in_(bindparam("keys", expanding=True))
)
_NAMED = (
    select(_g.student_number, _g.name, _g.college, _g.class_name)
    .where(_of_season, _g.student_number > bindparam("after"))
    .order_by(_g.student_number)
    .limit(bindparam("most"))
)
_PAGE = 5000


class SqlEnrolment:
    """The enrolment in the database (在册情况); fits ``bot.ports.Enrolment``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def compare(self, season_id: str, said: Mapping[str, tuple[SchoolData, bool] | None]) -> dict[str, bool]:
        """Return who of them is registered, and whether the stored data surely says the same already (比对)."""
        known: dict[str, bool] = {}
        for piece in chunks(list(said)):
            for row in self._transaction.rows(_DIGESTS, {"season_id": season_id, "keys": piece}):
                number, digest, real_person_at = tuple(row)
                what = said[number]
                if what is None:
                    known[number] = False
                    continue
                data, is_person = what
                ours = school_digest(self._cipher, data) if digest else "unknown"
                length = HALF if data.archive.items is None else 2 * HALF  # a file without an entry leaves it alone
                known[number] = ours[:length] == digest[:length] and (not is_person or real_person_at is not None)
        return known

    def holders(self, season_id: str, identity_numbers: Sequence[str]) -> dict[str, str]:
        """Return the student number of whoever is registered with an ID number (身份证号归属), by ID number."""
        numbers = {self._cipher.blind_index("identity_number", number): number for number in identity_numbers}
        found: dict[str, str] = {}
        for piece in chunks(list(numbers)):
            for row in self._transaction.rows(_HOLDERS, {"season_id": season_id, "keys": piece}):
                found[numbers[row.identity_index]] = row.student_number
        return found

    def everybody(self, season_id: str) -> Iterator[Named]:
        """Read who is registered in a season (全部在册), by student number; to be used up inside the unit of work."""
        after = ""
        while rows := self._transaction.rows(_NAMED, {"season_id": season_id, "after": after, "most": _PAGE}):
            yield from (Named._make(row) for row in rows)
            after = rows[-1].student_number
