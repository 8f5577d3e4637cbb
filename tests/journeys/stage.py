"""The stage (舞台) of the journeys: the real app behind real HTTP, and beside it a WeChat, a CHSI and an office.

App and sandbox have a server each, as in life: nothing passes between them but HTTP. The clock stands on 29 June
2023, in the window of the notice (N17), and moves only with ``sleep_until`` and with the seconds that really pass.
"""

import logging
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
import zxingcpp
from click.testing import CliRunner
from flask import Flask
from PIL import Image
from werkzeug.serving import make_server

from app import build
from bot.registration.season import SHANGHAI
from bot.roster.columns import Column
from handlers.commands import cli
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.roster.demo import Row, Tryout, demo_roster
from handlers.roster.writing import write_roster
from handlers.sandbox import Account, ChsiOptions, Sandbox
from handlers.settings import read_settings
from storage.migrating import migrate
from tests.journeys.people import Person
from tests.listening import LISTENER

TODAY = date(2023, 6, 29)
SEASON = (
    "id=2023",
    "school=示例大学",
    "opens=2023-06-28",
    "closes=2023-07-03",
    "cutoff=2023-07-01",
    "changes_until=2023-08-31",
    "office=示例大学就业办公室",
    "office_phone=010-55550100",
    "hotline=010-55550388",
    "mail=kefu@example.edu.cn",
    "school_system_url=https://jy.example.edu.cn/",
)
"""The season of the notice (N17, N18)."""

APP_ID, APP_SECRET, TOKEN = "wx2023journey0629", "journeys-app-secret-0629", "journeystoken0629"
AES_KEY = "JourneysAesKey0629JourneysAesKey0629Journey"
CHSI_SECRET = "journeys-chsi-secret-0629"
GRADUATES = 40
"""Two for every situation of the demo roster."""

CONFIG = """
[server]
port = {port}
public_url = "{url}"

[database]
url = "sqlite:///{folder}/quxiang.sqlite3"

[keys]
folder = "{folder}/keys"

[wechat]
app_id = "{app_id}"
app_secret = "{app_secret}"
tokens = ["{token}"]
aes_keys = ["{aes_key}"]
mode = "{mode}"
api_base = "{sandbox}/sandbox/platform"
notice_template = "{template}"
subscription_template = "{subscription}"

[chsi]
source = "http"
url = "{sandbox}/sandbox/chsi"
secret = "{chsi_secret}"

[report]
looks_per_minute = 1000
"""

# The access log of the test server writes addresses, and with them tokens; our own server writes none.
logging.getLogger("werkzeug").setLevel(logging.ERROR)


@dataclass
class Clock:
    """A clock that is set once and then runs, or is moved by hand."""

    start: datetime
    began: float = field(default_factory=time.monotonic)
    shift: timedelta = timedelta()

    def __call__(self) -> datetime:
        """Return the moment of the stage."""
        return self.start + self.shift + timedelta(seconds=time.monotonic() - self.began)

    def seconds(self) -> float:
        """Return the same in seconds since the epoch, for the sandbox."""
        return self().timestamp()


