"""Compiling (编译): a statement's text for one dialect, and what its parameters and rows are translated by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

Translate = Callable[[Any], Any]


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
        return translated(found, self.results)


def compiled(statement: Any, dialect: Dialect, columns: Sequence[Any], names: Sequence[str] | None) -> Made:  # noqa: ANN401 -- any executable
    """Return a statement compiled (编译) for a dialect; see ``storage.ready.Ready`` for what it is given."""
    made = statement.compile(dialect=dialect, column_keys=names)
    if not isinstance(made, SQLCompiler):
        raise TypeError(type(made).__name__)
    inward = {bind.key: bind.type.dialect_impl(dialect).bind_processor(dialect) for bind in made.binds.values()}
    outward = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    return Made(
        sql=str(made),
        fixed={name: value for name, value in made.params.items() if value is not None},
        order=made.positiontup,
        binds={name: translate for name, translate in inward.items() if translate is not None},
        results=[(place, translate) for place, translate in enumerate(outward) if translate is not None],
    )


def translated(found: Sequence[Any], results: Sequence[tuple[int, Translate]]) -> tuple[Any, ...]:
    """Return a row as our code wants it (结果行)."""
    values = list(found)
    for place, translate in results:
        if values[place] is not None:  # no type of ours makes anything else of NULL
            values[place] = translate(values[place])
    return tuple(values)
