"""The faults (数据库错误): what the three databases say when something fails, in our words and without data.

A driver's own text may quote a row ("Key (openid)=(…) already exists"), so it never leaves this floor.
"""

import sqlite3

import psycopg

from bot.errors import MovedError, QuxiangError


class StoreError(QuxiangError):
    """The database cannot do it now (数据库不可用): it is down, too slow, full, or its tables are not ours."""


class AwayError(StoreError):
    """The database does not answer, or not in time (数据库失联): trying again soon may well help."""


class LostError(AwayError):
    """The connection was lost, or none came about, or nobody answered on it (连接中断)."""


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
        "22P02",  # PostgreSQL: invalid_text_representation, made on purpose by storage/postgres.py and by nothing else
        "55P03",  # PostgreSQL: lock_not_available, after lock_timeout
        "1020",  # MariaDB: ER_CHECKREAD, the record has changed since it was read
        "1205",  # MariaDB: ER_LOCK_WAIT_TIMEOUT
        "1213",  # MariaDB: ER_LOCK_DEADLOCK
    }
)
_AWAY = frozenset(
    {
        "57014",  # PostgreSQL: query_canceled, after statement_timeout
        "57P01",  # PostgreSQL: admin_shutdown
        "57P02",  # PostgreSQL: crash_shutdown
        "57P03",  # PostgreSQL: cannot_connect_now
        "53300",  # PostgreSQL: too_many_connections
        "25P03",  # PostgreSQL: idle_in_transaction_session_timeout
        "1040",  # MariaDB: ER_CON_COUNT_ERROR, too many connections
        "1053",  # MariaDB: ER_SERVER_SHUTDOWN
        "1927",  # MariaDB: ER_CONNECTION_KILLED
        "1969",  # MariaDB: ER_STATEMENT_TIMEOUT
        "3024",  # MySQL: ER_QUERY_TIMEOUT
    }
)
_LOST = frozenset({"2003", "2006", "2013"})  # PyMySQL: CR_CONN_HOST_ERROR, CR_SERVER_GONE_ERROR, CR_SERVER_LOST
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})  # the low byte of SQLite's extended codes
_WRONG_TABLES = frozenset({"42P01", "42703", "1146", "1054", "1"})  # unknown table or column


def fault_of(error: BaseException | None, *, is_lost: bool = False) -> QuxiangError:
    """Return our error for a driver's (数据库错误对照): MovedError if trying again helps, else StoreError.

    The text holds the driver's class and code only, never its message.

    Args:
        error: the driver's.
        is_lost: the connection was lost over it, or never came about; drivers have no code for that.
    """
    code = _code_of(error)
    if code in _TAKEN:
        return TakenError(f"a unique value is taken (database code {code})")
    if code in _MOVED or (isinstance(error, sqlite3.Error) and code and int(code) & 0xFF in _BUSY):
        return MovedError(f"somebody else wrote first (database code {code})")
    # psycopg has no code for a connection that did not come about, and hardly for anything else.
    if is_lost or code in _LOST or (isinstance(error, psycopg.OperationalError) and not code):
        return LostError(f"the database does not answer: {type(error).__name__}, code {code or 'none'}")
    if code in _AWAY:
        return AwayError(f"the database is too slow or goes away: {type(error).__name__}, code {code}")
    hint = "; have the migrations been run?" if code in _WRONG_TABLES else ""
    return StoreError(f"the database failed: {type(error).__name__}, code {code or 'none'}{hint}")


def _code_of(error: BaseException | None) -> str:
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorcode", ""))  # missing when the driver itself objects
    args = getattr(error, "args", ())
    if args and isinstance(args[0], int):  # PyMySQL: (errno, message); its sqlstate is too coarse
        return str(args[0])
    return str(getattr(error, "sqlstate", None) or "")  # psycopg
