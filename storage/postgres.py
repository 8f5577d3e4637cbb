"""PostgreSQL by the short way (直达): prepared statements handed to libpq, without a cursor in between.

psycopg's cursor takes longer over a statement that every message runs than PostgreSQL does: it parses the text, looks
every parameter's type up and keeps account of what is worth preparing. Here all that was settled when the statement
was made: text and types still come from SQLAlchemy, connection and waiting from psycopg (its documented ``pq`` layer).

Several statements that each change one row can be told as one (``together``): one trip, one transaction, no BEGIN and
no COMMIT beside it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any, Final

from sqlalchemy import Select, Update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from storage.compiling import Translate, compiled, translated

DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's
"""Writes statements with ``$1``, as PostgreSQL itself reads them."""

MOVED: Final = "somebody else wrote first, nothing was written"
"""What PostgreSQL's log shows as no integer when statements told as one did not all find their row."""

_TEXT, _BINARY = 0, 1
_PLACE: Final = re.compile(r"\$(\d+)")
_names = count(1)

# Text goes in binary form, which for text is its bytes: libpq would end the other form at a zero byte.
_FORMS: Final[Mapping[type, tuple[int, Callable[[Any], bytes | None]]]] = {
    type(None): (_TEXT, lambda _: None),
    bool: (_TEXT, lambda value: b"t" if value else b"f"),
    int: (_TEXT, lambda value: b"%d" % value),
    str: (_BINARY, str.encode),
    bytes: (_BINARY, bytes),
    date: (_TEXT, lambda value: value.isoformat().encode()),
}


def _form_of(kind: type) -> tuple[int, Callable[[Any], bytes | None]]:
    """Return the form of a kind that is made of another, as members of a StrEnum are text."""
    for base in kind.__mro__:
        if base in _FORMS:
            return _FORMS[base]
    raise TypeError(f"no column holds a {kind.__name__}")


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """What PostgreSQL is told (语句): one and the same for all threads and connections.

    Attributes:
        sql: the text, parameters by number.
        name: under which a connection has it prepared.
    """

    sql: str
    name: bytes = field(default_factory=lambda: b"quxiang_%d" % next(_names))


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """A statement with what its parameters and rows need (语句与参数).

    Attributes:
        sentence: what PostgreSQL is told.
        order: names of the parameters by number.
        fixed: values that stand in the statement itself.
        binds: what is translated on its way in, by name.
        results: what is translated on its way out, by place.
        table: which it changes; "" if it only reads.
        finds: whether the row it changes must be there.
    """

    sentence: Sentence
    order: Sequence[str]
    fixed: Mapping[str, Any]
    binds: Mapping[str, Translate]
    results: Sequence[tuple[int, Translate]]
    table: str
    finds: bool

    def values(self, parameters: Mapping[str, Any]) -> tuple[list[bytes | None], list[int]]:
        """Return the parameters as they go over the wire (参数), and the form of each.

        Raises:
            KeyError: one of them is missing.
            TypeError: one of them is of a type that no column has.
        """
        values: list[bytes | None] = []
        forms: list[int] = []
        for name in self.order:
            value = parameters[name] if name in parameters else self.fixed[name]
            if name in self.binds:
                value = self.binds[name](value)
            form, written = _FORMS.get(type(value)) or _form_of(type(value))
            values.append(written(value))
            forms.append(form)
        return values, forms

    def row(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row as our code wants it (结果行)."""
        return translated(found, self.results)


def told(statement: Any, columns: Sequence[Any], names: Sequence[str] | None) -> Told:  # noqa: ANN401 -- any executable
    """Return a statement as PostgreSQL is told it (编译)."""
    found = compiled(statement, DIALECT, columns, names)
    return Told(
        sentence=Sentence(found.sql),
        order=found.order or (),
        fixed=found.fixed,
        binds=found.binds,
        results=found.results,
        table="" if isinstance(statement, Select) else statement.table.name,
        finds=isinstance(statement, Update),
    )


def together(parts: Sequence[Told]) -> Sentence:
    """Return several writing statements as one (合为一句), which writes everything or fails (SQLSTATE 22P02).

    It fails if one that changes a row does not find it. No two may touch one table, for all see the tables as they
    were before. Its parameters are those of the parts, in their order.
    """
    clauses, checks, before = [], [], 0
    for place, part in enumerate(parts):
        sql = _moved_on(part.sentence.sql, before)
        before += len(part.order)
        clauses.append(f"w{place} AS ({sql}{' RETURNING 1' if part.finds else ''})")
        if part.finds:
            checks.append(f"(SELECT count(*) FROM w{place}) = 1")  # noqa: S608 -- a name of ours
    verdict = f"CASE WHEN {' AND '.join(checks) or 'true'} THEN '1' ELSE '{MOVED}' END"
    return Sentence(f"WITH {', '.join(clauses)} SELECT CAST({verdict} AS INTEGER)")


def _moved_on(sql: str, by: int) -> str:
    return _PLACE.sub(lambda found: f"${int(found[1]) + by}", sql)
