"""Upload, preview and writing of rosters, through real requests and the real worker's job."""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from bot.registration.household import Household
from bot.roster.columns import Column, Line, Remarks
from bot.staff.policy import Role
from bot.use_cases.roster_work import work_on_next
from handlers.roster.child import opened_sheet
from storage.staff_tables import roster_piece
from tests.handlers.staff.rosters import (
    actions,
    change,
    looked_at,
    newcomer,
    pieces,
    registered,
    send,
    sums,
    text_file,
    versions,
    work,
    workbook,
    written,
)
from tests.handlers.staff.stage import Clerk, ConsoleStage


@pytest.fixture
def clerk(stage: ConsoleStage) -> Clerk:
    """Somebody of the employment office."""
    return stage.clerk(Role.OFFICE)


# -- the preview ----------------------------------------------------------------------------------------


def test_the_preview_counts_and_shows_what_would_happen_and_writes_nothing(stage: ConsoleStage, clerk: Clerk) -> None:
    before = versions(stage)
    rows = registered(stage)
    confirmed = next(index for index, dossier in enumerate(stage.dossiers()) if dossier.is_confirmed)
    rows[confirmed][Column.UNIT] = "另一家公司"
    rows[0][Column.MOBILE] = "13700000001"
    path = looked_at(stage, clerk, workbook([*rows[:18], newcomer(900001), newcomer(900002, {Column.LEVEL: "高中"})]))
    assert sums(clerk, path) == (1, 2, 16, 1, 2)
    page = clerk.get(path).text
    assert "H21" in page
    assert "学历层次应为" in page
    changed = clerk.get(f"{path}/list/changed").text
    assert "另一家公司" in changed
    assert "确认失效" in changed
    assert "13700000001" not in changed
    assert "*********01" in changed
    assert "冯新晨" in clerk.get(f"{path}/list/added").text
    assert rows[19][Column.NAME] in clerk.get(f"{path}/list/missing").text
    assert versions(stage) == before


@pytest.mark.parametrize("name", ["名册.xlsx", "名册.csv", "gb.csv"])
def test_every_usual_kind_of_file_says_the_same(stage: ConsoleStage, clerk: Clerk, tmp_path: Path, name: str) -> None:
    rows = [*registered(stage), newcomer(900001)]
    content = (
        workbook(rows)
        if name.endswith("x")
        else text_file(tmp_path, rows, "gb18030" if name[0] == "g" else "utf-8-sig")
    )
    assert sums(clerk, looked_at(stage, clerk, content, name)) == (1, 0, 20, 0, 0)


def test_long_lists_come_in_pages_below_thirty_kilobytes(stage: ConsoleStage, clerk: Clerk) -> None:
    every = dict.fromkeys((Column.COLLEGE, Column.MAJOR, Column.CLASS, Column.PLACE_OF_ORIGIN), "示例" * 15)
    more = {Column.MOBILE: "13700000001", Column.EXAM_NUMBER: "20320581150123", Column.UNIT: "示例" * 30}
    rows = [row | every | more | {Column.DESTINATION: "10"} for row in registered(stage)]
    path = looked_at(stage, clerk, workbook([*rows, *(newcomer(900000 + serial) for serial in range(60))]))
    seen: list[str] = []
    for kind, pages in (("changed", 2), ("added", 3)):
        for page in range(1, pages + 1):
            text = clerk.get(f"{path}/list/{kind}?page={page}").text
            assert len(text.encode()) < 30 * 1024
            assert f"第 {page} / {pages} 页" in text
            seen += re.findall(r"2019\d{6}", text)
    assert len(seen) == len(set(seen)) == 80
    clerk.get(f"{path}/list/missing", 404)
    clerk.get("/staff/roster/" + "0" * 32, 404)


def test_the_refused_rows_come_back_with_their_reasons_and_pass_once_mended(stage: ConsoleStage, clerk: Clerk) -> None:
    twice = newcomer(900002)
    bad = [newcomer(900001, {Column.NAME: "=cmd|' /C calc'!A0"}), twice, twice, newcomer(900003)]
    path = looked_at(stage, clerk, workbook(bad, lambda sheet: sheet.cell(2, 2).__setattr__("data_type", "s")))
    assert sums(clerk, path) == (1, 0, 0, 3, 20)
    answer = clerk.post(f"{path}/refused", 200)
    sheet = load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    given = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert [row[0] for row in given] == ["学号", "2019900001", "2019900002", "2019900002"]
    assert "公式" in str(given[1][-1])
    assert "与第 4 行的学号重复" in str(given[2][-1])
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert all(cell.value is None for row in sheet.iter_rows() for cell in row if cell.data_type == "n")
    sheet["B2"] = "冯新晨"
    sheet.delete_rows(4)
    mended = io.BytesIO()
    sheet.parent.save(mended)  # type: ignore[union-attr]
    again = looked_at(stage, clerk, mended.getvalue())
    assert sums(clerk, again) == (2, 0, 0, 0, 20)
    assert "不认识的列" not in clerk.get(again).text


# -- writing --------------------------------------------------------------------------------------------


