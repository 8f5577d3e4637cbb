"""The occupancy of a database (数据库占用): is anything in it, and does anybody else use it."""

from sqlalchemy import Engine, inspect, literal, select, text
from sqlalchemy.exc import SQLAlchemyError

from storage.faults import StoreError
from storage.schema import metadata

_OTHERS = {
    "postgresql": text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ),
    "mariadb": text(
        "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> connection_id()"
    ),
}
_OTHERS["mysql"] = _OTHERS["mariadb"]


_HOUSEKEEPING = frozenset({"access_token", "limit_count", "pace", "sender_beat"})
"""Tables whose rows come by themselves and are missed by nobody."""


def has_rows(engine: Engine) -> bool:
    """Tell whether any table of ours has a row that somebody would miss (有数据).

    Raises:
        StoreError: the database does not say.
    """
    try:
        with engine.connect() as connection:
            there = set(inspect(connection).get_table_names())
            tables = [table for table in metadata.sorted_tables if table.name in there - _HOUSEKEEPING]
            looks = (select(literal(1)).select_from(table).limit(1) for table in tables)
            return any(connection.execute(look).first() is not None for look in looks)
    except SQLAlchemyError as error:
        fault = type(error).__name__
    raise StoreError(f"the database cannot be asked what is in it: {fault}")


def others_connected(engine: Engine) -> int:
    """Return how many other connections use the database (其他连接数); SQLite does not know, and says 0.

    Raises:
        StoreError: the database does not say.
    """
    if (question := _OTHERS.get(engine.dialect.name)) is None:
        return 0
    try:
        with engine.connect() as connection:
            return int(connection.execute(question).scalar_one())
    except SQLAlchemyError as error:
        fault = type(error).__name__
    raise StoreError(f"the database cannot be asked who uses it: {fault}")
