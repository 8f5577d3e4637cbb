"""Commands that run things (运行): demo, serve, worker, migrate, keys, menu."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import click

from bot.registration.season import Window, day_of
from bot.use_cases.import_roster import Importing, import_roster
from handlers.commands.group import Session
from handlers.demo import DemoFolder, demand_free, demo_season, move_to, sandbox_of, write_config
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.roster.demo import Tryout, write_demo_file
from handlers.roster.reading import read_lines
from handlers.serving import WebServer
from handlers.settings import read_settings
from handlers.wechat import menu as wechat_menu
from storage.migrating import migrate as migrate_database

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (demo, serve, worker, migrate, keys, menu):
        group.add_command(command)


@click.command(help="一条命令跑起来：演示学校、300 名虚构毕业生、网页版手机。")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path("data"), show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@PASS
def demo(session: Session, folder: Path, port: int) -> None:
    """Make the demo's folder if it is not there, then serve it."""
    began = time.monotonic()
    place = DemoFolder(folder)
    demand_free(port)
    if place.config.exists():
        move_to(place, port)
    else:
        write_config(place, port)
    make_keys(read_settings(place.config).keys.folder)
    installation = session.opener(place.config)
    migrate_database(installation.settings.database.url.get_secret_value())
    # Written last: a first start that was broken off is taken up where it stopped.
    if not place.tryouts.exists():
        _fill(installation, place)
    _serve(installation, lambda: _greet(installation, place, time.monotonic() - began))


def _fill(installation: Installation, place: DemoFolder) -> None:
    now = installation.office.clock()
    season = demo_season(day_of(now))
    with installation.work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()
    tryouts = write_demo_file(place.roster, day_of(now))
    importing = Importing(installation.work, season, now, installation.office.new_id, lambda *_: None)
    result = import_roster(read_lines(place.roster), importing, dry_run=False)
    if result.faults:
        raise click.ClickException(f"演示名册没有导入：{result.faults[0]}")
    sandbox = sandbox_of(installation.settings)
    with installation.work.reading() as uow:
        for dossier in uow.registry.all_of(season.id):
            if dossier.chsi_bound is False:
                sandbox.chsi.set_person(dossier.graduate.identity_number.value, dossier.graduate.name, bound=False)
    sandbox.close()
    sandbox_of.cache_clear()
    place.tryouts.write_text(_table(tryouts), "utf-8")


def _table(tryouts: tuple[Tryout, ...]) -> str:
    return "\n".join(f"  {t.student_number}  {t.name}  后六位 {t.identity_tail}  {t.situation}" for t in tryouts) + "\n"


def _greet(installation: Installation, place: DemoFolder, seconds: float) -> None:
    base = installation.settings.server.public_url
    click.echo(f"\n去向已启动（{seconds:.1f} 秒）。\n\n  手机：  {base}/\n")
    click.echo("可以试的学号（都是虚构的人）：\n" + place.tryouts.read_text("utf-8"))
    with installation.work.reading() as uow:
        season = uow.seasons.current()
    if season and season.window(installation.office.clock()) is not Window.OPEN:
        click.echo(
            f"演示届的确认时间是 {season.opens} 到 {season.closes}，今天不能确认去向。要重新开放："
            f"quxiang season set closes=日期；要重新开始：删除 {place.path}/。\n"
        )
    click.echo(
        f"老师的操作另开一个终端：\n  export QUXIANG_CONFIG={place.config}\n"
        "  .venv/bin/quxiang archive list\n\n按 Ctrl+C 停止；数据都在 "
        f"{place.path}/，下次启动还在。",
    )


def _serve(installation: Installation, ready: Callable[[], None] = lambda: None) -> None:
    WebServer(installation, ready).run()


@click.command(help="启动网站（含后台发送，除非 worker.inside = false）。")
@PASS
def serve(session: Session) -> None:
    """Serve the web application."""
    _serve(session.installation)


@click.command(help="只运行后台发送，可以开多个。")
@PASS
def worker(session: Session) -> None:
    """Run the worker until SIGTERM."""
    running = session.installation.worker
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    running.run()


@click.command(help="把数据库升级到这个版本需要的样子，可以反复运行。")
@PASS
def migrate(session: Session) -> None:
    """Bring the database to the newest revision."""
    migrate_database(session.installation.settings.database.url.get_secret_value())
    click.echo("数据库已是最新。")


@click.command(help="生成密钥文件；已有的不动。请把这个目录单独备份。")
@PASS
def keys(session: Session) -> None:
    """Make the secret keys."""
    folder = read_settings(session.path).keys.folder
    click.echo(f"已在 {folder} 生成密钥，请单独备份。" if make_keys(folder) else f"{folder} 里已有密钥，没有改动。")


@click.command(help="把底部菜单发布到公众号；没有变化时不发布。")
@PASS
def menu(session: Session) -> None:
    """Publish the bottom menu."""
    published = wechat_menu.publish(session.installation.client)
    click.echo("菜单已发布，手机上五分钟内可见。" if published else "菜单没有变化。")
