"""Growth: a database that holds many more graduates than those who write, made by the database itself."""

from sqlalchemy import Table, text

from storage.engine import Timeouts, open_engine
from storage.tables import graduate, talk

_AT_ONCE = 100_000
_OWN = {
    "graduate": {
        "id": "md5('g' || n)",
        "student_number": "'G' || n",
        "identity_index": "md5('a' || n) || md5('b' || n)",
        "openid": "'oGrown' || n",
        "name": "t.name",
    },
    "talk": {
        "openid": "'oGrown' || n",
        # As long as a memory with all its stored answers, and as little to be compressed.
        "memory": "(SELECT string_agg(sha512(convert_to(n || '.' || i, 'UTF8')), '') FROM generate_series(1, 31) i)",
    },
}
"""What differs from row to row; all else is as in a row that is there. What is sealed is only as long as the real."""


def grow(database: str, rows: int) -> None:
    """Add so many graduates with talks; nobody will ever read them, they only make the tables and indexes large."""
    engine = open_engine(database, timeouts=Timeouts(statement=0))
    with engine.connect() as connection:
        for table in (graduate, talk):
            for start in range(0, rows, _AT_ONCE):
                connection.execute(text(_statement(table)), {"first": start + 1, "last": min(start + _AT_ONCE, rows)})
            connection.execute(text(f"ANALYZE {table.name}"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def _statement(table: Table) -> str:
    own = _OWN[table.name]
    columns = [column.name for column in table.columns]
    values = ", ".join(own.get(name, f"t.{name}") for name in columns)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} "  # noqa: S608 -- names of our own tables
        f"FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n, "
        f"(SELECT * FROM {table.name} WHERE openid LIKE 'oLoad%' ORDER BY length(openid), openid LIMIT 1) t"
    )
