"""The trace (足迹) of all turns, without words or accounts: what flows are measured and mended by."""

from typing import Any

from sqlalchemy import insert

from bot.ports import Footstep
from storage.ready import Ready
from storage.tables import footstep
from storage.transaction import Transaction

# inline: nobody needs the number of the row, so PostgreSQL need not return it.
_INSERT = Ready(insert(footstep).inline(), names=["who", "rev", "step", "outcome", "to_step", "at"])


class SqlTrail:
    """The trace in the database (足迹); fits ``bot.ports.Trail``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, footstep: Footstep) -> None:
        """Append a footstep (足迹)."""
        self._transaction.write_one(_INSERT, footstep_columns(footstep))


def footstep_columns(footstep: Footstep) -> dict[str, Any]:
    """Return the columns of a footstep (列值)."""
    return {
        "who": footstep.who,
        "rev": footstep.rev,
        "step": footstep.step,
        "outcome": footstep.outcome,
        "to_step": footstep.to,
        "at": footstep.at,
    }
