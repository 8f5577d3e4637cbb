"""Receipt commands (档案接收登记): what departments recorded, and taking a wrong record back."""

import click

from bot.conversation.lines import chinese_moment
from bot.errors import BadValueError
from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.use_cases.receive_archive import withdraw_receipt
from handlers.commands.group import Session
from handlers.commands.roster import current_season

PASS = click.make_pass_decorator(Session)
_BY = {"office": "学校", "graduate": "毕业生"}


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    receipt.add_command(list_)
    receipt.add_command(withdraw)
    group.add_command(receipt)


@click.group(help="档案接收登记：列出、撤回。")
def receipt() -> None:
    """Group the receipt commands."""


@click.command("list", help="列出接收单位登记的“档案已接收”，新的在前；单位是对方自己填的，没有核实。")
@click.option("--counsellor", default="", help="只看这位辅导员的。")
@PASS
def list_(session: Session, counsellor: str) -> None:
    """List what departments recorded, withdrawn records included."""
    season = current_season(session)
    with session.installation.work.reading() as uow:
        found = tuple(uow.receipts.of_season(season.id))
    shown = [pair for pair in found if counsellor in {"", pair[0].graduate.counsellor.name}]
    for dossier, each in shown:
        click.echo(_lines(dossier, each))
    standing = sum(each.stands for _, each in shown)
    click.echo(f"共 {len(shown)} 条，有效 {standing} 条。")


@click.command(help="撤回一条登记：receipt withdraw 编号 --reason 原因（编号见 receipt list）")
@click.argument("receipt_id", metavar="编号")
@click.option("--reason", required=True, help="毕业生会看到的原因。")
@PASS
def withdraw(session: Session, receipt_id: str, reason: str) -> None:
    """Take a record back; it stays in the list as withdrawn."""
    if not reason.strip():
        raise BadValueError("请写明原因，毕业生会看到")
    withdraw_receipt(session.installation.office, receipt_id.strip(), reason)
    click.echo("已撤回，毕业生会收到原因。")


def _lines(dossier: Dossier, each: Receipt) -> str:
    who = dossier.graduate
    state = ""
    if each.withdrawn_at:
        by = _BY.get(each.withdrawn_by, each.withdrawn_by)
        state = f"  已撤回（{by}，{chinese_moment(each.withdrawn_at)[:16]}）"
    number = next(v.number for v in dossier.verifications if v.id == each.verification_id)
    lines = [
        f"{each.id}  {chinese_moment(each.at)[:16]}{state}",
        f"  {who.student_number}  {who.name}  辅导员 {who.counsellor.name}  核验编号 {number}",
        f"  {each.department}  {each.contact}",
        *([f"  备注：{each.note}"] if each.note else []),
    ]
    return "\n".join(lines)
