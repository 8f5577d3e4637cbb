"""Ready statements (备好的语句): compiled once, handed straight to the driver, for the few that every message runs.

What SQLAlchemy does around one execution costs more than driver and database together: a context, the types looked
up anew, and a description of fifty columns. Text and types still come from it; only the running does not. PostgreSQL
gets them by a way of its own (storage/postgres.py).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Dialect

from storage.compiling import Made, compiled
from storage.postgres import Told, told


class Ready:
    """A statement that is compiled once for each dialect (备好的语句); safe to share between threads.

    Args:
        statement: every parameter of it is a bindparam with a type of its own.
        columns: what it returns, for the types; () for a statement that only writes.
        names: for an INSERT or UPDATE, the columns that are given with the parameters.
    """

    def __init__(self, statement: Any, columns: Sequence[Any] = (), names: Sequence[str] | None = None) -> None:  # noqa: ANN401 -- any executable
        self._statement = statement
        self._columns = columns
        self._names = list(names) if names is not None else None
        self._made: dict[str, Made] = {}
        self._told: Told | None = None

    def told(self) -> Told:
        """Return it as PostgreSQL is told it (取编译结果)."""
        if self._told is None:
            self._told = told(self._statement, self._columns, self._names)
        return self._told

    def made(self, dialect: Dialect) -> Made:
        """Return it for a driver with cursors (取编译结果)."""
        found = self._made.get(dialect.name)
        if found is None:
            found = self._made[dialect.name] = self._compiled(dialect)
        return found

    def _compiled(self, dialect: Dialect) -> Made:
        return compiled(self._statement, dialect, self._columns, self._names)
