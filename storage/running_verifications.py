"""Verifications still running (仍在有效期内的核验授权), counted for whoever thinks of retiring a key."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from storage.faults import StoreError, fault_of
from storage.tables import verification
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Running:
    """How many verifications still run, and until when the last of them does (None: there is none)."""

    count: int
    last_day: date | None


def running_verifications(engine: Engine, issued_until: datetime, today: date) -> Running:
    """Count the verifications issued until a moment that are neither ended early nor past (仍在有效期内).

    Raises:
        StoreError: the database cannot be reached or has other tables.
    """
    table = verification.c
    question = select(func.count(), func.max(table.last_day)).where(
        table.issued_at <= issued_until,
        table.last_day >= today,
        table.closed_at.is_(None),
        table.superseded_at.is_(None),
        table.annulled_at.is_(None),
    )
    try:
        with engine.connect() as connection:
            found: list[Any] = list(Transaction(connection).rows(question)[0])
    except DBAPIError as error:
        fault = str(fault_of(error.orig))
    else:
        return Running(*found)
    raise StoreError(fault)
