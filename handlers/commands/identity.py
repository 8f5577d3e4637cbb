"""Identity commands (身份核对): free a locked student number, take a binding away."""

import click

from bot.use_cases import release
from handlers.commands.group import Session

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    identity.add_command(unlock)
    identity.add_command(unbind)
    group.add_command(identity)


@click.group(help="身份核对：解锁、解除绑定。")
def identity() -> None:
    """Group the identity commands."""


@click.command(help="后六位输错五次被锁的学号，当面核对本人后解锁。")
@click.argument("student_number")
@PASS
def unlock(session: Session, student_number: str) -> None:
    """Forget the failed identity checks of a student number."""
    release.unlock(session.installation.office, student_number)
    click.echo(f"{student_number} 已解锁。微信号本身被锁的，请换一个微信或等一天。")


@click.command(help="解除一个学号的微信绑定，例如手机丢了。")
@click.argument("student_number")
@PASS
def unbind(session: Session, student_number: str) -> None:
    """Take the WeChat binding of a student number away."""
    release.unbind(session.installation.office, student_number)
    click.echo(f"{student_number} 已解除绑定。")
