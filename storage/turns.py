"""The turns (一轮对话) in the database: the talk afterwards and its footstep, both or neither."""

from bot.conversation.talk import Talk
from bot.ports import Footstep
from storage.cipher import FieldCipher
from storage.talks import SqlTalks
from storage.trail import SqlTrail
from storage.transaction import Transaction


class SqlTurns:
    """The turns in the database (一轮对话); fits ``bot.ports.Turns``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._talks = SqlTalks(transaction, cipher)
        self._trail = SqlTrail(transaction)

    def keep(self, old: Talk, new: Talk, step: Footstep) -> None:
        """Write ``new`` over ``old`` (by seq) and append the footstep (保存一轮).

        In a writing unit they belong to its transaction. In one that only reads they are a transaction of their own,
        which for most messages is all that is written.

        Raises:
            MovedError: another message of the account was handled meanwhile; nothing was written.
        """
        if self._transaction.is_writing:
            self._write(old, new, step)
            return
        self._transaction.begin()
        try:
            self._write(old, new, step)
            self._transaction.commit()
        finally:
            # A connection with an open transaction must not go back to the others.
            self._transaction.end()

    def _write(self, old: Talk, new: Talk, step: Footstep) -> None:
        self._talks.save(old, new)
        self._trail.add(step)
