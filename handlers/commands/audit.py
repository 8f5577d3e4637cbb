"""Audit commands (审计日志): verify the chain, and tell its end to be noted down outside."""

import time

import click

from bot.staff.audit import first_break
from handlers.commands.group import Session

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    audit.add_command(verify)
    audit.add_command(head)
    group.add_command(audit)


@click.group(help="审计日志：校验、抄末尾哈希。")
def audit() -> None:
    """Group the audit commands."""


@click.command(help="校验整条日志：有改动或缺少，说出第一处的序号，退出码 1。")
@click.option(
    "--head", "noted", default="", metavar="哈希", help="以前用 audit head 抄下的哈希；末尾被整段删掉只有它能发现。"
)
@PASS
def verify(session: Session, noted: str) -> None:
    """Verify the chain; exit code 1 where it breaks."""
    began = time.perf_counter()
    with session.installation.work.reading() as uow:
        newest = uow.audit.head()
        broken = first_break(uow.audit.sealed(), noted.strip().lower())
    if broken is not None:
        raise click.ClickException(f"日志不完整：{broken.why}（第 {broken.seq} 条）。请先备份现场，再用旧备份核对。")
    seq, hash_ = newest or (0, "—")
    click.echo(f"日志完整：{seq} 条，用时 {time.perf_counter() - began:.1f} 秒。末尾哈希 {hash_}")
    if not noted:
        click.echo("没有给 --head：末尾若被整段删掉，这样看不出来。请定期用 quxiang audit head 抄下末尾哈希。")


@click.command(help="显示末尾的序号和哈希，抄在系统之外，日后交给 audit verify --head。")
@PASS
def head(session: Session) -> None:
    """Show number and hash of the newest entry."""
    with session.installation.work.reading() as uow:
        newest = uow.audit.head()
    if newest is None:
        raise click.ClickException("日志里还没有记录。")
    click.echo(f"{newest[0]} {newest[1]}")