@dataclass
class Stage:
    """Everything of one journey."""

    folder: Path
    installation: Installation
    sandbox: Sandbox
    clock: Clock
    app_url: str
    rows: tuple[Row, ...]
    tryouts: tuple[Tryout, ...]

    def graduate(self, situation: str, phone: str = "") -> Person:
        """Return the graduate whose situation has these words, with a phone of his or her own."""
        who = next(each for each in self.tryouts if situation in each.situation)
        person = Person(self.sandbox.phone(phone or who.student_number), who)
        LISTENER.guard([person.phone.openid])
        return person

    def row(self, person: Person) -> dict[str, str]:
        """Return what the school's roster says about a graduate, by heading."""
        row = next(row for row in self.rows if row[Column.STUDENT_NUMBER] == person.number)
        return {column.value: value for column, value in row.items()}

    def index(self, person: Person) -> int:
        """Return the place of a graduate in the roster, from 0."""
        return next(i for i, row in enumerate(self.rows) if row[Column.STUDENT_NUMBER] == person.number)

    def identity_number(self, person: Person) -> str:
        """Return the ID number (身份证号) of a graduate."""
        return self.row(person)["身份证号"]

    def sees_the_person(self, person: Person) -> bool:
        """Let CHSI see the real person (实人验证) and call the app back; True if the call was answered."""
        return self.sandbox.chsi.complete(self.identity_number(person))

    def office(self, *words: str, refuses: bool = False) -> str:
        """Run ``quxiang …`` as the employment office does, on a connection of its own; return what it prints."""
        opened: list[Installation] = []

        def opener(path: Path) -> Installation:
            opened.append(build(read_settings(path, {}), self.clock))
            return opened[-1]

        result = CliRunner().invoke(cli, ["--config", str(self.folder / "config.toml"), *words], obj=opener)
        for each in opened:
            each.client.close()
            each.engine.dispose()
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert (result.exit_code != 0) is refuses, result.output
        return result.output

    def deliver(self) -> int:
        """Let the worker look once: everything that is due is tried."""
        return self.installation.worker.look()

    def remind(self) -> int:
        """Let the worker plan what the calendar calls for today."""
        return sum(job() for job in self.installation.worker.tools.plan)

    def sleep_until(self, *when: int) -> None:
        """Move the clock to a moment in Shanghai, e.g. ``sleep_until(2023, 7, 4)``; 10 o'clock if no hour is given."""
        hour = () if len(when) > 3 else (10,)
        self.clock.shift += datetime(*(*when, *hour), tzinfo=SHANGHAI) - self.clock()  # type: ignore[misc]  # year, month, day …

    def pause(self, seconds: float = 2.0) -> None:
        """Let time pass, e.g. so that two events are two: WeChat tells them apart by whole seconds only."""
        self.clock.shift += timedelta(seconds=seconds)

    def look(self, url: str, method: str = "GET", **more: object) -> requests.Response:
        """Open an address as a browser of nobody in particular does."""
        with requests.Session() as browser:
            browser.trust_env = False
            return browser.request(method, url, timeout=10, **more)  # type: ignore[arg-type]  # passed on as it is

    def opened(self, graduate: Person) -> str:
        """Open the report with the end of the ID number; return the address its picture and file stand under."""
        page = self.look(graduate.report, "POST", data={"tail": graduate.who.identity_tail})
        assert page.status_code == 200, page.status_code
        found = re.search(r'href="(/r/([^"/]+))/report\.pdf"', page.text)
        assert found
        LISTENER.guard([found[2]])
        return self.app_url + found[1]

    def scan(self, graduate: Person) -> str:
        """Read the QR code of a report from its preview, as a receiving department's scanner does."""
        picture = self.look(f"{self.opened(graduate)}/preview.png")
        assert picture.status_code == 200, picture.status_code
        path = self.folder / "preview.png"
        path.write_bytes(picture.content)
        with Image.open(path) as opened:
            codes = zxingcpp.read_barcodes(opened.convert("L"))
        assert len(codes) == 1
        address = codes[0].text
        LISTENER.guard([urlsplit(address).path.split("/")[2]])
        return str(address)


class Forms(NamedTuple):
    """The forms of template messages and subscription notices; "" for none."""

    template: str = ""
    subscription: str = ""


NO_FORMS = Forms()


def free_port() -> int:
    """Return a port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(web: Flask, port: int = 0) -> Iterator[str]:
    """Serve an application on a port of its own; gives its address."""
    server = make_server("127.0.0.1", port, web, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_sandbox(app_url: str, url: str, mode: str = "safe", reply_limit: float = 5.0) -> Sandbox:
    """Make a WeChat and a CHSI that push to the app's address."""
    account = Account(APP_ID, APP_SECRET, TOKEN, AES_KEY, "gh_journeys0629", f"{app_url}/wechat", mode)
    options = ChsiOptions(CHSI_SECRET, f"{app_url}/chsi/callback")
    return Sandbox(account, options, reply_limit=reply_limit, base_url=url)


