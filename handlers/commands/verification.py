"""Verification commands (核验授权): the school withdraws what it has issued."""

import re

import click

from bot.errors import BadValueError
from bot.use_cases.staff_changes import annul_verification
from handlers.commands.group import Session

PASS = click.make_pass_decorator(Session)
_NUMBER = re.compile(r"[0-9]{8}")


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    verification.add_command(annul)
    group.add_command(verification)


@click.group(help="核验授权：作废。")
def verification() -> None:
    """Group the verification commands."""


@click.command(help="作废：verification annul 核验编号 --reason 原因；扫码的人马上看到“已作废”，不能恢复。")
@click.argument("number", metavar="核验编号")
@click.option("--reason", required=True, help="毕业生会看到的原因。")
@PASS
def annul(session: Session, number: str, reason: str) -> None:
    """Annul a verification; its page says so from the next look on."""
    if not _NUMBER.fullmatch(number.strip()):
        raise BadValueError("核验编号是 8 位数字")
    if not reason.strip():
        raise BadValueError("请写明原因，毕业生会看到")
    annul_verification(session.installation.office, number.strip(), " ".join(reason.split()))
    click.echo(f"{number.strip()} 已作废，毕业生会收到原因。")
