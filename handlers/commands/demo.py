"""The demo command (演示): one command makes a school, its people and its last days, and serves it all."""

import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from bot.registration.season import Season, Window, day_of
from bot.staff.deed import SYSTEM
from bot.staff.policy import Role
from bot.use_cases.import_roster import Importing, import_roster
from bot.use_cases.keep_progress import keep_progress
from handlers.commands.group import Session
from handlers.commands.keys import host_of
from handlers.demo import SCHOOL, DemoFolder, demand_free, demo_season, move_to, sandbox_of, write_config
from handlers.demo_life import Life, live
from handlers.installation import Installation
from handlers.keys import make_keys, read_keys
from handlers.keys.changing import Publisher, publish
from handlers.roster.demo import Tryout, write_demo_file
from handlers.roster.reading import read_lines
from handlers.serving import WebServer
from handlers.settings import read_settings
from handlers.staff.demo_accounts import make_demo_accounts
from storage.migrating import migrate
from storage.unit_of_work import SqlWork

PASS = click.make_pass_decorator(Session)
_PHONES = 400
"""As many as could be wanted: who unbinds and comes back gets another one."""


def add_to(group: click.Group) -> None:
    """Add this command to the group."""
    group.add_command(demo)


@click.command(help="一条命令跑起来：演示学校、300 名虚构毕业生、网页版手机、老师工作台。")
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
    _prepare_keys(place)
    installation = session.opener(place.config)
    migrate(installation.settings.database.url.get_secret_value())
    # Written last: a first start that was broken off is taken up where it stopped.
    if not place.tryouts.exists():
        _fill(installation, place)
    WebServer(installation, lambda: _greet(installation, place, time.monotonic() - began)).run()


def _prepare_keys(place: DemoFolder) -> None:
    """Make the keys, and let the key list follow the demo to another port."""
    settings = read_settings(place.config)
    folder, publisher = settings.keys.folder, Publisher(SCHOOL, host_of(settings))
    make_keys(folder, publisher)
    if read_keys(folder).listed.host != publisher.host:
        publish(folder, publisher)


def _fill(installation: Installation, place: DemoFolder) -> None:
    office = installation.office
    season = demo_season(day_of(office.clock()))
    with office.work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()
    make_demo_accounts(office, is_demo=installation.settings.demo)
    tryouts = write_demo_file(place.roster, day_of(office.clock()))
    importing = Importing(office.work, season, office.clock(), office.new_id, lambda *_: None)
    result = import_roster(read_lines(place.roster), importing, dry_run=False)
    if result.faults:
        raise click.ClickException(f"演示名册没有导入：{result.faults[0]}")
    _tell_chsi(installation, season)
    _enliven(installation, season, tryouts)
    place.tryouts.write_text(_table(tryouts), "utf-8")


def _tell_chsi(installation: Installation, season: Season) -> None:
    """Let the sandbox's CHSI know whose student status is not bound (N3)."""
    sandbox = sandbox_of(installation.settings)
    with installation.work.reading() as uow:
        for dossier in uow.registry.all_of(season.id):
            if dossier.chsi_bound is False:
                sandbox.chsi.set_person(dossier.graduate.identity_number.value, dossier.graduate.name, bound=False)
    sandbox.close()
    sandbox_of.cache_clear()


def _enliven(installation: Installation, season: Season, tryouts: tuple[Tryout, ...]) -> None:
    """Let the days before today happen, unless a start that was broken off has done so."""
    office = installation.office
    with office.work.reading() as uow:
        if any(True for _ in uow.registry.bound(season.id)):
            return
        actors = [account.actor for account in uow.accounts.all() if account.role is Role.OFFICE]
    by = actors[0] if actors else SYSTEM
    # Real phones of the sandbox, so that notices reach them.
    sandbox = sandbox_of(installation.settings)
    phones = iter(sandbox.crowd(_PHONES))
    sandbox.close()
    sandbox_of.cache_clear()
    life = Life(
        installation.work,
        season,
        office.clock(),
        by,
        office.new_id,
        installation.desk.new_number,
        lambda: next(phones),
    )

    def take_stock(work: SqlWork, at: datetime) -> None:
        keep_progress(replace(office, work=work, clock=lambda: at))

    live(life, [each.student_number for each in tryouts], take_stock)


def _table(tryouts: tuple[Tryout, ...]) -> str:
    return "\n".join(f"  {t.student_number}  {t.name}  后六位 {t.identity_tail}  {t.situation}" for t in tryouts) + "\n"


def _greet(installation: Installation, place: DemoFolder, seconds: float) -> None:
    base = installation.settings.server.public_url
    accounts = make_demo_accounts(installation.office, is_demo=installation.settings.demo)
    click.echo(f"\n去向已启动（{seconds:.1f} 秒）。\n")
    for name, address in (("毕业生的手机", "/"), ("老师工作台", "/staff/"), ("接收部门核验", "/verify")):
        click.echo(f"  {name}：{base}{address}")
    click.echo("\n工作台的演示账号：\n" + "\n".join(f"  {line}" for line in accounts))
    click.echo("\n手机上可以试的学号（都是虚构的人）：\n" + place.tryouts.read_text("utf-8"))
    with installation.work.reading() as uow:
        season = uow.seasons.current()
    if season and season.window(installation.office.clock()) is not Window.OPEN:
        click.echo(
            f"演示届的确认时间是 {season.opens} 到 {season.closes}，今天不能确认去向。要重新开放："
            f"用管理员账号登录工作台，在“届别”里改结束日期；要重新开始：删除 {place.path}/。\n"
        )
    click.echo(
        f"命令行另开一个终端：\n  export QUXIANG_CONFIG={place.config}\n"
        f"  .venv/bin/quxiang --help\n\n按 Ctrl+C 停止；数据都在 {place.path}/，下次启动还在。",
    )
