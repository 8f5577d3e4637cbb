"""The identity guards (身份核验防护): failures counted in the database, so that a restart frees nobody."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, case, delete, func, insert, select, update

from storage.cipher import FieldCipher
from storage.tables import Moment, identity_failure
from storage.transaction import Transaction

MOST_FAILURES = 5
"""The failure that locks (连续 5 次)."""
DAY = timedelta(days=1)
"""How long failures count, and how long a lock holds."""

_c = identity_failure.c
_now = bindparam("now", type_=Moment)
_counts = _c.first_at > bindparam("day_ago", type_=Moment)

_LOCKED_UNTIL = select(func.max(_c.locked_until)).where(
    _c.subject.in_(bindparam("keys", expanding=True)), _c.locked_until > _now
)
# MariaDB assigns from left to right and reads what it has just assigned; in this order each value is still the
# old one where it is read, in every database.
_COUNT = (
    update(identity_failure)
    .where(_c.subject == bindparam("row_subject"))
    .ordered_values(
        (
            _c.locked_until,
            case(
                (and_(_counts, _c.failures >= MOST_FAILURES - 1), bindparam("lock_until", type_=Moment)),
                else_=_c.locked_until,
            ),
        ),
        (_c.failures, case((_counts, _c.failures + 1), else_=1)),
        (_c.first_at, case((_counts, _c.first_at), else_=_now)),
    )
)
_FIRST = insert(identity_failure)
_CLEAR = delete(identity_failure).where(_c.subject.in_(bindparam("keys", expanding=True)))


class SqlGuards:
    """The identity guards in the database (身份核验防护); fits ``bot.ports.Guards``.

    A subject is stored as its blind index, so the table shows neither accounts nor student numbers.
    """

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def locked_until(self, subjects: Sequence[str], now: datetime) -> datetime | None:
        """Return until when any of the subjects is locked (锁定至), the latest of them, or None."""
        row = self._transaction.row(_LOCKED_UNTIL, {"keys": self._keys(subjects), "now": now})
        until: datetime | None = row[0] if row else None
        return until

    def fail(self, subjects: Sequence[str], now: datetime) -> None:
        """Count a failure for each subject (记一次失败); the fifth within a day locks it for a day.

        Raises:
            MovedError: another failure of the same subject, its first, was counted at this moment.
        """
        for subject in self._keys(subjects):
            values = {"row_subject": subject, "now": now, "day_ago": now - DAY, "lock_until": now + DAY}
            if self._transaction.write(_COUNT, values) == 0:
                self._transaction.write(_FIRST, {"subject": subject, "failures": 1, "first_at": now})

    def clear(self, subjects: Sequence[str]) -> None:
        """Forget the failures of the subjects (清零)."""
        self._transaction.write(_CLEAR, {"keys": self._keys(subjects)})

    def _keys(self, subjects: Sequence[str]) -> list[str]:
        # Sorted, so that two transactions with the same subjects lock them in the same order.
        return sorted({self._cipher.blind_index("identity_failure", subject) for subject in subjects})
