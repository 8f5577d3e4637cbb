"""The check command (体检): is this installation ready, and what to do if not."""

from collections.abc import Callable, Iterator

import click

from bot.errors import QuxiangError
from handlers.commands.group import Session, sentence_of
from handlers.commands.keys import host_of
from handlers.installation import Installation
from handlers.keys.folder import KeyFolder
from handlers.keys.ring import read_list
from handlers.report.pdf import font_problem
from handlers.wechat import menu
from storage.faults import StoreError
from storage.migrating import current_revision, head_revision

PASS = click.make_pass_decorator(Session)
_TABLES_FIRST = "先完成数据库迁移"
Probe = Callable[[Installation], str | None]


def add_to(group: click.Group) -> None:
    """Add this command to the group."""
    group.add_command(check)


@click.command(help="检查能不能开工：数据库、迁移、密钥、字体、公众号凭证、菜单；不行的告诉你怎么办。")
@PASS
def check(session: Session) -> None:
    """Say whether this installation is ready; exit code 1 if not."""
    bad = 0
    for name, problem in _findings(session):
        bad += problem is not None
        click.echo(f"{'❌' if problem else '✅'} {name}" + (f"：{problem}" if problem else ""))
    if bad:
        raise click.ClickException(f"还有 {bad} 项没有就绪。")
    click.echo("都就绪了。")


def _findings(session: Session) -> Iterator[tuple[str, str | None]]:
    try:
        installation = session.installation
    except QuxiangError as error:
        yield "配置和密钥", sentence_of(error)
        return
    yield "配置和密钥", None
    for name, probe in _PROBES.items():
        try:
            yield name, probe(installation)
        except QuxiangError as error:
            yield name, sentence_of(error)


def _database(installation: Installation) -> str | None:
    try:
        current_revision(installation.engine)
    except StoreError as error:
        return sentence_of(error)
    return None


def _migrations(installation: Installation) -> str | None:
    if _database(installation):
        return "数据库连不上，无法检查"
    here, there = current_revision(installation.engine), head_revision()
    return None if here == there else f"数据库在版本 {here or '空'}，程序需要 {there}：请运行 quxiang migrate"


def _season(installation: Installation) -> str | None:
    if _migrations(installation):
        return _TABLES_FIRST
    with installation.work.reading() as uow:
        return None if uow.seasons.current() else "还没有届别：请运行 quxiang season set"


def _key_list(installation: Installation) -> str | None:
    settings = installation.settings
    listed, _ = read_list(KeyFolder(settings.keys.folder))
    if listed.host == host_of(settings):
        return None
    return f"清单里的核验网址是 {listed.host}，server.public_url 不同：请运行 quxiang keys publish，再重启"


def _font(_installation: Installation) -> str | None:
    return font_problem()


def _token(installation: Installation) -> str | None:
    if _migrations(installation):
        return _TABLES_FIRST  # the token is kept there
    installation.client.token()
    return None


def _menu(installation: Installation) -> str | None:
    if _migrations(installation):
        return _TABLES_FIRST
    return None if menu.is_live(installation.client) else "菜单还没有发布：请运行 quxiang menu"


_PROBES: dict[str, Probe] = {
    "数据库": _database,
    "数据库迁移": _migrations,
    "届别": _season,
    "密钥清单": _key_list,
    "报告字体": _font,
    "公众号凭证（access_token）": _token,
    "底部菜单": _menu,
}
