"""The turns (一轮对话) in the database: the talk afterwards and its footstep, both or neither, in few trips."""

from typing import Any

from sqlalchemy import String, bindparam, insert, literal, select, update
from sqlalchemy.dialects import postgresql

from bot.conversation.talk import Talk
from bot.errors import MovedError
from bot.ports import Footstep
from storage.cipher import FieldCipher
from storage.ready import Ready
from storage.tables import footstep, talk
from storage.talks import MOVED, SqlTalks
from storage.trail import SqlTrail, footstep_columns
from storage.transaction import Transaction

_t, _f = talk.c, footstep.c
_STEP = (_f.who, _f.rev, _f.step, _f.outcome, _f.to_step, _f.at)


def _with_footstep(kept: Any) -> Any:  # noqa: ANN401 -- an INSERT or UPDATE that returns, and the INSERT that follows it
    """Return one statement: the footstep is written only if the talk was (PostgreSQL's WITH)."""
    done = kept.returning(literal(1).label("one")).cte("done")
    step = select(*(bindparam(f"step_{column.name}", type_=column.type) for column in _STEP)).select_from(done)
    names = [column.name for column in _STEP]
    return insert(footstep).from_select(names, step, include_defaults=False).add_cte(done)


_UPDATE = Ready(
    _with_footstep(
        update(talk)
        .where(_t.openid == bindparam("row_openid", type_=String), _t.seq == bindparam("old_seq"))
        .values(
            {column: bindparam(f"new_{column.name}", type_=column.type) for column in _t if column.name != "openid"}
        )
    )
)
_INSERT = Ready(
    _with_footstep(
        postgresql.insert(talk)
        .values({column: bindparam(f"new_{column.name}", type_=column.type) for column in _t})
        .on_conflict_do_nothing()
    )
)


class SqlTurns:
    """The turns in the database (一轮对话); fits ``bot.ports.Turns``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._talks = SqlTalks(transaction, cipher)
        self._trail = SqlTrail(transaction)

    def keep(self, old: Talk, new: Talk, step: Footstep) -> None:
        """Write ``new`` over ``old`` (by seq) and append the footstep (保存一轮).

        In a writing unit they belong to its transaction. In one that only reads they are a transaction of their own,
        which for most messages is all that is written: on PostgreSQL one statement, a third of the trips.

        Raises:
            MovedError: another message of the account was handled meanwhile; nothing was written.
        """
        if self._transaction.is_begun:
            self._talks.save(old, new)
            self._trail.add(step)
        elif self._transaction.dialect == "postgresql":
            self._at_once(old, new, step)
        else:
            self._transaction.begin()
            try:
                self._talks.save(old, new)
                self._trail.add(step)
                self._transaction.commit()
            finally:
                # A connection with an open transaction must not go back to the others.
                self._transaction.end()

    def _at_once(self, old: Talk, new: Talk, step: Footstep) -> None:
        values = {f"step_{name}": value for name, value in footstep_columns(step).items()}
        values |= {f"new_{name}": value for name, value in self._talks.columns(old, new).items()}
        if old.seq == 0:
            written = self._transaction.write_of(_INSERT, values | {"new_openid": old.openid})
        else:
            written = self._transaction.write_of(_UPDATE, values | {"row_openid": old.openid, "old_seq": old.seq})
        if written != 1:
            raise MovedError(MOVED)
