"""Correction commands (信息有误, N11): list per counsellor, apply, refuse."""

from itertools import groupby

import click

from bot.use_cases.staff_changes import apply_correction, refuse_correction
from handlers.commands.group import Session
from handlers.commands.items import changed_data
from handlers.commands.roster import current_season

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (list_, apply, refuse):
        correction.add_command(command)
    group.add_command(correction)


@click.group(help="信息有误：列出、更正、不采纳。")
def correction() -> None:
    """Group the correction commands."""


@click.command("list", help="按辅导员列出待处理的更正。")
@click.option("--counsellor", default="", help="只看这位辅导员的。")
@PASS
def list_(session: Session, counsellor: str) -> None:
    """List the open error reports, collected per counsellor."""
    season = current_season(session)
    with session.installation.work.reading() as uow:
        reports = tuple(uow.registry.with_open_correction(season.id))
    shown = [d for d in reports if not counsellor or d.graduate.counsellor.name == counsellor]
    for name, dossiers in groupby(shown, key=lambda d: d.graduate.counsellor.name):
        click.echo(f"辅导员 {name}")
        for dossier in dossiers:
            click.echo(f"  {dossier.graduate.student_number}  {dossier.graduate.name}")
            for item, right in dossier.correction.items if dossier.correction else ():
                click.echo(f"    {item.value} → {right}")
    click.echo(f"共 {len(shown)} 份待处理。")


@click.command(help="更正：correction apply 学号 专业=统计学 …（列名与名册相同）；不需要改数据时不写列。")
@click.argument("student_number")
@click.argument("assignments", nargs=-1, metavar="列名=值…")
@PASS
def apply(session: Session, student_number: str, assignments: tuple[str, ...]) -> None:
    """Apply a correction and tell the graduate to look again."""
    office = session.installation.office
    apply_correction(office, student_number, lambda dossier: changed_data(dossier, assignments, office.clock()))
    click.echo(f"{student_number} 已更正，毕业生会收到通知。")


@click.command(help="不采纳：correction refuse 学号 --reason 原因")
@click.argument("student_number")
@click.option("--reason", required=True, help="毕业生会看到的原因。")
@PASS
def refuse(session: Session, student_number: str, reason: str) -> None:
    """Refuse a correction with the reason."""
    refuse_correction(session.installation.office, student_number, reason.strip())
    click.echo(f"{student_number} 未采纳，毕业生会收到原因。")
