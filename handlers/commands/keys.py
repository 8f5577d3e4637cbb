"""Key commands (密钥): make, list, rotate, retire, publish, rehearse. A changed folder counts after a restart."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from bot.errors import QuxiangError
from bot.registration.report import moment_text
from bot.registration.season import day_of
from handlers.commands.group import Session
from handlers.keylist.model import KeyState, QrKey, ReportKey
from handlers.keys import changing, make_keys, rehearsal
from handlers.keys.changing import Publisher
from handlers.keys.folder import ROOT, KeyFolder
from handlers.keys.ring import read_list
from handlers.settings import Settings, read_settings
from storage.running_verifications import Running, running_verifications

PASS = click.make_pass_decorator(Session)
_STATES = {
    KeyState.CURRENT: "现用",
    KeyState.NEXT: "备用",
    KeyState.FORMER: "前任，仍认可",
    KeyState.RETIRED: "已停用，不认可",
}
_RESTART = "请重启网站（quxiang serve），从那时起用新的密钥和清单。再备份一次密钥目录。"


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (list_, rotate, retire, publish, rehearse):
        keys.add_command(command)
    group.add_command(keys)


def host_of(settings: Settings) -> str:
    """Return the public address without its scheme, as the key list names it (核验网址)."""
    address = urlsplit(settings.server.public_url)
    return address.netloc + address.path


@click.group(invoke_without_command=True, help="密钥：不带子命令时生成缺少的密钥，已有的不动。请把密钥目录单独备份。")
@click.option("--issuer", default="", help="学校全称，写进密钥清单和签章证书；以后由届别设置里的学校代替。")
@click.pass_context
def keys(ctx: click.Context, issuer: str) -> None:
    """Make the secret keys that are not there yet."""
    if ctx.invoked_subcommand is not None:
        return
    settings = read_settings(ctx.ensure_object(Session).path)
    folder, host = settings.keys.folder, host_of(settings)
    if not make_keys(folder, Publisher(issuer.strip() or host, host)):
        click.echo(f"{folder} 里已有密钥，没有改动。")
        return
    click.echo(f"已在 {folder} 生成密钥，请单独备份。")
    if changing.root_is_here(folder):
        click.echo(f"根密钥 {folder / ROOT} 只在更换密钥时才用：请移到离线的地方保存，指纹见 quxiang keys list。")


@click.command("list", help="列出密钥、状态、指纹和清单版本。")
@PASS
def list_(session: Session) -> None:
    """List the keys of the key list."""
    folder = _folder(session)
    listed, _ = read_list(KeyFolder(folder))
    click.echo(f"密钥清单版本 {listed.version}，{moment_text(listed.issued_at)} 签发")
    click.echo(f"署名 {listed.issuer}，核验网址 {listed.host}")
    click.echo(f"根密钥指纹 {listed.fingerprint}")
    here = "私钥在密钥目录里（建议离线保存）" if changing.root_is_here(folder) else "私钥不在这里（离线保存）"
    click.echo(f"根密钥{here}\n\n二维码密钥：")
    for qr in listed.qr:
        click.echo(f"  {qr.kid:>3}  {_STATES[qr.state]}  自 {moment_text(qr.since)}")
    click.echo("报告文件密钥（证书指纹）：")
    for report in listed.report:
        click.echo(f"  {report.fingerprint}  {_STATES[report.state]}  自 {moment_text(report.since)}")


@click.command(help="轮换：qr 备用的开始签二维码，另备一把；report 换新的报告文件密钥。旧的仍认可。")
@click.argument("which", type=click.Choice(["qr", "report"]), default="qr")
@PASS
def rotate(session: Session, which: str) -> None:
    """Rotate the key of codes or of files."""
    folder = _folder(session)
    change = changing.rotate_qr if which == "qr" else changing.rotate_report
    listed = change(folder, _publisher(session))
    for key in listed.qr if which == "qr" else listed.report:
        if key.since == listed.issued_at:
            click.echo(f"{_name(key)}：{_STATES[key.state]}")
    click.echo(f"密钥清单现在是版本 {listed.version}。{_RESTART}")


@click.command(help="停用前任密钥：retire 编号（或证书指纹的前 8 位以上）。它签过的一律不再认可。")
@click.argument("name")
@click.option("--yes", is_flag=True, help="不再询问。")
@PASS
def retire(session: Session, name: str, yes: bool) -> None:
    """Retire a former key, after saying what that does to reports still in force."""
    folder = _folder(session)
    listed, _ = read_list(KeyFolder(folder))
    former = changing.find_former(listed, name)
    click.echo(f"{_name(former)}：停用以后，它签过的报告会被当作假的，不能恢复。")
    click.echo(_running_words(session, former))
    if not yes:
        click.confirm("确定停用吗？", abort=True)
    after = changing.retire(folder, name, _publisher(session))
    click.echo(f"已停用。密钥清单现在是版本 {after.version}。{_RESTART}")


@click.command(help="学校名称或网址变了以后，重新签发密钥清单；密钥不变。")
@PASS
def publish(session: Session) -> None:
    """Sign the list anew with today's school and address."""
    listed = changing.publish(_folder(session), _publisher(session))
    click.echo(f"密钥清单版本 {listed.version}：{listed.issuer}，{listed.host}。{_RESTART}")


@click.command(help="演练：在副本里轮换、停用，逐步检查；真正的密钥不动。")
@PASS
def rehearse(session: Session) -> None:
    """Live through a key's life in a copy."""
    for step in rehearsal.rehearse(_folder(session)):
        click.echo(f"✓ {step}")
    click.echo("演练通过。")


def _folder(session: Session) -> Path:
    return read_settings(session.path).keys.folder


def _name(key: QrKey | ReportKey) -> str:
    return f"二维码密钥 {key.kid}" if isinstance(key, QrKey) else f"报告文件密钥 {key.fingerprint[:8]}"


def _publisher(session: Session) -> Publisher:
    """Return who the list speaks for today; without a season or a database the name stays as it was."""
    settings = read_settings(session.path)
    listed, _ = read_list(KeyFolder(settings.keys.folder))
    try:
        with session.installation.work.reading() as uow:
            season = uow.seasons.current()
    except QuxiangError:
        season = None
    return Publisher(season.school if season else listed.issuer, host_of(settings))


def _running_words(session: Session, former: QrKey | ReportKey) -> str:
    try:
        installation = session.installation
        today = day_of(installation.office.clock())
        running = running_verifications(installation.engine, former.since, today)
    except QuxiangError as error:
        return f"查不到还有多少份报告在有效期内（{error}）。一届的报告最晚到毕业后核验月数期满为止。"
    return _counted(running)


def _counted(running: Running) -> str:
    if running.last_day is None:
        return "它停止签发以前出具的报告都已过期或结束，可以放心停用。"
    return (
        f"⚠ 它停止签发以前出具的报告，最多还有 {running.count} 份在有效期内，最晚到 {running.last_day}。"
        "除非密钥已经泄露，请等到那天以后再停用。"
    )