def write_settings(
    folder: Path, app_url: str, sandbox_url: str, *, mode: str = "safe", forms: Forms = NO_FORMS
) -> Path:
    """Write the settings file of a stage."""
    path = folder / "config.toml"
    path.write_text(
        CONFIG.format(
            port=urlsplit(app_url).port,
            url=app_url,
            folder=folder,
            mode=mode,
            sandbox=sandbox_url,
            template=forms.template,
            subscription=forms.subscription,
            app_id=APP_ID,
            app_secret=APP_SECRET,
            token=TOKEN,
            aes_key=AES_KEY,
            chsi_secret=CHSI_SECRET,
        ),
        "utf-8",
    )
    return path


def prepare(folder: Path, today: date = TODAY) -> None:
    """Fill a folder with keys and a database: season and roster, by the commands the office uses."""
    make_keys(folder / "keys")
    config = write_settings(folder, "http://127.0.0.1:9", "http://127.0.0.1:9")
    migrate(f"sqlite:///{folder / 'quxiang.sqlite3'}")
    clock = Clock(datetime(today.year, today.month, today.day, 10, tzinfo=SHANGHAI))
    installation = build(read_settings(config, {}), clock)
    write_roster(folder / "roster.xlsx", demo_roster(today, GRADUATES).rows)
    for words in (["season", "set", *SEASON], ["roster", "import", str(folder / "roster.xlsx"), "--apply"]):
        result = CliRunner().invoke(cli, ["--config", str(config), *words], obj=lambda _: installation)
        assert result.exit_code == 0, result.output
    installation.client.close()
    installation.engine.dispose()


@contextmanager
def raised(
    folder: Path,
    prepared: Path,
    *,
    mode: str = "safe",
    template: str = "",
    subscription: str = "",
    reply_limit: float = 5.0,
) -> Iterator[Stage]:
    """Raise a stage on a copy of a prepared folder."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    clock = Clock(datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI))
    app_port, desk = free_port(), Flask("desk")
    app_url = f"http://127.0.0.1:{app_port}"
    with ExitStack() as stack:
        # The sandbox must know its own address before it serves.
        sandbox_port = free_port()
        sandbox = make_sandbox(app_url, f"http://127.0.0.1:{sandbox_port}", mode, reply_limit)
        sandbox.clock = clock.seconds
        stack.callback(sandbox.close)
        desk.register_blueprint(sandbox.blueprint())
        sandbox_url = stack.enter_context(serving(desk, sandbox_port))
        config = write_settings(folder, app_url, sandbox_url, mode=mode, forms=Forms(template, subscription))
        installation = build(read_settings(config, {}), clock)
        stack.callback(installation.engine.dispose)
        stack.callback(installation.client.close)
        stack.enter_context(serving(installation.web(), app_port))
        roster = demo_roster(TODAY, GRADUATES)
        stage = Stage(folder, installation, sandbox, clock, app_url, roster.rows, roster.tryouts)
        guard_everything(stage)
        yield stage


def guard_everything(stage: Stage) -> None:
    """Name everything of this stage that no log line may ever hold."""
    personal = (Column.NAME, Column.IDENTITY_NUMBER, Column.MOBILE, Column.EXAM_NUMBER, Column.HOUSEHOLD_ADDRESS)
    LISTENER.guard(row.get(column, "") for row in stage.rows for column in personal)
    LISTENER.guard([APP_SECRET, TOKEN, AES_KEY, CHSI_SECRET])


def tell_chsi(stage: Stage) -> None:
    """Tell CHSI who has not bound the student status, as the roster knows it (N3)."""
    for row in stage.rows:
        if row[Column.CHSI_BOUND] == "否":
            stage.sandbox.chsi.set_person(row[Column.IDENTITY_NUMBER], row[Column.NAME], bound=False)
