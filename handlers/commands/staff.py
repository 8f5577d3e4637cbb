"""Staff commands (工作台账号): the first administrator, and the way back in for whoever is locked out."""

import sys

import click

from bot.registration.season import SHANGHAI
from bot.staff.account import Account
from bot.staff.policy import Role
from bot.use_cases import staff_accounts
from bot.use_cases.staff_accounts import Person
from bot.use_cases.staff_changes import NotFoundError
from handlers.commands.group import Session
from handlers.staff.passwords import hash_password, one_time_password

ROLES = tuple(role.name.lower() for role in Role)
PASS = click.make_pass_decorator(Session)
_STDIN = click.option("--password-stdin", is_flag=True, help="从标准输入读一行作为密码，不生成一次性密码。")


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (add, list_, password, deactivate, activate, totp_off):
        staff.add_command(command)
    group.add_command(staff)


@click.group(help="工作台账号：第一个管理员在这里建，其余在网页上建。")
def staff() -> None:
    """Group the staff commands."""


@staff.command(help="新增账号：staff add 登录名 --name 姓名 --role administrator；打印一次性密码。")
@click.argument("login")
@click.option("--name", required=True, help="姓名。")
@click.option("--role", required=True, type=click.Choice(ROLES), help="管理员、就业办、辅导员、审计员。")
@click.option("--staff-number", default="", help="辅导员工号，与名册一致。")
@_STDIN
@PASS
def add(session: Session, /, *, password_stdin: bool, **person: str) -> None:
    """Make an account."""
    given = _given(password_stdin=password_stdin)
    wanted = Person(person["login"], person["name"], Role[person["role"].upper()], person["staff_number"])
    account = staff_accounts.add_account(session.installation.office, wanted, hash_password(given))
    click.echo(f"账号已建立：{account.login}（{account.role.value}）。")
    _tell(session, account, given, password_stdin=password_stdin)


@staff.command("list", help="列出账号。")
@PASS
def list_(session: Session) -> None:
    """List the accounts."""
    with session.installation.work.reading() as uow:
        accounts = uow.accounts.all()
    for each in accounts:
        state = "正常" if each.is_active else "已停用"
        seen = f"{each.seen_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if each.seen_at else "还没有登录"
        factor = "动态口令" if each.totp_secret else "—"
        click.echo(
            f"{each.login:<20}{each.name}  {each.role.value}  {each.staff_number or '—'}  {factor}  {state}  {seen}"
        )
    click.echo(f"共 {len(accounts)} 个账号。" + ("" if accounts else "用 quxiang staff add 建第一个管理员。"))


@staff.command(help="重置密码，打印一次性密码；原来的登录都退出。")
@click.argument("login")
@_STDIN
@PASS
def password(session: Session, login: str, *, password_stdin: bool) -> None:
    """Give a new first password."""
    account, given = _named(session, login), _given(password_stdin=password_stdin)
    staff_accounts.reset_password(session.installation.office, account.id, hash_password(given))
    click.echo(f"{account.login} 的密码已重置。")
    _tell(session, account, given, password_stdin=password_stdin)


@staff.command(help="停用账号：不能再登录，做过的事仍在审计日志里。")
@click.argument("login")
@PASS
def deactivate(session: Session, login: str) -> None:
    """Take the access away."""
    account = staff_accounts.deactivate(session.installation.office, _named(session, login).id)
    click.echo(f"{account.login} 已停用。")


@staff.command(help="恢复停用的账号。")
@click.argument("login")
@PASS
def activate(session: Session, login: str) -> None:
    """Give the access back."""
    account = staff_accounts.activate(session.installation.office, _named(session, login).id)
    click.echo(f"{account.login} 已恢复。")


@staff.command("totp-off", help="停用动态口令：换了手机、丢了手机时用。")
@click.argument("login")
@PASS
def totp_off(session: Session, login: str) -> None:
    """Take away the second factor."""
    account = staff_accounts.remove_totp(session.installation.office, _named(session, login).id)
    click.echo(f"{account.login} 的动态口令已停用。")


def _named(session: Session, login: str) -> Account:
    with session.installation.work.reading() as uow:
        account = uow.accounts.by_login(login.strip().lower())
    if account is None:
        raise NotFoundError("没有这个登录名。用 quxiang staff list 查看全部账号")
    return account


def _given(*, password_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if password_stdin else one_time_password()


def _tell(session: Session, account: Account, given: str, *, password_stdin: bool) -> None:
    if not password_stdin:
        click.echo(f"一次性密码（只显示这一次）：{given}")
    click.echo(
        f"请 {account.name} 登录 {session.installation.settings.server.public_url}/staff/ ，第一次登录时要改密码。"
    )
