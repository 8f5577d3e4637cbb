"""The faults (数据库错误): what the three databases say when something fails, in our words and without data.

A driver's own text may quote a row ("Key (openid)=(…) already exists"), so it never leaves this floor.
"""

import sqlite3

from bot.errors import MovedError, QuxiangError


class StoreError(QuxiangError):
    """The database cannot do it now (数据库不可用): it is down, too slow, full, or its tables are not ours."""


class TakenError(MovedError):
    """A unique value is taken already (唯一值已占用): an account, a student number, a verification number."""


_TAKEN = frozenset(
    {
        "23505",  # PostgreSQL, Appendix A: unique_violation
        "1062",  # MariaDB: ER_DUP_ENTRY
        str(sqlite3.SQLITE_CONSTRAINT_UNIQUE),
        str(sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY),
    }
)
_MOVED = frozenset(
    {
        "40001",  # PostgreSQL: serialization_failure
        "40P01",  # PostgreSQL: deadlock_detected
        "55P03",  # PostgreSQL: lock_not_available, after lock_timeout
        "1020",  # MariaDB: ER_CHECKREAD, the record has changed since it was read
        "1205",  # MariaDB: ER_LOCK_WAIT_TIMEOUT
        "1213",  # MariaDB: ER_LOCK_DEADLOCK
    }
)
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})  # the low byte of SQLite's extended codes
_WRONG_TABLES = frozenset({"42P01", "42703", "1146", "1054", "1"})  # unknown table or column


def fault_of(error: BaseException | None) -> QuxiangError:
    """Return our error for a driver's (数据库错误对照): MovedError if trying again helps, else StoreError.

    The text holds the driver's class and code only, never its message.
    """
    code = _code_of(error)
    if code in _TAKEN:
        return TakenError(f"a unique value is taken (database code {code})")
    if code in _MOVED or (isinstance(error, sqlite3.Error) and code and int(code) & 0xFF in _BUSY):
        return MovedError(f"somebody else wrote first (database code {code})")
    hint = "; have the migrations been run?" if code in _WRONG_TABLES else ""
    return StoreError(f"the database failed: {type(error).__name__}, code {code or 'none'}{hint}")


def _code_of(error: BaseException | None) -> str:
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorcode", ""))  # missing when the driver itself objects
    args = getattr(error, "args", ())
    if args and isinstance(args[0], int):  # PyMySQL: (errno, message); its sqlstate is too coarse
        return str(args[0])
    return str(getattr(error, "sqlstate", None) or "")  # psycopg
