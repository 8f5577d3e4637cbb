"""What the writer keeps about the stage of a graduate, and the milestones on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from bot.registration.dossier import Dossier
from bot.registration.stage import Milestone, Stage
from storage.cipher import FieldCipher
from storage.staff_tables import milestone
from storage.tables import graduate
from storage.unit_of_work import SqlWork

Plain = Callable[[int], Dossier]
START = datetime(2023, 6, 28, 1, tzinfo=UTC)


def _stored(engine: Engine) -> tuple[str, datetime]:
    with engine.connect() as connection:
        row = connection.execute(select(graduate.c.stage, graduate.c.stage_since)).one()
    return row.stage, row.stage_since


def _walk(engine: Engine, cipher: FieldCipher, plain: Plain) -> Dossier:
    """Store a fresh dossier at START, and let the graduate log in an hour later."""
    moments = iter([START, *[START + timedelta(hours=1)] * 9])
    work = SqlWork(engine, cipher, lambda: next(moments))
    fresh = plain(1)
    with work.writing() as uow:
        uow.registry.add_many([fresh])
        uow.registry.save(fresh, bound := fresh.bind("o-stage"))
        uow.commit()
    return replace(bound, version=fresh.version + 1)


def test_a_stage_is_stored_with_the_moment_it_began(engine: Engine, cipher: FieldCipher, plain: Plain) -> None:
    _walk(engine, cipher, plain)
    assert _stored(engine) == (Stage.UNCHECKED.name, START + timedelta(hours=1))


def test_a_change_within_a_stage_keeps_the_moment(engine: Engine, cipher: FieldCipher, plain: Plain) -> None:
    bound = _walk(engine, cipher, plain)
    with SqlWork(engine, cipher).writing() as uow:
        uow.registry.save(bound, replace(bound, chsi_bound=True))
        uow.commit()
    assert _stored(engine) == (Stage.UNCHECKED.name, START + timedelta(hours=1))


def test_each_step_leaves_a_milestone(engine: Engine, cipher: FieldCipher, plain: Plain) -> None:
    bound = _walk(engine, cipher, plain)
    with SqlWork(engine, cipher).writing() as uow:
        uow.registry.save(bound, bound.check(START))
        uow.commit()
    with engine.connect() as connection:
        kinds = connection.execute(select(milestone.c.kind).order_by(milestone.c.id)).scalars().all()
    assert kinds == [Milestone.BOUND.name, Milestone.CHECKED.name]
