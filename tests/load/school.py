"""A school for load: settings, keys and tables, and as many graduates as wanted, each at the same point of the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from app import build, now
from bot.conversation.flows.consent import VERSION
from bot.conversation.talk import Talk
from bot.registration.dossier import Dossier
from bot.registration.season import Season, day_of
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.settings import read_settings
from storage.migrating import migrate
from tests import emptied
from tests.bot import people
from tests.load.pushes import ACCOUNT

NAME = "王小明"
_TOGETHER = 1000
_CONFIG = """
[server]
port = {port}
public_url = "http://127.0.0.1:{port}"
processes = {processes}
threads = 8
[database]
url = "{database}"
pool_size = 8
[keys]
folder = "{folder}/keys"
[wechat]
app_id = "{account.app_id}"
app_secret = "{account.app_secret}"
tokens = ["{account.token}"]
aes_keys = ["{account.encoding_aes_key}"]
api_base = "http://127.0.0.1:9"
[worker]
inside = false
"""


def write_settings(folder: Path, database: str, *, port: int = 8000, processes: int = 1) -> Path:
    """Write a settings file, and make keys beside it if there are none."""
    if not (folder / "keys").exists():
        make_keys(folder / "keys")
    path = folder / f"config-{port}.toml"
    words = {"folder": folder, "database": database, "account": ACCOUNT, "port": port, "processes": processes}
    path.write_text(_CONFIG.format(**words), "utf-8")
    return path


@contextmanager
def opened(config: Path) -> Iterator[Installation]:
    """Open an installation in this process, as the office would."""
    installation = build(read_settings(config, {}))
    try:
        yield installation
    finally:
        installation.client.close()
        installation.engine.dispose()


def empty(database: str) -> None:
    """Bring a database to today's tables, with nothing in them."""
    migrate(database)
    emptied.empty(database)


def openid_of(number: int) -> str:
    """Return the account of a graduate."""
    return f"oLoad{number:023}"


def dossier_id_of(number: int) -> str:
    """Return the identifier of a graduate's dossier."""
    return f"{number:032x}"


def student_number_of(number: int) -> str:
    """Return the student number of a graduate."""
    return f"L{number:07}"


def tail_of(number: int) -> str:
    """Return the last six characters of a graduate's ID number."""
    return f"{number % 1_000_000:06}"


def enrol(installation: Installation, count: int, make: Callable[[int, Season], Dossier]) -> Season:
    """Store a season whose window is open now, and so many graduates."""
    season = _season(now())
    with installation.work.writing() as uow:
        uow.seasons.save(season)
        uow.commit()
    for start in range(0, count, _TOGETHER):
        with installation.work.writing() as uow:
            made = [make(number, season) for number in range(start, min(start + _TOGETHER, count))]
            uow.registry.add_many(made)
            for dossier in made:
                if dossier.openid:
                    _greet(uow.talks.save, dossier.openid)
            uow.commit()
    return season


def at_the_beginning(number: int, season: Season) -> Dossier:
    """Return a graduate who has not been here yet; the destination is known, the archive entry is missing."""
    return replace(_known(number, season), destination=people.DESTINATION)


def in_the_middle(number: int, season: Season) -> Dossier:
    """Return a graduate who has logged in, whose archive entry is approved and whom CHSI has seen."""
    ready = people.ready(openid_of(number))
    mine = _known(number, season)
    return replace(ready, id=mine.id, season_id=season.id, graduate=mine.graduate, real_person_at=now())


def _known(number: int, season: Season) -> Dossier:
    who = people.graduate(student_number_of(number), NAME, f"110101199901{tail_of(number)}")
    who = replace(who, graduation_date=season.opens)
    return replace(people.new_dossier(who=who), id=dossier_id_of(number), season_id=season.id)


def _greet(save: Callable[[Talk, Talk], None], openid: str) -> None:
    """Leave a talk behind as of somebody who agreed, logged in and was told the progress."""
    talk = Talk(openid)
    save(talk, replace(talk, consent=VERSION, asked=1, at=1, spoke_at=1))


def _season(at: datetime) -> Season:
    today, day = day_of(at), timedelta(days=1)
    return replace(
        people.SEASON,
        id=f"{today.year}",
        opens=today - 5 * day,
        closes=today + 4 * day,
        cutoff=today + 3 * day,
        changes_until=today + 60 * day,
    )
