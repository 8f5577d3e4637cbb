"""Season commands (届别): show, set, cutoff (N13, N17 to N19)."""

from dataclasses import asdict

import click

from bot.use_cases.manage_season import NAMES, drafted, save_season
from bot.use_cases.register_unplaced import register_unplaced
from handlers.commands.group import Session

PASS = click.make_pass_decorator(Session)


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
        click.echo(f"{name:<20}{value}  （{NAMES[name]}）")


@click.command("set", help="建立或修改届别，例如：season set closes=2027-07-05。换一个 id 就是新的一届。")
@click.argument("assignments", nargs=-1, required=True, metavar="名称=值…")
@PASS
def change(session: Session, assignments: tuple[str, ...]) -> None:
    """Create or change the season; a bad calendar is refused with the reason."""
    words = dict(_pair(assignment) for assignment in assignments)
    with session.installation.work.reading() as uow:
        current = uow.seasons.current()
    saved = save_season(session.installation.office, drafted(current, words), current)
    click.echo(f"{saved.id} 届已保存，第 {saved.version} 版。")


def _pair(assignment: str) -> tuple[str, str]:
    name, sign, value = assignment.partition("=")
    known = set(NAMES) - {"version"}
    if not sign or name not in known:
        raise click.ClickException(f"没看懂“{assignment}”。可以设置：" + "、".join(sorted(known)))
    return name, value


@season.command(help="截点登记：到了截点日，把没有去向的登记为未就业（N18），每个截点日一次；平时由后台自动办。")
@PASS
def cutoff(session: Session) -> None:
    """Register the unplaced at the cut-off."""
    click.echo(f"登记为未就业：{register_unplaced(session.installation.office)} 人。")
