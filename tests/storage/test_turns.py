"""A turn is kept whole or not at all, in a unit of its own or in somebody's transaction; on every database."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Engine, select

from bot.conversation.talk import Talk
from bot.errors import MovedError
from bot.ports import Footstep, UnitOfWork, Work
from storage.tables import footstep
from storage.unit_of_work import SqlWork

Unit = Callable[[Work], AbstractContextManager[UnitOfWork]]
UNITS: dict[str, Unit] = {"alone": lambda work: work.reading(), "with others": lambda work: work.writing()}
OPENID = "oTurn"


def step(now: datetime, outcome: str) -> Footstep:
    return Footstep("", "r", "board.menu", outcome, "board.menu", now)


def stored(work: SqlWork) -> Talk:
    with work.reading() as unit:
        return unit.talks.open(OPENID).talk


def steps(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(footstep.c.outcome).order_by(footstep.c.id)))


def keep(work: SqlWork, unit: str, old: Talk, new: Talk, footstep: Footstep) -> None:
    with UNITS[unit](work) as uow:
        uow.turns.keep(old, new, footstep)
        uow.commit()


@pytest.mark.parametrize("unit", UNITS)
def test_the_first_turn_and_the_next_are_kept_with_their_footsteps(
    work: SqlWork, engine: Engine, now: datetime, unit: str
) -> None:
    first = Talk(OPENID, at=7, spoke_at=5, acted_at=6, consent=1, tries=2)
    for old, new, outcome in ((Talk(OPENID), first, "hello"), (replace(first, seq=1), replace(first, flow="x"), "ok")):
        keep(work, unit, old, new, step(now, outcome))
        assert stored(work) == replace(new, seq=old.seq + 1)
    assert steps(engine) == ["hello", "ok"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("seq", [0, 1, 3])
def test_a_turn_that_lost_the_race_leaves_nothing(
    work: SqlWork, engine: Engine, now: datetime, unit: str, seq: int
) -> None:
    with work.writing() as uow:
        uow.turns.keep(Talk(OPENID), Talk(OPENID), step(now, "hello"))
        uow.turns.keep(Talk(OPENID, seq=1), Talk(OPENID, tries=1), step(now, "ok"))
        uow.commit()
    with pytest.raises(MovedError):
        keep(work, unit, Talk(OPENID, seq=seq), Talk(OPENID, tries=9), step(now, "late"))
    with work.writing() as uow:  # nothing is left locked either
        uow.turns.keep(Talk(OPENID, seq=2), Talk(OPENID, tries=2), step(now, "again"))
        uow.commit()
    assert stored(work) == Talk(OPENID, seq=3, tries=2)
    assert steps(engine) == ["hello", "ok", "again"]


def test_a_turn_alone_costs_one_trip_where_the_database_can(
    work: SqlWork, engine: Engine, now: datetime, statements: list[str]
) -> None:
    with work.reading() as uow:
        uow.turns.keep(Talk(OPENID), Talk(OPENID), step(now, "hello"))
    expected = ["WITH"] if engine.dialect.name == "postgresql" else ["INSERT", "INSERT"]
    assert [statement.split()[0] for statement in statements] == expected
