"""Commands that run things (运行): serve, worker, migrate, menu."""

import signal

import click

from handlers.commands.group import Session
from handlers.installation import Installation
from handlers.serving import WebServer, demand_tables
from handlers.watching import logs
from handlers.wechat import menu as wechat_menu
from storage.migrating import migrate as migrate_database

PASS = click.make_pass_decorator(Session)


def add_to(group: click.Group) -> None:
    """Add these commands to the group."""
    for command in (serve, worker, migrate, menu):
        group.add_command(command)


@click.command(help="启动网站（含后台发送，除非 worker.inside = false）。改了配置，用 SIGHUP 通知它重读，不中断服务。")
@PASS
def serve(session: Session) -> None:
    """Serve the web application."""
    WebServer(_ready_to_run(session), again=lambda: _ready_to_run(Session(session.path, session.opener))).run()


@click.command(help="只运行后台发送，可以开多个。")
@PASS
def worker(session: Session) -> None:
    """Run the worker until SIGTERM."""
    running = _ready_to_run(session).worker
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: running.stop())
    running.run()


@click.command(help="把数据库升级到这个版本需要的样子，可以反复运行。")
@PASS
def migrate(session: Session) -> None:
    """Bring the database to the newest revision."""
    migrate_database(session.installation.settings.database.url.get_secret_value())
    click.echo("数据库已是最新。")


@click.command(help="把底部菜单发布到公众号；没有变化时不发布。")
@PASS
def menu(session: Session) -> None:
    """Publish the bottom menu."""
    published = wechat_menu.publish(session.installation.client)
    click.echo("菜单已发布，手机上五分钟内可见。" if published else "菜单没有变化。")


def _ready_to_run(session: Session) -> Installation:
    """Let the log be as the settings say, and start nothing that the database is too old for."""
    installation = session.installation
    logs.set_up(installation.settings.logging)
    demand_tables(installation)
    return installation
