"""Overhearing: every statement sent to a database, also those that go straight to the driver, past all events."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from unittest.mock import patch

from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, Engine, event

from storage.compiling import Made
from storage.drivers import PatientPostgres
from storage.postgres import Sentence
from storage.transaction import Transaction


@contextmanager
def overheard(engine: Engine) -> Iterator[list[str]]:
    """Collect the statements sent meanwhile; a ready one is noted whatever engine it goes to."""
    sent: list[str] = []
    plain, told = Transaction._driven, PatientPostgres._told  # noqa: SLF001 -- the places where they leave

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    def noted(transaction: Transaction, made: Made, parameters: Mapping[str, object]) -> object:
        sent.append(made.sql)
        return plain(transaction, made, parameters)

    def heard(
        connection: PatientPostgres, sentence: Sentence, values: Sequence[bytes | None], forms: Sequence[int]
    ) -> PGresult:
        sent.append(sentence.sql)
        return told(connection, sentence, values, forms)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with patch.object(Transaction, "_driven", noted), patch.object(PatientPostgres, "_told", heard):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
