"""The verify command (离线验证): genuine or not, by the key list alone; no settings, no database, no network.

Exit code 0: genuine; 1: not genuine; 2: cannot tell. In force or not it never says: that must be asked online.
"""

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from bot.errors import BadValueError
from bot.registration.report import moment_text
from bot.registration.season import SHANGHAI
from handlers.commands.verifying import Checked, Verdict, check_all
from handlers.keylist.memory import SeenLists, memory_file
from handlers.keylist.model import KeyList, KeyListError

_MOST_CHARACTERS = 1_000_000


class CannotTellError(click.ClickException):
    """There is no verdict (无法判断), for the reason given.

    Attributes:
        reason: in one word, for machines.
    """

    exit_code = 2

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command (命令选项).

    Attributes:
        keys: file with the key list.
        root: fingerprint of the root to demand, or "".
        at_least: version the list must have reached.
        at: moment to judge by, or "" for now.
        memory: whether to remember the lists seen.
        as_json: whether a machine reads the answer.
    """

    keys: Path
    root: str
    at_least: int
    at: str
    memory: bool
    as_json: bool


def add_to(group: click.Group) -> None:
    """Add this command to the group."""
    group.add_command(verify)


@click.command(
    help="离线验证令牌、二维码网址、报告 PDF 或存有令牌的文件：是不是学校签发的。不需要配置、数据库和网络。"
    "退出码：0 真实，1 不是真的，2 不能下结论。"
)
@click.argument("what", metavar="令牌|网址|文件|-")
@click.option("--keys", required=True, type=click.Path(path_type=Path), help="学校公布的密钥清单 keys.json。")
@click.option("--root", default="", help="学校公布的根密钥指纹；别的根密钥签的清单不用。")
@click.option("--at-least", default=0, type=click.IntRange(min=0), help="清单至少应是哪个版本。")
@click.option("--at", default="", help="按这个时刻判断，例如 2026-06-20T12:00（北京时间）。")
@click.option("--memory/--no-memory", default=True, help="记住见过的清单版本，旧清单不再用。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，给程序用。")
def verify(what: str, **options: Any) -> None:  # noqa: ANN401 -- click's options, named in Asked
    """Check, say what was found, and exit with the code."""
    asked = Asked(**options)
    try:
        code = _verify(what, asked)
    except CannotTellError as problem:
        if not asked.as_json:
            raise
        _print_json({"verdict": problem.reason, "exit": problem.exit_code, "message": problem.message})
        code = problem.exit_code
    sys.exit(code)


def _verify(what: str, asked: Asked) -> int:
    now, listed = _moment(asked.at), _trusted(asked)
    try:
        checked = check_all(what, listed, now)
    except BadValueError as error:
        raise CannotTellError("unreadable", str(error)) from None
    # One that is not genuine outweighs one that cannot be judged.
    code = max((each.verdict.exit_code for each in checked), key=[0, 2, 1].index)
    if asked.as_json:
        _print_json(_for_machines(checked, listed, now) | {"exit": code})
    else:
        for each in checked:
            _tell(each, listed)
        _tell_keys(listed, is_pinned=bool(asked.root))
    return code


def _trusted(asked: Asked) -> KeyList:
    """Read the key list and decide whether to trust it: pinned root, lowest version, what was seen before."""
    root = asked.root.replace(" ", "").replace(":", "").lower() or None
    if root and (len(root) != 64 or set(root) - set("0123456789abcdef")):
        raise CannotTellError("bad_option", "--root 应是 64 位十六进制的根密钥指纹")
    try:
        with asked.keys.open(encoding="utf-8-sig") as file:
            text = file.read(_MOST_CHARACTERS + 1)
        listed = KeyList.parse(text, asked.at_least, root)
        if asked.memory:
            listed = _not_older_than_seen(text, listed, is_pinned=root is not None)
    except OSError as error:
        raise CannotTellError("unreadable", f"密钥清单 {asked.keys} 读不出来（{error.strerror}）") from None
    except UnicodeDecodeError:
        raise CannotTellError("list_malformed", f"密钥清单 {asked.keys} 不是 UTF-8 文本") from None
    except KeyListError as error:
        raise CannotTellError(error.fault.value, str(error)) from None
    except BadValueError as error:
        raise CannotTellError("bad_memory", str(error)) from None
    return listed


def _not_older_than_seen(text: str, listed: KeyList, *, is_pinned: bool) -> KeyList:
    try:
        seen = SeenLists(memory_file(os.environ))
    except RuntimeError:
        click.echo("没有家目录，记不住见过的清单；用 --no-memory 可去掉这条提示。", err=True)
        return listed
    if not is_pinned and seen.is_other_root(listed):
        raise CannotTellError(
            "list_other_root",
            f"{listed.host} 的清单以前由另一把根密钥签发。请与学校公布的指纹核对，再用 --root 指定："
            f"{listed.fingerprint}",
        )
    listed = KeyList.parse(text, seen.at_least(listed.fingerprint))
    try:
        seen.remember(listed, is_pinned=is_pinned)
    except OSError as error:
        click.echo(f"见过的清单版本没有记下来（{error.strerror}）；用 --no-memory 可去掉这条提示。", err=True)
    return listed


def _moment(text: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CannotTellError("bad_option", "--at 应写成 2026-06-20T12:00 或 2026-06-20T12:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def _tell(checked: Checked, keys: KeyList) -> None:
    words, label = _words()[checked.verdict.value], _words()["label"]
    code = f"{words['code']} " if "code" in words else ""
    click.echo(f"{words['mark']} {code}{words['zh']}\n  {words['en']}")
    if checked.other_host:
        official = keys.host.split("/")[0]
        click.echo("  " + label["other_host"].format(host=checked.other_host, official=official))
    if checked.statement:
        click.echo(f"  {label['number']}: {checked.statement.number}")
        click.echo(f"  {label['issued']}: {moment_text(_issued(checked))[:16]}{label['zone']}")
        if checked.verdict is Verdict.GENUINE:
            past = label["past"] if checked.is_past else ""
            click.echo(f"  {label['last_day']}: {checked.statement.last_day}{past}")
        address = f"https://{keys.host}/verify"
        click.echo("  " + label["online_zh"].format(address=address))
        click.echo("  " + label["online_en"].format(address=address))


def _tell_keys(keys: KeyList, *, is_pinned: bool) -> None:
    label = _words()["label"]
    click.echo(label["keys"].format(version=keys.version, issued=moment_text(keys.issued_at)[:10], issuer=keys.issuer))
    if not is_pinned:
        click.echo(label["compare_zh"].format(root=keys.fingerprint) + "\n" + label["compare_en"])


def _issued(checked: Checked) -> datetime:
    minute = checked.statement.issued_minute if checked.statement else 0
    return datetime.fromtimestamp(minute * 60, UTC)


def _for_machines(checked: tuple[Checked, ...], keys: KeyList, now: datetime) -> dict[str, Any]:
    return {
        "verdict": max(checked, key=lambda each: [0, 2, 1].index(each.verdict.exit_code)).verdict.value,
        "findings": [_finding(each) for each in checked],
        "state": "unknown",
        "ask": f"https://{keys.host}/verify",
        "clock": now.astimezone(UTC).isoformat(),
        "keys": {"version": keys.version, "root": keys.fingerprint, "issuer": keys.issuer, "host": keys.host},
    }


def _finding(checked: Checked) -> dict[str, Any]:
    found: dict[str, Any] = {"verdict": checked.verdict.value}
    if checked.other_host:
        found["other_host"] = checked.other_host
    if checked.statement:
        found |= {"number": checked.statement.number, "issued_at": _issued(checked).isoformat()}
        found |= {"last_day": checked.statement.last_day.isoformat()}
        found["is_past"] = checked.is_past
    return found


def _print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(files(__package__).joinpath("verify.toml").read_text("utf-8"))
