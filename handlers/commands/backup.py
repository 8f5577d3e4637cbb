"""Backup commands (备份与恢复): the database into one file and back; the keys are kept apart."""

import hashlib
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from bot.errors import BadValueError, QuxiangError
from bot.notices.scene import Halt
from handlers.commands.group import Session
from handlers.installation import Installation
from storage.backups import BackupError, Copier, copier_of
from storage.faults import StoreError
from storage.migrating import current_revision, known_revisions, migrate
from storage.occupancy import has_rows, others_connected

PASS = click.make_pass_decorator(Session)
_ALIVE: Final = timedelta(seconds=15)
_SAID: Final = "数据库刚从备份恢复（{file}）。备份以后发出的消息，这里不知道：先核对通知，再点“恢复发送”。"
_KEYS: Final = "密钥不在备份里：请把密钥目录 {folder} 另外备份、分开保存；没有它，加密的数据无法恢复。"


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    group.add_command(backup)
    group.add_command(restore)


@click.command(help="把整个数据库备份到一个新文件；网站和后台照常运行。密钥不在其中，另外备份。")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@PASS
def backup(session: Session, file: Path) -> None:
    """Write the database into a file that appears only when it is whole and was read once."""
    began, installation = time.monotonic(), session.installation
    demand_place(file)
    copier, part = copier_of(installation.engine.url), file.with_name(f".{file.name}.part")
    if (revision := current_revision(installation.engine)) is None:
        raise BackupError("数据库是空的，没有什么可以备份")
    _create(part)
    try:
        copier.dump(part, revision)
        if not revision == copier.revision_in(part) == current_revision(installation.engine):
            raise BackupError("备份的时候数据库正在升级：请等升级做完再备份")
        digest = _settled(part, file)
    finally:
        part.unlink(missing_ok=True)
    size, seconds = file.stat().st_size / 1e6, time.monotonic() - began
    click.echo(f"已备份到 {file}：{size:.1f} MB，数据库版本 {revision}，用时 {seconds:.1f} 秒，已读回校验。")
    click.echo(f"SHA-256 {digest}")
    click.echo(_KEYS.format(folder=installation.settings.keys.folder))


@click.command(help="用备份换掉整个数据库，并停止发送，等人核对。先停止网站和后台。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="确实要恢复。")
@click.option("--over", is_flag=True, help="数据库里已有数据也恢复：现有数据全部丢弃。")
@PASS
def restore(session: Session, file: Path, *, yes: bool, over: bool) -> None:
    """Put a backup in the place of the database; nothing is sent until somebody says so."""
    installation = session.installation
    if not yes:
        raise click.ClickException("恢复会换掉整个数据库；确实要恢复，请加上 --yes")
    copier = copier_of(installation.engine.url)
    revision = _demand_usable(copier, file)
    _demand_free(installation, over=over)
    now = installation.office.clock()
    halt = Halt(None, None, 0, _SAID.format(file=file.name), now)
    installation.engine.dispose()
    copier.load(file, halt)
    migrate(installation.settings.database.url.get_secret_value())
    with installation.work.writing() as uow:
        uow.halts.put(halt)
        uow.commit()
    newest = known_revisions()[-1]
    moved = "" if revision == newest else f"，已升级到 {newest}"
    click.echo(f"已从 {file} 恢复（备份时数据库版本 {revision}{moved}）。")
    _demand_keys(installation)
    click.echo("发送已停止，什么都不会自动发出：启动网站和后台，登录工作台核对通知，再点“恢复发送”。")
    click.echo("请再运行 quxiang audit verify，与以前抄下的哈希核对。")


def demand_place(file: Path) -> None:
    """Demand that a new file can be laid there (核对位置); an older backup is never written over."""
    if file.exists():
        raise BackupError(f"{file} 已经存在：请换一个文件名，旧备份不会被覆盖")
    if not file.absolute().parent.is_dir():
        raise BackupError(f"目录 {file.absolute().parent} 不存在：请先建立")


def _create(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise BackupError(f"目录 {part.absolute().parent} 不能写入（{error.strerror}）") from None


def _settled(part: Path, file: Path) -> str:
    """Bring the file to its place once the disk has it; return the digest of what is there."""
    part.chmod(0o600)
    with part.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        os.fsync(opened.fileno())
    part.rename(file)
    folder = os.open(file.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest


def _demand_usable(copier: Copier, file: Path) -> str:
    revision = copier.revision_in(file)
    if revision not in known_revisions():
        raise BackupError(f"备份的数据库版本 {revision} 比这个程序新：请先升级程序，再恢复")
    return revision


def _demand_free(installation: Installation, *, over: bool) -> None:
    engine = installation.engine
    here = current_revision(engine)
    if here is not None and here not in known_revisions():
        raise BackupError(f"现在的数据库在版本 {here}，比这个程序新：请用新程序来恢复")
    if here is not None and not over and has_rows(engine):
        raise BackupError("数据库里已有数据：要丢弃它们、换成备份里的，请加上 --over")
    if (many := others_connected(engine)) or _worker_lives(installation):
        raise BackupError(f"还有程序在用这个数据库（{many or 1} 个连接）：请先停止 quxiang serve 和 quxiang worker")


def _worker_lives(installation: Installation) -> bool:
    try:
        with installation.work.reading() as uow:
            last = uow.beats.last()
    except StoreError:
        return False  # no such table yet
    return last is not None and installation.office.clock() - last < _ALIVE


def _demand_keys(installation: Installation) -> None:
    """Say it now, and not at the first graduate's message, if these keys do not open what was restored."""
    try:
        with installation.work.reading() as uow:
            season = uow.seasons.current()
            if season is not None:
                next(iter(uow.registry.all_of(season.id)), None)
    except (QuxiangError, BadValueError) as error:
        raise BackupError(
            f"数据已恢复，但密钥目录里的密钥打不开加密的字段（{type(error).__name__}）：请恢复备份那时的密钥目录"
        ) from None
