"""The stage of the console: a school whose graduates stand everywhere on the way, staff of every role, real requests.

Built once for each run of the tests and then copied. Counsellor T01 (role COUNSELLOR) has every second graduate.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import build
from bot.registration.archive import ArchiveEntry, ArchiveStatus
from bot.registration.correction import Correction, Item
from bot.registration.destination import Destination
from bot.registration.dossier import Dossier
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.identity_number import IdentityNumber
from bot.registration.season import SHANGHAI
from bot.registration.verification import Subject, Verification
from bot.staff.account import Account
from bot.staff.policy import Role
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.roster.invented import identity_number
from handlers.settings import read_settings
from handlers.staff.passwords import hash_password
from storage.migrating import migrate
from tests.bot import people
from tests.listening import LISTENER

PASSWORD = "correct horse battery"
MORNING = datetime(2023, 6, 29, 10, tzinfo=SHANGHAI)
SEASON, ITEMS = people.SEASON, people.ITEMS
COUNSELLORS = (Counsellor("陈静", "010-55550111", "T01"), Counsellor("李卫", "010-55550112", "T02"))
_CONFIG = """
[server]
public_url = "http://127.0.0.1:9"
[database]
url = "sqlite:///{folder}/quxiang.sqlite3"
[keys]
folder = "{folder}/keys"
[wechat]
app_id = "wx2023console0629"
app_secret = "console-app-secret-0629"
tokens = ["consoletoken0629"]
mode = "plain"
"""


@dataclass
class Clerk:
    """Somebody at the console (工作人员), with a browser that keeps cookies and sends the tokens of forms."""

    client: FlaskClient
    account: Account

    def get(self, path: str, status: int = 200) -> TestResponse:
        """Open a page."""
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer

    def post(self, path: str, status: int = 302, **fields: object) -> TestResponse:
        """Send a form; file fields are pairs of a stream and a name, lists are sent as several values."""
        answer = self.client.post(path, data={"csrf_token": self.token, **fields})
        assert answer.status_code == status, (path, answer.status_code, answer.text[-1500:])
        return answer

    @property
    def token(self) -> str:
        """The token of this session's forms."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/staff/password").text)
        assert found
        return found[1]


@dataclass
class ConsoleStage:
    """Everything of one test at the console."""

    installation: Installation
    accounts: dict[Role, Account]
    now: datetime = MORNING
    _folder: Path = field(default_factory=Path, repr=False)

    @cached_property
    def app(self) -> Flask:
        """The web application."""
        return self.installation.web()

    def clerk(self, role: Role) -> Clerk:
        """Return somebody of this role, logged in."""
        account = self.accounts[role]
        client = self.app.test_client()
        page = client.get("/staff/login").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        form = {"csrf_token": token[1], "login": account.login, "password": PASSWORD}
        answer = client.post("/staff/login", data=form)
        assert answer.status_code == 302, answer.text
        return Clerk(client, account)

    def dossier(self, student_number: str) -> Dossier:
        """Return a dossier as it is stored now."""
        with self.installation.work.reading() as uow:
            found = uow.registry.by_student_number(SEASON.id, student_number)
        assert found
        return found

    def dossiers(self) -> tuple[Dossier, ...]:
        """Return all dossiers, by student number."""
        with self.installation.work.reading() as uow:
            return tuple(uow.registry.all_of(SEASON.id))


def graduate(index: int) -> Graduate:
    """Invent a graduate (毕业生); even ones are counsellor T01's."""
    return Graduate(
        student_number=f"2019{index:06}",
        name=f"{'赵钱孙李周吴郑王'[index % 8]}{'明华芳伟'[index % 4]}{'晨曦远航'[index // 4 % 4]}",
        identity_number=IdentityNumber(identity_number(2001, index)),
        college=("文学院", "理学院", "工学院")[index % 3],
        major=("汉语言文学", "数学与应用数学", "机械工程")[index % 3],
        class_name=f"{1 + index % 2}班",
        level=Level.BACHELOR,
        graduation_date=date(2023, 6, 30),
        completion=Completion.GRADUATED,
        counsellor=COUNSELLORS[index % 2],
        mobile=f"139{index:08}",
        place_of_origin="示例省示例市",
    )


