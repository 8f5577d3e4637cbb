"""What a unit writes row by row belongs together: all of it or nothing, in as few trips as the database allows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import pytest
from sqlalchemy import Engine, func, insert, select

from bot.conversation.talk import Talk
from bot.errors import MovedError
from bot.ports import Footstep
from bot.registration.dossier import Dossier
from storage.faults import StoreError
from storage.ready import Ready
from storage.tables import footstep
from storage.unit_of_work import SqlUnitOfWork, SqlWork

Plain = Callable[[int], Dossier]
OPENID = "oGather"


class Outcome(StrEnum):
    """An outcome that is a word of its own kind."""

    TAKEN = "taken"


pytestmark = pytest.mark.usefixtures("season")


@pytest.fixture
def dossier(work: SqlWork, plain: Plain) -> Dossier:
    """A dossier bound to an account that has written once."""
    made = plain(1).bind(OPENID)
    with work.writing() as unit:
        unit.registry.add_many([made])
        unit.talks.save(Talk(OPENID), Talk(OPENID))
        unit.commit()
    return made


def step(unit: SqlUnitOfWork, old: Dossier, talk: Talk, now: datetime) -> None:
    """Take a step as a message does: the dossier, the talk, the footstep."""
    unit.registry.save(old, old.check(now))
    unit.turns.keep(talk, replace(talk, tries=2), Footstep(old.id, "r", "personal.check", "yes", "board.menu", now))
    unit.commit()


def state(work: SqlWork, engine: Engine) -> tuple[int, int, int]:
    """Return seq, version, and how many footsteps there are."""
    with work.reading() as unit:
        opened = unit.talks.open(OPENID)
    assert opened.dossier is not None
    with engine.connect() as connection:
        return (
            opened.talk.seq,
            opened.dossier.version,
            connection.scalar(select(func.count()).select_from(footstep)) or 0,
        )


def test_a_step_is_one_statement_where_the_database_can(
    work: SqlWork, engine: Engine, dossier: Dossier, now: datetime, statements: list[str]
) -> None:
    statements.clear()
    with work.writing() as unit:
        step(unit, dossier, Talk(OPENID, seq=1), now)
    if engine.dialect.name == "postgresql":
        assert [statement.split()[0] for statement in statements] == ["WITH"]
    else:
        assert [statement.split()[0] for statement in statements] == ["UPDATE", "INSERT", "UPDATE", "INSERT"]
    assert state(work, engine) == (2, 1, 1)


@pytest.mark.parametrize(("seq", "version"), [(1, 7), (9, 0), (9, 7)])
def test_a_step_that_lost_one_of_its_races_leaves_nothing(
    work: SqlWork, engine: Engine, dossier: Dossier, now: datetime, seq: int, version: int
) -> None:
    with work.writing() as unit, pytest.raises(MovedError):
        step(unit, replace(dossier, version=version), Talk(OPENID, seq=seq), now)
    assert state(work, engine) == (1, 0, 0)
    with work.writing() as unit:  # the connection is as good as before
        step(unit, dossier, Talk(OPENID, seq=1), now)
    assert state(work, engine) == (2, 1, 1)


def test_a_unit_that_is_left_without_commit_writes_nothing(
    work: SqlWork, engine: Engine, dossier: Dossier, now: datetime
) -> None:
    with work.writing() as unit:
        unit.registry.save(dossier, dossier.check(now))
    assert state(work, engine) == (1, 0, 0)


def test_what_is_read_in_a_unit_is_what_was_written_in_it(work: SqlWork, dossier: Dossier, now: datetime) -> None:
    with work.writing() as unit:
        unit.registry.save(dossier, dossier.check(now))
        found = unit.registry.by_id(dossier.id)
        assert found is not None
        assert found.checked_at == now
    with work.reading() as unit:
        found = unit.registry.by_id(dossier.id)
        assert found is not None
        assert found.checked_at is None, "it was never committed"


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
def test_a_word_with_a_zero_byte_is_refused_and_not_cut_short(
    work: SqlWork, engine: Engine, dossier: Dossier, now: datetime
) -> None:
    with work.writing() as unit:
        unit.trail.add(Footstep(dossier.id, "r", "s", "a\0b", "t", now))
        with pytest.raises(StoreError):
            unit.commit()
    assert state(work, engine) == (1, 0, 0)


def test_what_is_text_by_descent_is_written_as_text(
    work: SqlWork, engine: Engine, dossier: Dossier, now: datetime
) -> None:
    with work.writing() as unit:
        unit.trail.add(Footstep(dossier.id, "r", "s", Outcome.TAKEN, "t", now))
        unit.commit()
    with engine.connect() as connection:
        assert connection.scalar(select(footstep.c.outcome)) == "taken"


def test_what_no_column_holds_is_refused_by_its_type_alone() -> None:
    told = Ready(insert(footstep), names=["who"]).told()
    with pytest.raises(TypeError, match=r"^no column holds a complex$"):
        told.values({"who": 1j})