def test_a_file_that_says_nothing_new_writes_nothing_at_all(stage: ConsoleStage, clerk: Clerk) -> None:
    rows = registered(stage)
    rows[3][Column.CLASS] = "九班"
    before = versions(stage)
    path = written(stage, clerk, workbook(rows))
    number = str(rows[3][Column.STUDENT_NUMBER])
    assert {id_ for id_, version in versions(stage).items() if version != before[id_]} == {stage.dossier(number).id}
    assert sums(clerk, path) == (0, 1, 19, 0, 0)
    same = looked_at(stage, clerk, workbook(rows))
    assert "完全一样，不用写入" in clerk.get(same).text
    clerk.post(f"{same}/apply", 400)


def test_refused_rows_keep_all_out_unless_the_good_ones_are_asked_for(stage: ConsoleStage, clerk: Clerk) -> None:
    path = looked_at(stage, clerk, workbook([newcomer(900001), newcomer(900002, {Column.LEVEL: "高中"})]))
    clerk.post(f"{path}/apply", 400)
    clerk.post(f"{path}/apply", 303, only="good")
    work(stage)
    assert "不能用的 1 行跳过了" in clerk.get(path).text
    assert {d.graduate.student_number for d in stage.dossiers()} >= {"2019900001"}
    assert len(stage.dossiers()) == 21
    clerk.post(f"{path}/refused", 200)


def test_what_was_not_seen_is_not_written(stage: ConsoleStage, clerk: Clerk) -> None:
    rows = registered(stage)
    rows[1][Column.UNIT_PLACE], rows[1][Column.DESTINATION] = "示例市", "10"
    path = looked_at(stage, clerk, workbook(rows))
    assert sums(clerk, path) == (0, 1, 19, 0, 0)
    old = stage.dossier(str(rows[8][Column.STUDENT_NUMBER]))
    change(stage, old, replace(old, household=Household(moved=True, address="示例市示例路 1 号")))
    clerk.post(f"{path}/apply", 303)
    work(stage)
    assert "又有了变化" in clerk.get(path).text
    assert sums(clerk, path) == (0, 2, 18, 0, 0)
    clerk.post(f"{path}/apply", 303)
    work(stage)
    assert not stage.dossier(old.graduate.student_number).household.moved


def test_a_graduate_who_only_logs_in_between_preview_and_writing_is_no_obstacle(
    stage: ConsoleStage, clerk: Clerk
) -> None:
    rows = registered(stage)
    rows[0][Column.CLASS] = "九班"
    path = looked_at(stage, clerk, workbook(rows))
    old = stage.dossier(str(rows[0][Column.STUDENT_NUMBER]))
    change(stage, old, old.bind("o-new-account"))
    clerk.post(f"{path}/apply", 303)
    work(stage)
    new = stage.dossier(old.graduate.student_number)
    assert (new.graduate.class_name, new.openid) == ("九班", "o-new-account")


def test_the_file_is_kept_sealed_and_only_as_long_as_it_is_needed(stage: ConsoleStage, clerk: Clerk) -> None:
    rows = [newcomer(900001)]
    path = looked_at(stage, clerk, workbook(rows))
    with stage.installation.engine.connect() as connection:
        stored = b"".join(connection.scalars(select(roster_piece.c.data)))
    assert b"PK\x03\x04" not in stored
    clerk.post(f"{path}/drop", 303)
    assert pieces(stage) == set()
    assert "已放弃" in clerk.get(path).text
    clerk.post(f"{path}/apply", 409)
    written(stage, clerk, workbook(rows))
    assert pieces(stage) == {"added", "missing", "undo"}
    stage.now += timedelta(days=31)
    stage.installation.worker.tools.jobs()
    assert pieces(stage) == set()
    assert actions(stage)[:2] == ["ROSTER_UPLOADED", "ROSTER_DROPPED"]


# -- who may --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.COUNSELLOR, Role.AUDITOR])
def test_only_the_office_imports(stage: ConsoleStage, clerk: Clerk, role: Role) -> None:
    path = looked_at(stage, clerk, workbook([newcomer(900001)]))
    other = stage.clerk(role)
    for page in ("/staff/roster", path, f"{path}/list/added", f"{path}/progress"):
        other.get(page, 403)
    for deed in ("apply", "drop", "undo", "refused"):
        other.post(f"{path}/{deed}", 403)
    other.post("/staff/roster", 403, file=(io.BytesIO(b"x"), "r.csv"))


def test_progress_is_told_to_the_page_and_without_scripts_by_reloading(
    stage: ConsoleStage, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = send(clerk, workbook([newcomer(900000 + serial) for serial in range(5)]))
    assert clerk.get(f"{path}/progress").get_json() == {"seen": 0, "total": 0, "is_work": True}
    page = clerk.get(path)
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]
    monkeypatch.setattr("bot.use_cases.look_at_roster.CHUNK", 2)
    told: list[object] = []

    @contextmanager
    def watched(content: Iterable[bytes], suffix: str) -> Iterator[tuple[Iterator[Line], Remarks]]:
        def lines(source: Iterator[Line]) -> Iterator[Line]:
            for line in source:
                told.append(clerk.get(f"{path}/progress").get_json())
                yield line

        with opened_sheet(content, suffix) as (source, remarks):
            yield lines(source), remarks

    work_on_next(stage.installation.office, watched)
    assert told[-1] == {"seen": 4, "total": 5, "is_work": True}
    assert not clerk.get(f"{path}/progress").get_json()["is_work"]
    stage.now += timedelta(minutes=2)
    waiting = send(clerk, workbook([newcomer(900002)]))
    assert "没有在运行" not in clerk.get(waiting).text
    stage.now += timedelta(minutes=2)
    assert "没有在运行" in clerk.get(waiting).text
