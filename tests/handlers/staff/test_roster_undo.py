"""The undo of imports: everything comes back but what somebody has touched, and who heard hears it."""

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.registration.dossier import Dossier
from bot.roster.columns import Column
from bot.staff.policy import Role
from storage.notice_tables import delivery
from storage.staff_tables import milestone
from storage.tables import verification
from tests.handlers.staff.rosters import (
    Row,
    actions,
    change,
    newcomer,
    registered,
    rows_of,
    sums,
    work,
    workbook,
    written,
)
from tests.handlers.staff.stage import Clerk, ConsoleStage


@pytest.fixture
def clerk(stage: ConsoleStage) -> Clerk:
    """Somebody of the employment office."""
    return stage.clerk(Role.OFFICE)


def _everything_changed(stage: ConsoleStage) -> list[Row]:
    rows = registered(stage)
    for row in rows:
        row |= {Column.CLASS: "九班", Column.UNIT: "另一家公司", Column.DESTINATION: "10"}
    return rows


def test_an_undo_brings_every_row_back_byte_by_byte(stage: ConsoleStage, clerk: Clerk) -> None:
    before = rows_of(stage), rows_of(stage, verification)
    path = written(stage, clerk, workbook([*_everything_changed(stage), newcomer(900001)]))
    assert sums(clerk, path)[:2] == (1, 20)
    assert rows_of(stage, verification) != before[1]
    stage.now += timedelta(days=29)
    clerk = stage.clerk(Role.OFFICE)
    clerk.post(f"{path}/undo", 303)
    assert work(stage) == 1
    assert "恢复 20 人，删除新增的 1 人" in clerk.get(path).text
    assert (rows_of(stage), rows_of(stage, verification)) == before
    assert actions(stage) == ["ROSTER_UPLOADED", "ROSTER_APPLIED", "ROSTER_UNDONE"]
    with stage.installation.engine.connect() as connection:
        assert set(connection.scalars(select(milestone.c.kind))) >= {"DATA_CHANGED", "TAKEN_BACK"}


def _touch(stage: ConsoleStage, dossiers: Sequence[Dossier]) -> None:
    for dossier in dossiers:
        change(stage, dossier, dossier.check(stage.now))


def test_an_undo_leaves_alone_and_lists_whoever_was_touched_since(stage: ConsoleStage, clerk: Clerk) -> None:
    before = rows_of(stage)
    path = written(stage, clerk, workbook([*_everything_changed(stage), newcomer(900001), newcomer(900002)]))
    touched = [stage.dossier("2019000004"), stage.dossier("2019900002")]
    _touch(stage, touched)
    there = rows_of(stage)
    clerk.post(f"{path}/undo", 303)
    work(stage)
    after = rows_of(stage)
    ids = {dossier.id for dossier in touched}
    assert {id_: row for id_, row in after.items() if id_ not in ids} == {
        id_: row for id_, row in before.items() if id_ not in ids
    }
    assert {id_: after[id_] for id_ in ids} == {id_: there[id_] for id_ in ids}
    page = clerk.get(f"{path}/list/left").text
    assert re.findall(r"2019\d{6}", page) == ["2019000004", "2019900002"]


def test_who_heard_of_the_change_hears_that_it_was_taken_back(stage: ConsoleStage, clerk: Clerk) -> None:
    confirmed = [dossier for dossier in stage.dossiers() if dossier.is_confirmed and dossier.openid]
    path = written(stage, clerk, workbook(_everything_changed(stage)))
    clerk.post(f"{path}/undo", 303)
    work(stage)
    with stage.installation.engine.connect() as connection:
        undone = delivery.c.key == "notice.import_undone"
        told = connection.execute(select(delivery.c.openid).where(undone)).scalars().all()
        heard = set(connection.scalars(select(delivery.c.openid).where(~undone)))
    assert {dossier.openid for dossier in confirmed} <= set(told)
    assert set(told) == heard
    assert len(told) == len(set(told))


def test_after_thirty_days_nothing_can_be_undone_and_twice_is_once(stage: ConsoleStage, clerk: Clerk) -> None:
    path = written(stage, clerk, workbook([newcomer(900001)]))
    clerk.post(f"{path}/undo", 303)
    clerk.post(f"{path}/undo", 409)
    work(stage)
    assert len(stage.dossiers()) == 20
    again = written(stage, clerk, workbook([newcomer(900001)]))
    stage.now += timedelta(days=30, hours=1)
    clerk = stage.clerk(Role.OFFICE)
    clerk.post(f"{again}/undo", 400)
