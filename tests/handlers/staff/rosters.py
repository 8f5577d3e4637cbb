"""Roster files (名册文件) for the console, as schools send them, and the way of one through upload and worker."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import Table, select

from bot.registration.dossier import Dossier
from bot.roster.columns import Column
from bot.roster.export import to_row
from handlers.roster.invented import identity_number
from handlers.roster.writing import write_roster
from storage.staff_tables import audit, roster_piece
from storage.tables import graduate
from tests.handlers.staff.stage import Clerk, ConsoleStage

Row = dict[Column, Any]
Edit = Callable[[Worksheet], object]


def newcomer(serial: int, changes: Mapping[Column, Any] | None = None) -> Row:
    """Invent somebody who is not registered yet (新生)."""
    return {
        Column.STUDENT_NUMBER: f"2019{serial:06}",
        Column.NAME: "冯新晨",
        Column.IDENTITY_NUMBER: identity_number(2002, serial),
        Column.COLLEGE: "理学院",
        Column.MAJOR: "物理学",
        Column.LEVEL: "本科",
        Column.GRADUATION_DATE: "2023-06-30",
        Column.COUNSELLOR: "陈静",
    } | dict(changes or {})


def registered(stage: ConsoleStage) -> list[Row]:
    """Return everybody registered as rows of a file (在册)."""
    return [dict(to_row(dossier)) for dossier in stage.dossiers()]


def workbook(rows: Sequence[Row], edit: Edit = lambda _: None) -> bytes:
    """Return the rows as xlsx, with cells of any type, edited by hand at the end."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append([str(column) for column in Column])
    for row in rows:
        sheet.append([row.get(column) for column in Column])
    edit(sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def text_file(folder: Path, rows: Sequence[Row], encoding: str = "utf-8-sig") -> bytes:
    """Return the rows as CSV in an encoding."""
    write_roster(path := folder / "r.csv", [{c: str(v) for c, v in row.items()} for row in rows])
    return path.read_bytes().decode("utf-8-sig").encode(encoding)


def send(clerk: Clerk, content: bytes, name: str = "名册.xlsx") -> str:
    """Upload a file; return the path of its page."""
    answer = clerk.post("/staff/roster", 303, file=(io.BytesIO(content), name))
    return str(answer.headers["Location"])


def work(stage: ConsoleStage) -> int:
    """Let the worker do everything that waits; return how many jobs there were."""
    done = 0
    while stage.installation.worker.tools.jobs():
        done += 1
    return done


def looked_at(stage: ConsoleStage, clerk: Clerk, content: bytes, name: str = "名册.xlsx") -> str:
    """Upload a file and let the worker look at it; return the path of its page."""
    path = send(clerk, content, name)
    assert work(stage) == 1
    return path


def written(stage: ConsoleStage, clerk: Clerk, content: bytes, name: str = "名册.xlsx") -> str:
    """Upload a file, look, and write all of it; return the path of its page."""
    path = looked_at(stage, clerk, content, name)
    clerk.post(f"{path}/apply", 303)
    assert work(stage) == 1
    assert "已写入" in clerk.get(path).text
    return path


def change(stage: ConsoleStage, old: Dossier, new: Dossier) -> None:
    """Let something happen to a dossier beside the console."""
    with stage.installation.work.writing() as uow:
        uow.registry.save(old, new)
        uow.commit()


def sums(clerk: Clerk, path: str) -> tuple[int, ...]:
    """Return added, changed, unchanged, refused, missing as the page shows them."""
    return tuple(int(found.replace(",", "")) for found in re.findall(r"<b>([\d,]+)</b>", clerk.get(path).text))


def rows_of(stage: ConsoleStage, table: Table = graduate) -> dict[str, tuple[object, ...]]:
    """Return every row of graduates or verifications as it is stored, without the counter."""
    with stage.installation.engine.connect() as connection:
        names = [column for column in table.c if column.name != "version"]
        return {row.id: tuple(row) for row in connection.execute(select(*names))}


def versions(stage: ConsoleStage) -> dict[str, int]:
    """Return the counters of all graduates."""
    with stage.installation.engine.connect() as connection:
        return dict(tuple(row) for row in connection.execute(select(graduate.c.id, graduate.c.version)))


def pieces(stage: ConsoleStage) -> set[str]:
    """Return which kinds of pieces are stored."""
    with stage.installation.engine.connect() as connection:
        return set(connection.scalars(select(roster_piece.c.kind)))


def actions(stage: ConsoleStage) -> list[str]:
    """Return what the audit log says of rosters, oldest first."""
    with stage.installation.engine.connect() as connection:
        found = connection.scalars(select(audit.c.action).order_by(audit.c.seq))
        return [action for action in found if action.startswith("ROSTER")]
