"""The staff accounts (工作人员账号) in the database; the secret of the second factor is sealed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select, update

from bot.errors import MovedError
from bot.staff.account import Account
from bot.staff.policy import Role
from storage.cipher import FieldCipher
from storage.staff_tables import staff
from storage.tables import graduate
from storage.transaction import Transaction

_SECRET = "staff:totp_secret"  # noqa: S105 -- the name of a column
_c = staff.c

_BY_ID = select(staff).where(_c.id == bindparam("id"))
_BY_LOGIN = select(staff).where(_c.login == bindparam("login"))
_ALL = select(staff).order_by(_c.is_active.desc(), _c.role, _c.login)
_INSERT = insert(staff)
_UPDATE = update(staff).where(_c.id == bindparam("row_id"), _c.version == bindparam("old_version"))
_TOUCH = update(staff).where(_c.id == bindparam("row_id")).values(seen_at=bindparam("at"))
_g = graduate.c
# A counsellor whose name is written in two ways is one person: the last in the order of the alphabet is taken.
_COUNSELLORS = (
    select(
        _g.counsellor_staff_number.label("staff_number"),
        func.max(_g.counsellor_name).label("name"),
        func.count().label("graduates"),
    )
    .where(_g.season_id == bindparam("season_id"), _g.counsellor_staff_number != "")
    .group_by(_g.counsellor_staff_number)
    .order_by(_g.counsellor_staff_number)
)


class SqlAccounts:
    """The accounts in the database (账号); fits ``bot.ports.Accounts``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def by_id(self, account_id: str) -> Account | None:
        """Return the account or None."""
        return self._one(self._transaction.row(_BY_ID, {"id": account_id}))

    def by_login(self, login: str) -> Account | None:
        """Return the account of a login name (登录名) or None."""
        return self._one(self._transaction.row(_BY_LOGIN, {"login": login}))

    def all(self) -> Sequence[Account]:
        """Return all accounts, active ones first."""
        return [self._account(row) for row in self._transaction.rows(_ALL)]

    def add(self, account: Account) -> bool:
        """Store a new account; False if the login name is taken."""
        return self._transaction.write_new(_INSERT, self._columns(account) | {"id": account.id})

    def save(self, old: Account, new: Account) -> None:
        """Write ``new`` if the stored row still is ``old`` (by version).

        Raises:
            MovedError: it was changed meanwhile.
        """
        columns = self._columns(new) | {"version": old.version + 1, "row_id": old.id, "old_version": old.version}
        del columns["seen_at"]  # ``touch`` writes it, without raising the version
        if self._transaction.write(_UPDATE, columns) != 1:
            raise MovedError("the account was changed meanwhile")

    def touch(self, account_id: str, at: datetime) -> None:
        """Note that the account was used (最近使用), without raising its version."""
        self._transaction.write(_TOUCH, {"row_id": account_id, "at": at})

    def counsellors(self, season_id: str) -> Sequence[tuple[str, str, int]]:
        """Return staff number, name and number of graduates of every counsellor the roster names by number."""
        rows = self._transaction.rows(_COUNSELLORS, {"season_id": season_id})
        return [(row.staff_number, row.name, row.graduates) for row in rows]

    def _columns(self, account: Account) -> dict[str, Any]:
        return {
            "login": account.login,
            "name": account.name,
            "role": account.role.name,
            "staff_number": account.staff_number,
            "password_hash": account.password_hash,
            "must_change": account.must_change,
            "totp_secret": self._cipher.seal_optional(account.totp_secret, _SECRET, account.id),
            "totp_step": account.totp_step,
            "is_active": account.is_active,
            "epoch": account.epoch,
            "created_at": account.created_at,
            "seen_at": account.seen_at,
            "version": account.version,
        }

    def _one(self, row: Row[Any] | None) -> Account | None:
        return self._account(row) if row else None

    def _account(self, row: Row[Any]) -> Account:
        return Account(
            id=row.id,
            login=row.login,
            name=row.name,
            role=Role[row.role],
            created_at=row.created_at,
            staff_number=row.staff_number,
            password_hash=row.password_hash,
            must_change=row.must_change,
            totp_secret=self._cipher.unseal_optional(row.totp_secret, _SECRET, row.id),
            totp_step=row.totp_step,
            is_active=row.is_active,
            epoch=row.epoch,
            seen_at=row.seen_at,
            version=row.version,
        )
