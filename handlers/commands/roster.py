"""Roster commands (名册): import with a dry run first, export; and the destination of one graduate."""

from pathlib import Path

import click
from tqdm import tqdm

from bot.errors import QuxiangError
from bot.registration.season import Season
from bot.roster.columns import Remarks
from bot.roster.export import to_row
from bot.use_cases.import_roster import Importing, ImportResult, import_roster
from bot.use_cases.staff_changes import replace_school_data
from bot.use_cases.tell import Teller
from handlers.commands.group import Session
from handlers.commands.items import changed_data
from handlers.roster.memory import collector_paused
from handlers.roster.reading import read_lines
from handlers.roster.writing import write_roster

PASS = click.make_pass_decorator(Session)
MOST_FAULTS = 50


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (import_, export):
        roster.add_command(command)
    destination.add_command(set_)
    group.add_command(roster)
    group.add_command(destination)


@click.group(help="毕业生名册：导入、导出。")
def roster() -> None:
    """Group the roster commands."""


@click.group(help="毕业去向：单个修改。")
def destination() -> None:
    """Group the destination commands."""


def current_season(session: Session) -> Season:
    """Return the current season.

    Raises:
        QuxiangError: there is none yet.
    """
    with session.installation.work.reading() as uow:
        season = uow.seasons.current()
    if season is None:
        raise QuxiangError("还没有届别：请先运行 quxiang season set")
    return season


@click.command("import", help="导入名册（xlsx、xls、csv）。先试跑并列出问题，加 --apply 才写入。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--apply", "apply", is_flag=True, help="真的写入（默认只试跑）。")
@click.option("--partial", is_flag=True, help="有问题的行跳过，其余照常写入。")
@PASS
def import_(session: Session, file: Path, *, apply: bool, partial: bool) -> None:
    """Import a roster; without --apply nothing is written."""
    installation = session.installation
    season, now = current_season(session), installation.office.clock()
    teller = Teller(season, now, installation.office.links, installation.office.new_id)
    importing = Importing(installation.work, season, now, installation.office.new_id, teller)
    with collector_paused(), tqdm(unit="行", desc="读取", leave=False, disable=None) as bar:

        def progress(rows: int) -> None:
            bar.update(rows - bar.n)

        remarks = Remarks()
        result = import_roster(
            read_lines(file, remarks),
            importing,
            dry_run=not apply,
            partial=partial,
            merged=remarks.merged,
            progress=progress,
        )
    for note in remarks.notes:
        click.echo(note)
    _tell(result, apply=apply)


def _tell(result: ImportResult, *, apply: bool) -> None:
    for heading in result.unknown_headings:
        click.echo(f"不认识的列，已忽略：{heading}")
    for fault in result.faults[:MOST_FAULTS]:
        click.echo(str(fault))
    if len(result.faults) > MOST_FAULTS:
        click.echo(f"……还有 {len(result.faults) - MOST_FAULTS} 处问题")
    missing = f"库里有而文件里没有的 {result.missing} 人不会删除。" if result.missing else ""
    click.echo(
        f"新增 {result.added}，更改 {result.changed}，不变 {result.unchanged}，有问题 {result.refused} 行。" + missing
    )
    if result.is_applied:
        click.echo("已写入。")
    elif apply:
        raise click.ClickException("有问题的行，什么都没有写入。请改好再导入，或加 --partial 跳过它们。")
    else:
        click.echo("这是试跑，什么都没有写入。没有问题就加 --apply 再运行一次。")


@click.command(help="导出名册（xlsx 或 csv），可以修改后再导入。")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@PASS
def export(session: Session, file: Path) -> None:
    """Export the roster of the current season."""
    season = current_season(session)
    with session.installation.work.reading() as uow:
        count = write_roster(file, (to_row(dossier) for dossier in uow.registry.all_of(season.id)))
    click.echo(f"已导出 {count} 人到 {file}。文件含个人信息，用完请删除。")


@click.command("set", help="修改一名毕业生的去向，例如：destination set 2023010101 毕业去向=10 单位名称=示例公司")
@click.argument("student_number")
@click.argument("assignments", nargs=-1, required=True, metavar="列名=值…")
@PASS
def set_(session: Session, student_number: str, assignments: tuple[str, ...]) -> None:
    """Set the destination of one graduate; N15 follows by itself."""
    office = session.installation.office
    changed = replace_school_data(
        office, student_number, lambda dossier: changed_data(dossier, assignments, office.clock())
    )
    click.echo(f"{changed.graduate.student_number} 已更新，毕业生会收到通知。")
