"""Season commands (届别): show, set, cutoff (N13, N17 to N19)."""

from dataclasses import MISSING, asdict, fields, replace
from datetime import date
from typing import Any

import click

from bot.errors import BadValueError
from bot.registration.particulars import parse_date
from bot.registration.season import Season
from bot.use_cases.staff_changes import register_unplaced
from handlers.commands.group import Session

PASS = click.make_pass_decorator(Session)
_NAMES = {
    "id": "届别",
    "school": "学校",
    "opens": "确认开始",
    "closes": "确认结束",
    "cutoff": "未就业登记截点",
    "changes_until": "变更截止",
    "office": "就业办",
    "office_phone": "就业办电话",
    "hotline": "账号问题电话",
    "mail": "账号问题邮箱",
    "school_system_url": "校版就业系统",
    "chsi_url": "学信网",
    "verification_months": "核验月数",
    "version": "版本",
}

_LASTING = frozenset({"school", "office", "office_phone", "hotline", "mail", "school_system_url", "chsi_url"})


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    season.add_command(show)
    season.add_command(change)
    season.add_command(cutoff)
    group.add_command(season)


@click.group(help="届别：确认时间、截点、联系方式。")
def season() -> None:
    """Group the season commands."""


@season.command(help="显示当前届别。")
@PASS
def show(session: Session) -> None:
    """Show the current season."""
    with session.installation.work.reading() as uow:
        current = uow.seasons.current()
    if current is None:
        raise click.ClickException("还没有届别。用 quxiang season set id=2027 school=… opens=… 建立。")
    for name, value in asdict(current).items():
        click.echo(f"{name:<20}{value}  （{_NAMES[name]}）")


@click.command("set", help="建立或修改届别，例如：season set closes=2027-07-05。换一个 id 就是新的一届。")
@click.argument("assignments", nargs=-1, required=True, metavar="名称=值…")
@PASS
def change(session: Session, assignments: tuple[str, ...]) -> None:
    """Create or change the season; a bad calendar is refused with the reason."""
    values = {name: _value(name, text) for name, text in (_pair(a) for a in assignments)}
    with session.installation.work.writing() as uow:
        current = uow.seasons.current()
        is_new = current is None or values.get("id", current.id) != current.id
        new = _new_season(current, values) if is_new or current is None else replace(current, **values)
        uow.seasons.save(new)
        uow.commit()
    click.echo(f"{new.id} 届已保存。")


def _new_season(last: Season | None, values: dict[str, Any]) -> Season:
    """Make a new season; what stays from year to year is taken from the last one."""
    kept = {name: value for name, value in asdict(last).items() if name in _LASTING} if last else {}
    values = kept | values
    needed = [f.name for f in fields(Season) if f.default is MISSING]
    if missing := [name for name in needed if name not in values]:
        raise click.ClickException("新的一届还需要：" + "、".join(f"{n}（{_NAMES[n]}）" for n in missing))
    return Season(**values)


def _pair(assignment: str) -> tuple[str, str]:
    name, sign, value = assignment.partition("=")
    known = {f.name for f in fields(Season)} - {"version"}
    if not sign or name not in known:
        raise click.ClickException(f"没看懂“{assignment}”。可以设置：" + "、".join(sorted(known)))
    return name, value


def _value(name: str, text: str) -> Any:  # noqa: ANN401 -- the fields of a season have different types
    kind = Season.__annotations__[name]
    if kind is date:
        return parse_date(text)
    if kind is int:
        if not text.isdigit():
            raise BadValueError(f"{name} 应为整数")
        return int(text)
    return text.strip()


@season.command(help="截点登记：到了截点日，把没有去向的登记为未就业（N18），可以反复运行。")
@PASS
def cutoff(session: Session) -> None:
    """Register the unplaced at the cut-off."""
    click.echo(f"登记为未就业：{register_unplaced(session.installation.office)} 人。")
