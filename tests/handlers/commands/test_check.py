import sqlite3

import pytest

from handlers.report import pdf
from tests.handlers.commands.stage import SEASON, Desk


def test_a_new_installation_is_led_from_step_to_step_until_it_is_ready(new_desk: Desk) -> None:
    first = new_desk.types("check")
    assert first.exit_code == 1
    assert "❌ 配置和密钥" in first.output
    assert "quxiang keys" in first.output
    new_desk.types("keys")
    assert "请运行 quxiang migrate" in new_desk.types("check").output
    new_desk.types("migrate")
    third = new_desk.types("check").output
    assert "✅ 数据库迁移" in third
    assert "请运行 quxiang season set" in third
    new_desk.types("season", "set", *SEASON)
    assert "菜单还没有发布：请运行 quxiang menu" in new_desk.types("check").output
    assert "菜单已发布" in new_desk.types("menu").output
    last = new_desk.types("check")
    assert last.exit_code == 0, last.output
    assert last.output.count("✅") == 8
    assert "都就绪了" in last.output


@pytest.mark.parametrize(("code", "told"), [("40164", "IP白名单"), ("40125", "AppSecret"), ("-1", "stable_token")])
def test_a_platform_that_refuses_says_what_to_change(desk: Desk, code: str, told: str) -> None:
    desk.sandbox.inject(code, times=5, path="stable_token")
    output = desk.types("check").output
    assert "❌ 公众号凭证" in output
    assert told in output


def test_tables_of_another_time_are_noticed(desk: Desk) -> None:
    path = desk.config.with_name("quxiang.sqlite3")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    assert "❌ 数据库迁移" in desk.types("check").output


def test_the_font_has_the_rare_characters_of_names_and_a_missing_one_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert pdf.font_problem() is None
    monkeypatch.setattr(pdf, "RARE_CHARACTERS", "\U0002a6d6")
    problem = pdf.font_problem()
    assert problem is not None
    assert "生僻字" in problem


def test_settings_with_mistakes_are_told_as_sentences(desk: Desk) -> None:
    desk.config.write_text("[server]\nport = 1.5\n", "utf-8")
    for words in (["check"], ["season", "show"], ["archive", "list"], ["menu"]):
        result = desk.types(*words)
        assert result.exit_code == 1
        assert "server.port" in result.output
        assert "wechat" in result.output
