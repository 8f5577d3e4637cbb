"""The unit (事务范围): a connection borrowed and a transaction on it, for the ``with`` that follows."""

from types import TracebackType

from sqlalchemy import Engine

from storage.lane import lent
from storage.transaction import Transaction


class Unit:
    """A transaction for the ``with`` that follows (事务范围); left without ``commit``, everything is taken back.

    A class, because a generator made into one costs as much as the pool.

    Args:
        engine: whose pool lends the connection.
        is_writing: whether it may write.

    Raises:
        AwayError: on entering, when no connection is to be had.
    """

    __slots__ = ("_engine", "_is_writing", "_lane", "_transaction")

    def __init__(self, engine: Engine, *, is_writing: bool) -> None:
        self._engine = engine
        self._is_writing = is_writing

    def __enter__(self) -> Transaction:
        self._lane = lent(self._engine)
        self._transaction = Transaction(self._lane)
        if self._is_writing:
            try:
                self._transaction.begin()
            except BaseException:
                self._lane.close()
                raise
        return self._transaction

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._transaction.end()
        finally:
            self._lane.close()


def writing(engine: Engine) -> Unit:
    """Borrow a connection and begin to write (写事务).

    Raises:
        MovedError, StoreError: as every method of a transaction.
    """
    return Unit(engine, is_writing=True)
