from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.registration.archive import ArchiveStatus, ReceivingType, TransferType
from bot.registration.graduate import Completion, Level
from bot.registration.season import add_months
from bot.roster.columns import Column, find_headings
from bot.roster.parsing import parse_row
from bot.roster.rows import RosterRow
from handlers.roster.demo import Tryout, demo_roster, write_demo_file
from handlers.roster.reading import read_lines

DAYS = [date(2026, 2, 28), date(2026, 6, 20), date(2028, 2, 29), date(2026, 12, 31)]


def brought(path: Path, today: date) -> tuple[list[RosterRow], tuple[Tryout, ...]]:
    tryouts = write_demo_file(path, today)
    lines = read_lines(path)
    headings = find_headings(lines)
    assert headings.unknown == ()
    now = datetime(today.year, today.month, today.day, 4, tzinfo=UTC)
    parsed = [parse_row(headings, line, now) for line in lines]
    assert [str(fault) for row in parsed for fault in row.faults] == []
    assert len({key for row in parsed for key in row.keys}) == 2 * len(parsed)
    return [row.row for row in parsed if row.row], tryouts


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("name", ["demo.xlsx", "demo.csv"])
def test_the_demo_roster_passes_the_real_importer_on_any_day(tmp_path: Path, today: date, name: str) -> None:
    rows, _ = brought(tmp_path / name, today)
    assert len(rows) == 300


def test_every_situation_of_the_journey_occurs(tmp_path: Path) -> None:
    today = date(2026, 6, 20)
    rows, _ = brought(tmp_path / "demo.xlsx", today)
    data = [row.data for row in rows]
    entries = {d.archive.items and (d.archive.items.transfer_type, d.archive.items.receiving_type) for d in data}
    assert {d.graduate.completion for d in data} == set(Completion)
    assert {d.graduate.level for d in data} == set(Level)
    assert {d.chsi_bound for d in data} == {True, False}
    assert {d.destination is None for d in data} == {True, False}
    assert {d.archive.status for d in data} == {ArchiveStatus.MISSING, ArchiveStatus.APPROVED}
    assert entries == {None, (TransferType.ORIGIN, None), *((TransferType.UNIT, kind) for kind in ReceivingType)}
    assert {(d.household.moved, bool(d.household.address)) for d in data} == {
        (False, False),
        (True, True),
        (True, False),
    }
    assert {row.real_person_at is None for row in rows} == {True, False}
    assert "70" in {d.destination.code for d in data if d.destination}
    assert any(add_months(d.graduate.graduation_date, 6) < today for d in data)
    assert any("㛃䶮" in d.graduate.name for d in data)
    assert any("·" in d.graduate.name for d in data)
    assert len({d.graduate.college for d in data}) >= 5
    assert len({d.graduate.counsellor for d in data}) >= 5


def test_the_people_to_try_are_in_the_file_unless_the_school_forgot_them(tmp_path: Path) -> None:
    rows, tryouts = brought(tmp_path / "demo.xlsx", date(2026, 6, 20))
    known = {(g.student_number, g.name, g.identity_number.tail) for g in (row.data.graduate for row in rows)}
    found = [(t.student_number, t.name, t.identity_tail) in known for t in tryouts]
    assert found == [True] * (len(tryouts) - 2) + [False, False]
    assert len({t.situation for t in tryouts}) == len(tryouts)
    assert {t.student_number in {number for number, _, _ in known} for t in tryouts[-2:]} == {True, False}


def test_nobody_in_the_demo_can_be_real() -> None:
    for row in demo_roster(date(2026, 6, 20)).rows:
        assert row[Column.IDENTITY_NUMBER].startswith("110000")


def test_the_same_day_gives_the_same_roster_and_another_size_another() -> None:
    today = date(2026, 6, 20)
    assert demo_roster(today) == demo_roster(today)
    assert demo_roster(today, seed=7).rows != demo_roster(today).rows
    assert len(demo_roster(today, count=1000).rows) == 1000
    assert len({row[Column.IDENTITY_NUMBER] for row in demo_roster(today, count=3000).rows}) == 3000


def test_graduation_lies_just_behind_on_the_day_of_the_demo() -> None:
    today = date(2026, 6, 20)
    assert demo_roster(today).rows[0][Column.GRADUATION_DATE] == (today - timedelta(days=5)).isoformat()
