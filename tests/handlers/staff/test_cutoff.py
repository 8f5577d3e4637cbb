"""The cut-off on the console: announced, listed within the scope, done by the worker, mended by an import."""

import io
from datetime import datetime
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from bot.registration.destination import UNEMPLOYED
from bot.registration.season import SHANGHAI
from bot.roster.columns import Column
from bot.roster.export import to_row
from bot.staff.deed import Action
from bot.staff.policy import Role
from bot.use_cases.import_roster import Importing, import_roster
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.tell import Teller
from handlers.roster.reading import read_lines
from handlers.roster.writing import write_roster
from tests.handlers.staff.stage import SEASON, ConsoleStage

MIDNIGHT = datetime(2023, 7, 1, 0, 1, tzinfo=SHANGHAI)
UNPLACED = [f"2019{index:06}" for index in range(20) if index % 10 < 4]


def run(stage: ConsoleStage) -> None:
    stage.now = MIDNIGHT
    assert register_unplaced(stage.installation.office) == len(UNPLACED)


@pytest.mark.parametrize("is_run", [False, True])
def test_each_sees_own_graduates_only_in_list_count_and_file(stage: ConsoleStage, is_run: bool) -> None:
    if is_run:
        run(stage)
    for role, own in ((Role.OFFICE, UNPLACED), (Role.COUNSELLOR, [n for n in UNPLACED if int(n[-1]) % 2 == 0])):
        clerk = stage.clerk(role)
        page = clerk.get("/staff/cutoff").text
        assert [number for number in UNPLACED if number in page] == own
        assert f"<strong>{len(own)} 人</strong>" in page
        college = clerk.get("/staff/cutoff?college=文学院").text
        assert [n for n in own if n in college] == [n for n in own if int(n[-2:]) % 3 == 0]
        for kind in ("csv", "xlsx"):
            with clerk.post("/staff/cutoff/file", 200, kind=kind) as answer:
                assert _numbers(answer.data, kind) == own
    with stage.installation.work.reading() as uow:
        exported = [entry.actor_name for entry in uow.audit.newest(9) if entry.action == Action.LIST_EXPORTED.name]
    assert exported == ["辅导员甲", "辅导员甲", "就业办甲", "就业办甲"]


def _numbers(data: bytes, kind: str) -> list[str]:
    if kind == "csv":
        assert data.startswith(b"\xef\xbb\xbf")
        return [line.split(",")[0] for line in data.decode("utf-8-sig").splitlines()[1:]]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    return [str(row[0]) for row in rows[1:]]


def test_an_auditor_reads_the_list_and_takes_no_file(stage: ConsoleStage) -> None:
    auditor = stage.clerk(Role.AUDITOR)
    auditor.get("/staff/cutoff")
    auditor.post("/staff/cutoff/file", 403, kind="csv")


@pytest.mark.parametrize("day", ["2023-06-01", "yesterday"])
def test_a_day_without_a_run_is_not_found(stage: ConsoleStage, day: str) -> None:
    stage.clerk(Role.OFFICE).get(f"/staff/cutoff?day={day}", 404)


def test_the_office_and_counsellors_are_reminded_of_their_own_before_and_after(stage: ConsoleStage) -> None:
    stage.now = datetime(2023, 6, 30, 10, tzinfo=SHANGHAI)
    assert "明天截点：8 人还没有去向数据" in stage.clerk(Role.OFFICE).get("/staff/progress").text
    assert "明天截点：4 人还没有去向数据" in stage.clerk(Role.COUNSELLOR).get("/staff/progress").text
    run(stage)
    assert "已把 4 人登记为未就业" in stage.clerk(Role.COUNSELLOR).get("/staff/progress").text
    stage.now = datetime(2023, 7, 20, 10, tzinfo=SHANGHAI)
    assert 'role="note"' not in stage.clerk(Role.COUNSELLOR).get("/staff/progress").text


def test_an_import_puts_it_right_and_the_list_shows_it(stage: ConsoleStage, tmp_path: Path) -> None:
    run(stage)
    before = stage.dossier(UNPLACED[3])
    assert before.destination is not None
    assert before.destination.code == UNEMPLOYED
    row = to_row(before) | {Column.DESTINATION: "10", Column.UNIT: "示例新单位有限公司"}
    write_roster(tmp_path / "roster.xlsx", [row])
    office = stage.installation.office
    teller = Teller(SEASON, stage.now, office.links, office.new_id)
    importing = Importing(office.work, SEASON, stage.now, office.new_id, teller)
    result = import_roster(read_lines(tmp_path / "roster.xlsx"), importing, dry_run=False)
    assert (result.changed, result.faults) == (1, ())
    after = stage.dossier(UNPLACED[3])
    assert after.destination is not None
    assert after.destination.unit == "示例新单位有限公司"
    assert register_unplaced(office) == 0, "and it stays right"
    page = stage.clerk(Role.OFFICE).get("/staff/cutoff").text
    assert "签就业协议形式就业" in page
    assert "8 人</strong>" in page
