import stat
from pathlib import Path

import click
import pytest

from handlers.commands import cli
from tests.handlers.commands.stage import SEASON, Desk, typed


def all_commands(group: click.Group, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        here = (*before, name)
        found += all_commands(command, here) if isinstance(command, click.Group) else [here]
    return found


@pytest.mark.parametrize("words", all_commands(cli), ids=" ".join)
def test_every_command_explains_itself_without_settings(tmp_path: Path, words: tuple[str, ...]) -> None:
    desk = Desk(tmp_path / "none.toml", sandbox=None)  # type: ignore[arg-type]  # nobody is called
    result = desk.types(*words, "--help")
    assert result.exit_code == 0
    assert any("\u4e00" <= sign <= "\u9fff" for sign in result.output.splitlines()[2])


def test_without_settings_a_command_says_what_to_copy(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "none.toml", sandbox=None)  # type: ignore[arg-type]  # nobody is called
    result = desk.types("archive", "list")
    assert result.exit_code == 1
    assert "config.example.toml" in result.output


def test_keys_are_made_once(new_desk: Desk) -> None:
    assert "请单独备份" in new_desk.types("keys").output
    assert "没有改动" in new_desk.types("keys").output
    assert stat.S_IMODE((new_desk.config.parent / "keys").stat().st_mode) == 0o700


def test_migrating_twice_is_safe(new_desk: Desk) -> None:
    new_desk.types("keys")
    assert "数据库已是最新" in new_desk.types("migrate").output
    assert "数据库已是最新" in new_desk.types("migrate").output


def test_a_menu_that_has_not_changed_is_not_published_again(desk: Desk) -> None:
    assert "菜单已发布" in desk.types("menu").output
    assert "没有变化" in desk.types("menu").output


@pytest.mark.parametrize("words", [("archive", "list"), ("correction", "list"), ("roster", "export", "x.csv")])
def test_without_a_season_one_is_told_to_set_it(new_desk: Desk, words: tuple[str, ...]) -> None:
    new_desk.types("keys")
    new_desk.types("migrate")
    result = new_desk.types(*words)
    assert result.exit_code == 1
    assert "quxiang season set" in result.output


def test_without_tables_a_command_says_that_the_database_cannot_do_it(new_desk: Desk) -> None:
    new_desk.types("keys")
    result = new_desk.types("archive", "list")
    assert result.exit_code == 1
    assert "migrations" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("migrate",),
        ("season", "show"),
        ("archive", "list"),
        ("roster", "export", "x.csv"),
        ("backup", "x.backup"),
        ("check",),
    ],
)
@pytest.mark.parametrize("url", ["postgresql://quxiang:geheim@127.0.0.1:1/x", "mariadb://quxiang:geheim@127.0.0.1:1/x"])
def test_a_database_that_does_not_answer_is_told_in_a_sentence(
    new_desk: Desk, words: tuple[str, ...], url: str
) -> None:
    new_desk.types("keys")
    result = typed(new_desk.config, {"QUXIANG_DATABASE__URL": url}, words)
    assert result.exit_code == 1
    assert "数据库没有应答：请检查 database.url" in result.output
    assert "geheim" not in result.output


def test_a_season_is_shown_and_changed(desk: Desk) -> None:
    assert "2023-07-03" in desk.types("season", "show").output
    assert "2023 届已保存" in desk.types("season", "set", "closes=2023/7/5", "verification_months=12").output
    shown = desk.types("season", "show").output
    assert "2023-07-05" in shown
    assert "12" in shown


def test_a_new_season_takes_over_what_stays_and_asks_for_what_changes(desk: Desk) -> None:
    refused = desk.types("season", "set", "id=2024")
    assert refused.exit_code == 1
    for name in ("opens", "closes", "cutoff", "changes_until"):
        assert name in refused.output
    assert "office_phone" not in refused.output
    days = ["opens=2024-06-28", "closes=2024-07-03", "cutoff=2024-07-01", "changes_until=2024-08-31"]
    assert "2024 届已保存" in desk.types("season", "set", "id=2024", *days).output
    shown = desk.types("season", "show").output
    assert "2024-06-28" in shown
    assert "示例大学" in shown


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("closes=yesterday", "日期"),
        ("closes=2023-02-30", "没有这一天"),
        ("verification_months=many", "整数"),
        ("verification_months=0", "1 到 60"),
        ("version=7", "没看懂"),
        ("closes", "没看懂"),
        ("opens=2023-07-04", "晚于"),
        ("changes_until=2023-07-01", "早于"),
        ("office=", "都要填写"),
    ],
)
def test_a_season_with_a_mistake_is_refused_and_stays_as_it_was(desk: Desk, assignment: str, told: str) -> None:
    before = desk.types("season", "show").output
    result = desk.types("season", "set", assignment)
    assert result.exit_code == 1
    assert told in result.output
    assert desk.types("season", "show").output == before


def test_a_first_season_says_everything_that_is_needed(new_desk: Desk) -> None:
    new_desk.types("keys")
    new_desk.types("migrate")
    assert "season set" in new_desk.types("season", "show").output
    refused = new_desk.types("season", "set", "id=2023")
    assert all(pair.partition("=")[0] in refused.output for pair in SEASON[1:])
