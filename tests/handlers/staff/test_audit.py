"""The room of the audit log: found by who, what and when, checked at a press, sent as files that prove themselves."""

import csv
import io
import re
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from bot.staff.audit import GENESIS
from bot.staff.deed import COMMAND, SYSTEM, Action
from bot.staff.policy import Role
from tests.handlers.staff.stage import Clerk, ConsoleStage


@pytest.fixture
def auditor(stage: ConsoleStage) -> Clerk:
    """An auditor, and a log of 130 entries before the login."""
    with stage.installation.work.writing() as uow:
        for number in range(130):
            actor, action = (COMMAND, Action.SEASON_SAVED) if number % 2 else (SYSTEM, Action.CUTOFF_RUN)
            at = stage.now - timedelta(days=10) + timedelta(hours=number)
            uow.audit.append(actor, action, f"{number % 20:032x}", {"理由": f"=第{number}次"}, at)
        uow.commit()
    return stage.clerk(Role.AUDITOR)


def seqs(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'data-label="序号">(\d+)<', page)]


def test_only_auditors_and_administrators_enter(stage: ConsoleStage) -> None:
    for role in (Role.OFFICE, Role.COUNSELLOR):
        clerk = stage.clerk(role)
        clerk.get("/staff/audit", 403)
        clerk.post("/staff/audit/file", 403, kind="csv")
        clerk.post("/staff/audit/verify", 403)


def test_pages_go_back_to_the_first_entry_without_a_gap(auditor: Clerk) -> None:
    page, found = auditor.get("/staff/audit").text, []
    while True:
        found += seqs(page)
        more = re.search(r'href="([^"]*before=\d+)"', page)
        if not more:
            break
        page = auditor.get(more[1].replace("&amp;", "&")).text
    assert found == list(range(131, 0, -1)), "130, and the login of the auditor"


def test_filters_find_by_who_what_day_and_subject(auditor: Clerk) -> None:
    assert seqs(auditor.get("/staff/audit?actor=command").text) == list(range(130, 50, -2))
    assert seqs(auditor.get("/staff/audit?action=LOGIN").text) == [131]
    day = auditor.get("/staff/audit?since=2023-06-20&until=2023-06-20&actor=system").text
    assert seqs(day) == [37, 35, 33, 31, 29, 27, 25, 23, 21, 19, 17, 15]
    assert seqs(auditor.get(f"/staff/audit?subject={3:032x}").text) == [124, 104, 84, 64, 44, 24, 4]
    wrong = auditor.get("/staff/audit?since=gestern&before=x").text
    assert "日期没看懂" in wrong
    assert len(seqs(wrong)) == 40


def test_an_entry_shows_its_details_and_leads_to_the_graduate(auditor: Clerk) -> None:
    page = auditor.get(f"/staff/audit?subject={13:032x}").text
    assert "=第113次" in page
    assert re.search(rf'href="/staff/[^"]*{13:032x}">毕业生</a>', page)


def test_a_press_checks_the_whole_log_and_names_the_first_broken_entry(stage: ConsoleStage, auditor: Clerk) -> None:
    page = auditor.post("/staff/audit/verify", 200).text
    assert "131 条首尾相接" in page
    with stage.installation.work.reading() as uow:
        head = uow.audit.head()
    assert head
    assert "抄存的哈希也在日志里" in auditor.post("/staff/audit/verify", 200, head=head[1].upper()).text
    assert "日志不完整" in auditor.post("/staff/audit/verify", 200, head="0" * 63 + "1").text
    with stage.installation.engine.connect() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET details = x'00' WHERE seq = 77"))
    assert "第 77 条被改动过" in auditor.post("/staff/audit/verify", 200).text
    assert "无法解密" in auditor.get("/staff/audit?before=80").text


def test_the_exported_text_file_can_be_verified_by_a_stranger(stage: ConsoleStage, auditor: Clerk) -> None:
    with auditor.post("/staff/audit/file", 200, kind="csv") as answer:
        content = answer.data
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    previous = GENESIS
    for row in rows:
        plain = {name: value.lstrip("\t") for name, value in row.items()}
        names = ("账号编号", "操作人", "操作代码", "对象", "密文")
        facts = [int(plain["序号"]), int(plain["微秒（UTC）"]), *(plain[name] for name in names), previous]
        line = dumps(facts, ensure_ascii=False, separators=(",", ":"))
        previous = sha256(b"quxiang-audit-v1\0" + line.encode()).hexdigest()
        assert plain["哈希"] == previous
    assert [row["操作"] for row in rows][-1] == "导出审计日志"
    with stage.installation.work.reading() as uow:
        assert uow.audit.head() == (len(rows), previous)


def test_the_exported_workbook_holds_every_entry_as_text(auditor: Clerk) -> None:
    with auditor.post("/staff/audit/file", 200, kind="xlsx") as answer:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0)
    rows = sheet.to_python()
    assert len(rows) == 133
    assert rows[1][8] == '{"理由": "=第0次"}'
    assert datetime.fromisoformat(str(rows[1][1]))
