"""Ready statements (备好的语句): compiled once, handed straight to the driver, for the few that every message runs.

What SQLAlchemy does around one execution costs more than driver and database together: a context, the types looked
up anew, and a description of fifty columns. Text and types still come from it; only the running does not. PostgreSQL
gets them by a way of its own (storage/postgres.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

from storage.postgres import Told, Translate, told


@dataclass(frozen=True, slots=True)
class Made:
    """A statement for one dialect (编译结果).

    Attributes:
        sql: the text, in the driver's notation.
        fixed: values that stand in the statement itself.
        order: names of the parameters by position; None where the driver takes them by name.
        binds: what is translated on its way in, by name.
        results: what is translated on its way out, by place.
    """

    sql: str
    fixed: Mapping[str, Any]
    order: Sequence[str] | None
    binds: Mapping[str, Translate]
    results: Sequence[tuple[int, Translate]]

    def values(self, parameters: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- a mapping or a tuple, as the driver wants
        """Return the parameters as the driver takes them (参数)."""
        given = {**self.fixed, **parameters}
        for name, translate in self.binds.items():
            given[name] = translate(given[name])
        return given if self.order is None else tuple(map(given.__getitem__, self.order))

    def row(self, found: Sequence[Any]) -> tuple[Any, ...]:
        """Return a row as our code wants it (结果行)."""
        values = list(found)
        for place, translate in self.results:
            values[place] = translate(values[place])
        return tuple(values)


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
        compiled = self._statement.compile(dialect=dialect, column_keys=self._names)
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(type(compiled).__name__)
        kinds = {bind.key: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind in compiled.binds.values()}
        outward = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in self._columns]
        return Made(
            sql=str(compiled),
            fixed={name: value for name, value in compiled.params.items() if value is not None},
            order=compiled.positiontup,
            binds={name: translate for name, translate in kinds.items() if translate is not None},
            results=[(place, translate) for place, translate in enumerate(outward) if translate is not None],
        )
