"""The audit commands: whole, or the first broken entry with its number and exit code 1."""

import sqlite3

from tests.handlers.commands.stage import Desk


def test_the_log_is_verified_and_its_end_told(desk: Desk) -> None:
    desk.types("season", "set", "closes=2023-07-05")
    number, noted = desk.types("audit", "head").output.split()
    assert number == "2", "the desk's own season, and this change"
    result = desk.types("audit", "verify", "--head", noted)
    assert result.exit_code == 0, result.output
    assert "日志完整：2 条" in result.output


def test_a_changed_entry_and_a_cut_end_are_found(desk: Desk) -> None:
    for closes in ("2023-07-05", "2023-07-06", "2023-07-07"):
        desk.types("season", "set", f"closes={closes}")
    noted = desk.types("audit", "head").output.split()[1]
    (path,) = desk.config.parent.glob("*.sqlite3")
    with sqlite3.connect(path) as database:
        database.execute("DROP TRIGGER audit_no_delete")
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("DELETE FROM audit WHERE seq = 4")
    assert desk.types("audit", "verify").exit_code == 0, "a shorter log looks whole by itself"
    cut = desk.types("audit", "verify", "--head", noted)
    assert (cut.exit_code, "末尾" in cut.output) == (1, True)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE audit SET actor_name = '别人' WHERE seq = 2")
    changed = desk.types("audit", "verify")
    assert changed.exit_code == 1
    assert "第 2 条被改动过" in changed.output


def test_season_changes_by_command_are_audited_as_such(desk: Desk) -> None:
    assert "第 2 版" in desk.types("season", "set", "hotline=010-1").output
    refused = desk.types("season", "set", "school_system_url=javascript:alert(1)")
    assert refused.exit_code == 1
    assert "完整网址" in refused.output