def dossier(index: int) -> Dossier:
    """Invent a dossier (登记档); the index modulo 10 says how far it has come, in the order of ``Stage``."""
    at = MORNING - timedelta(days=2) + timedelta(minutes=index)
    place = index % 10
    made = Dossier(f"{index:032x}", SEASON.id, graduate(index), chsi_bound=True)
    if place == 0:
        return made
    made = replace(made, openid=f"o-console-{index}")
    if place == 2:
        return replace(made, correction=Correction(f"{index + 10**6:032x}", ((Item.MAJOR, "应为英语"),), at))
    made = made if place == 1 else replace(made, checked_at=at)
    if place > 3:
        made = replace(made, destination=Destination("10", "示例科技有限公司", "", "示例市", "工程师"))
    if place > 4:
        submitted = ArchiveEntry(ArchiveStatus.SUBMITTED, ITEMS, submitted_at=at)
        returned = replace(submitted, status=ArchiveStatus.RETURNED, reason="单位名称不全", reviewed_at=at)
        approved = replace(submitted, status=ArchiveStatus.APPROVED, reviewed_at=at)
        made = replace(made, archive={5: submitted, 6: returned}.get(place, approved))
    if place > 7:
        made = replace(made.confirm(SEASON, MORNING - timedelta(hours=1)), real_person_at=at)
    if place == 9:
        granted = Verification(
            f"{index + 10**7:032x}", f"{20000000 + index}", Subject.ARCHIVE, "", MORNING, date(2023, 8, 1)
        )
        made = made.authorise(granted, SEASON)
    return made


def prepare(folder: Path, count: int = 20) -> None:
    """Fill a folder with keys and a database: season, graduates, staff of every role."""
    make_keys(folder / "keys")
    (folder / "config.toml").write_text(_CONFIG.format(folder=folder), "utf-8")
    migrate(f"sqlite:///{folder / 'quxiang.sqlite3'}")
    installation = build(read_settings(folder / "config.toml", {}), lambda: MORNING)
    hashed = hash_password(PASSWORD)
    with installation.work.writing() as uow:
        uow.seasons.save(SEASON)
        uow.registry.add_many([dossier(index) for index in range(count)])
        for number, role in enumerate(Role):
            name, staff_number = f"{role.value}甲", "T01" if role is Role.COUNSELLOR else ""
            account = Account(f"{number + 1:032x}", role.name.lower(), name, role, MORNING, staff_number, hashed)
            uow.accounts.add(replace(account, must_change=False))
        uow.commit()
    installation.client.close()
    installation.engine.dispose()


_PREPARED: dict[int, Path] = {}


@contextmanager
def raised(folder: Path, count: int = 20) -> Iterator[ConsoleStage]:
    """Raise a stage with so many graduates on a copy of one prepared before."""
    if count not in _PREPARED:
        prepare(made := Path(mkdtemp(prefix="quxiang-console-")), count)
        _PREPARED[count] = made
    shutil.copytree(_PREPARED[count], folder, dirs_exist_ok=True)
    (folder / "config.toml").write_text(_CONFIG.format(folder=folder), "utf-8")
    stages: list[ConsoleStage] = []
    installation = build(read_settings(folder / "config.toml", {}), lambda: stages[0].now)
    with installation.work.reading() as uow:
        accounts = {account.role: account for account in uow.accounts.all()}
    stages.append(ConsoleStage(installation, accounts))
    LISTENER.guard(
        value
        for index in range(min(count, 50))
        for value in (graduate(index).identity_number.value, graduate(index).mobile)
    )
    try:
        yield stages[0]
    finally:
        installation.client.close()
        installation.engine.dispose()
