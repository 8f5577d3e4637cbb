"""Archive commands (档案审核, N7): list, approve, return."""

import click

from bot.conversation.vocabulary import archive_lines, chinese_moment
from bot.registration.address_hints import hints_for
from bot.use_cases.staff_changes import approve_archive, return_archive
from handlers.commands.group import Session
from handlers.commands.roster import current_season

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (list_, approve, return_):
        archive.add_command(command)
    group.add_command(archive)


@click.group(help="档案信息审核：列出、通过、退回。")
def archive() -> None:
    """Group the archive commands."""


@click.command("list", help="列出待审核的档案信息，先交的在前。")
@PASS
def list_(session: Session) -> None:
    """List the submitted archive entries."""
    season = current_season(session)
    with session.installation.work.reading() as uow:
        waiting = tuple(uow.registry.with_submitted_archive(season.id))
    for dossier in waiting:
        items, at = dossier.archive.items, dossier.archive.submitted_at
        graduate = dossier.graduate
        click.echo(
            f"{graduate.student_number}  {graduate.name}  {graduate.college}  {chinese_moment(at) if at else ''}"
        )
        click.echo("    " + archive_lines(items).replace("\n", "\n    "))
        for hint in hints_for(dossier):
            click.echo(f"    ⚠ {hint.label}")
    click.echo(f"共 {len(waiting)} 份待审核。")


@click.command(help="通过：archive approve 学号…")
@click.argument("student_numbers", nargs=-1, required=True)
@PASS
def approve(session: Session, student_numbers: tuple[str, ...]) -> None:
    """Approve archive entries, one transaction each."""
    for number in student_numbers:
        approve_archive(session.installation.office, number)
        click.echo(f"{number} 已通过，毕业生会收到通知。")


@click.command("return", help="退回：archive return 学号 --reason 原因")
@click.argument("student_number")
@click.option("--reason", required=True, help="毕业生会看到的原因。")
@PASS
def return_(session: Session, student_number: str, reason: str) -> None:
    """Return an archive entry with the reason."""
    return_archive(session.installation.office, student_number, reason.strip())
    click.echo(f"{student_number} 已退回，毕业生会收到原因。")
