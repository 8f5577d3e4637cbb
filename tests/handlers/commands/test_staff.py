"""The staff commands: the first administrator, and the way back in."""

import re

from bot.staff.policy import Role
from tests.handlers.commands.stage import Desk

ADMINISTRATOR = ("staff", "add", "Wang", "--name", "王管理", "--role", "administrator")


def _accounts(desk: Desk) -> str:
    return desk.types("staff", "list").output


def _password(output: str) -> str:
    found = re.search(r"只显示这一次）：(\S+)", output)
    assert found, output
    return found[1]


def test_the_first_administrator_is_made_and_the_password_told_once(desk: Desk) -> None:
    assert "quxiang staff add" in _accounts(desk)
    said = desk.types(*ADMINISTRATOR)
    assert said.exit_code == 0
    password = _password(said.output)
    assert "/staff/" in said.output
    listed = _accounts(desk)
    assert "wang" in listed
    assert Role.ADMINISTRATOR.value in listed
    assert password not in listed


def test_a_taken_name_a_missing_number_and_an_unknown_one_are_sentences(desk: Desk) -> None:
    desk.types(*ADMINISTRATOR)
    for words, said in (
        (ADMINISTRATOR, "已经有人用了"),
        (("staff", "add", "t01", "--name", "陈静", "--role", "counsellor"), "要填工号"),
        (("staff", "password", "nobody"), "没有这个登录名"),
        (("staff", "deactivate", "wang"), "最后一个能用的管理员"),
    ):
        result = desk.types(*words)
        assert result.exit_code == 1
        assert said in result.output


def test_a_locked_out_administrator_gets_in_again(desk: Desk) -> None:
    first = _password(desk.types(*ADMINISTRATOR).output)
    again = _password(desk.types("staff", "password", "WANG").output)
    assert first != again
    assert "已停用" in desk.types("staff", "totp-off", "wang").output


def test_a_colleague_leaves_and_comes_back(desk: Desk) -> None:
    desk.types(*ADMINISTRATOR)
    desk.types("staff", "add", "t01", "--name", "陈静", "--role", "counsellor", "--staff-number", "T01")
    assert desk.types("staff", "deactivate", "t01").exit_code == 0
    assert "已停用" in _accounts(desk)
    assert desk.types("staff", "activate", "t01").exit_code == 0
    assert "已停用" not in _accounts(desk)
