"""The matrix: every route of the console × every role × whose record, found by looking at the application itself.

Each function returns sentences, one for each thing that is wrong, so that a test can also prove that it would speak.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import Delivery, DeliveryState, Reason
from bot.ports import UnitOfWork
from bot.registration.archive import ArchiveEntry, ArchiveStatus
from bot.registration.correction import Correction, Item
from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.staff.policy import ALLOWED, Act, Role
from handlers.staff.console import EXTENSION, Console
from storage.schema import metadata
from tests.handlers.staff.stage import ITEMS, MORNING, Clerk, ConsoleStage

UNKNOWN = "f" * 32
OWN_NOTICE, FOREIGN_NOTICE, FOREIGN_TITLE = "a" * 32, "b" * 32, "只给外人的通知"
ROOT = Path(__file__).parents[3]
_TOKEN = re.compile(r'name="csrf_token" value="[^"]*"')
_FIELD = re.compile(r'\bname="([a-z_0-9]+)"')
_ARGUMENT = re.compile(r'request\.(?:args|form|values|files)\.get(?:list)?\(\s*"([a-z_0-9]+)"')
# What the console itself keeps when somebody acts: not the graduates' data.
_OWN_TABLES = frozenset({"staff", "audit", "limit_count"})


@dataclass(frozen=True)
class Ids:
    """What stands in a URL: a record of counsellor T01's graduate, of T02's, and of nobody."""

    own: str
    foreign: str
    unknown: str = UNKNOWN


@dataclass
class World:
    """The school of the matrix: own and foreign graduates with everything a page could show."""

    stage: ConsoleStage
    _clerks: dict[Role, Clerk] = field(default_factory=dict)

    def __post_init__(self) -> None:
        own, foreign = self.stage.dossiers()[4], self.stage.dossiers()[1]
        waiting = ArchiveEntry(ArchiveStatus.SUBMITTED, ITEMS, submitted_at=MORNING)
        report = Correction(f"{8 * 10**6:032x}", ((Item.MAJOR, "外人写的话"), (Item.IDENTITY_NUMBER, "外人")), MORNING)
        reporting = self.stage.dossiers()[12]
        own_report = Correction(f"{9 * 10**6:032x}", ((Item.IDENTITY_NUMBER, "应为另一个"),), MORNING)
        with self.stage.installation.work.writing() as uow:
            uow.registry.save(own, replace(own, archive=waiting))
            uow.registry.save(reporting, replace(reporting, correction=own_report))
            uow.registry.save(foreign, replace(foreign, correction=report, openid="o-console-foreign"))
            alone = self.stage.dossiers()[3]
            elsewhere = replace(alone.graduate, college="外国语学院", major="冰岛语", class_name="冰岛班")
            uow.registry.save(alone, replace(alone, graduate=elsewhere))
            verification = self.stage.dossiers()[9].verifications[0]
            uow.receipts.add(Receipt("c" * 32, verification.id, MORNING, "外地档案馆", "0512-99887766"))
            self._notify(uow)
            uow.commit()

    def _notify(self, uow: UnitOfWork) -> None:
        """Two broadcasts that were not reached: to everybody, and to counsellor T02's graduates only."""
        writer = Signature(self.stage.accounts[Role.OFFICE].id, "就业办甲", MORNING)
        for id_, title, some in (
            (OWN_NOTICE, "给大家的通知", slice(None)),
            (FOREIGN_NOTICE, FOREIGN_TITLE, slice(1, None, 2)),
        ):
            made = Broadcast(id_, "2023", Message(title, "请确认。"), Audience(UNCONFIRMED), writer)
            uow.broadcasts.add(replace(made, state=BroadcastState.DONE, frozen_at=MORNING, size=1))
            for place, dossier in enumerate(self.stage.dossiers()[some]):
                one = Delivery(f"{id_[:4]}{place:028x}", "", "", {}, f"{id_}{place}", MORNING, id_, dossier.id)
                uow.notices.add(replace(one, state=DeliveryState.SKIPPED, reason=Reason.NOT_BOUND))

    @property
    def console(self) -> Console:
        """The console as the application registered it."""
        console: Console = self.stage.app.extensions[EXTENSION]
        return console

    @property
    def rules(self) -> list[Rule]:
        """Every rule under the console."""
        return [rule for rule in self.stage.app.url_map.iter_rules() if rule.endpoint.startswith("staff.")]

    def clerk(self, role: Role) -> Clerk:
        """Somebody of the role; logs in once."""
        if role not in self._clerks:
            self._clerks[role] = self.stage.clerk(role)
        return self._clerks[role]

    @cached_property
    def parameters(self) -> Mapping[str, Ids]:
        """What to put into each parameter of a URL."""
        own, foreign = self.stage.dossiers()[12], self.stage.dossiers()[1]
        receipt = Ids(UNKNOWN, "c" * 32)
        verification = self.stage.dossiers()[9].verifications[0]
        return {
            "dossier_id": Ids(self.stage.dossiers()[4].id, foreign.id),
            "correction_id": Ids(_report(own), _report(foreign)),
            "report_id": Ids(_report(own), _report(foreign)),
            "verification_id": Ids(UNKNOWN, verification.id),
            "receipt_id": receipt,
            "broadcast_id": Ids(OWN_NOTICE, FOREIGN_NOTICE),
            "account_id": Ids(self.stage.accounts[Role.COUNSELLOR].id, self.stage.accounts[Role.ADMINISTRATOR].id),
            # Things of the school, not of one graduate: no counsellor has an act for them, so nothing is foreign.
            **dict.fromkeys(("upload_id", "template_id", "reason_id"), Ids(UNKNOWN, UNKNOWN)),
            "season_id": Ids("2023", "2023", "1999"),
            "version": Ids("1", "1", "999"),
            "kind": Ids("changed", "changed", "nonsense"),
            "seq": Ids("1", "1", "999999"),
        }

    def path(self, rule: Rule, whose: str) -> str:
        """Return the address of a rule for somebody's record."""
        values = {name: getattr(self.parameters[name], whose) for name in rule.arguments}
        with self.stage.app.test_request_context():
            _, path = rule.build(values) or ("", "")
        assert path, rule
        return path

    @cached_property
    def markers(self) -> frozenset[str]:
        """Everything that tells something about a graduate of counsellor T02 and about none of T01's."""
        dossiers = self.stage.dossiers()
        own = " ".join(told for dossier in dossiers[0::2] for told in _told(dossier))
        words = {told for dossier in dossiers[1::2] for told in _told(dossier)}
        words |= {"外人写的话", "外地档案馆", "0512-99887766", "c" * 32, FOREIGN_NOTICE, FOREIGN_TITLE}
        return frozenset(word for word in words if word and word not in own)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Return everything stored, but for what the console keeps of itself."""
        tables = [table for table in metadata.sorted_tables if table.name not in _OWN_TABLES]
        with self.stage.installation.engine.connect() as connection:
            return {t.name: sorted(map(tuple, connection.execute(select(t))), key=repr) for t in tables}


def fields() -> list[str]:
    """Return every name a form or a page of the console reads, as templates and views tell."""
    sources = [*(ROOT / "handlers/templates/staff").rglob("*.html"), *(ROOT / "handlers/staff").glob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    return sorted({*_FIELD.findall(text), *_ARGUMENT.findall(text)} - {"csrf_token", "viewport", "next"})


def content(answer: TestResponse) -> str:
    """Return all the text of an answer; workbooks and archives are opened."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{headers}\n{_opened(answer.get_data())}"


def _opened(data: bytes) -> str:
    if data[:2] != b"PK":
        return data.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return "\n".join(f"{name}\n{_opened(packed.read(name))}" for name in packed.namelist())


def unregistered(world: World) -> list[str]:
    """Routes nobody decided about, and parameters this matrix does not know."""
    acts, public = world.console.acts, world.console.public
    wrong = []
    for rule in world.rules:
        endpoint = rule.endpoint.removeprefix("staff.")
        if (endpoint in acts) == (endpoint in public):
            wrong.append(f"{rule}: register it with exactly one of console.page and console.open_page")
        wrong += [
            f"{rule}: say in World.parameters (matrix.py) what <{name}> is: own, foreign, unknown"
            for name in rule.arguments
            if name not in world.parameters
        ]
    return wrong


def let_in_unknown(world: World) -> list[str]:
    """Routes that answer somebody who is not logged in with anything but the way to the login."""
    wrong = []
    for rule, path, method in _requests(world, lambda endpoint: endpoint not in world.console.public):
        answer = world.stage.app.test_client().open(path, method=method, buffered=True)
        if answer.status_code not in {302, 303} or not answer.headers["Location"].startswith("/staff/login"):
            wrong.append(f"nobody: {method} {rule} answered {answer.status_code}")
    return wrong


def let_in_without_act(world: World) -> list[str]:
    """Routes that answer a role without the act with anything but 403, with or without a proper form."""
    wrong = []
    for role in Role:
        clerk, acts = world.clerk(role), world.console.acts
        token = clerk.token
        refused = {name for name, act in acts.items() if act is not None and act not in ALLOWED[role]}
        for rule, path, method in _requests(world, refused.__contains__):
            for form in ({}, {"csrf_token": token, "dossier_id": UNKNOWN}):
                answer = clerk.client.open(path, method=method, data=form if method == "POST" else None, buffered=True)
                if answer.status_code != 403:
                    wrong.append(f"{role.value}: {method} {rule} answered {answer.status_code} in place of 403")
    return wrong


def told_about_foreign(world: World) -> list[str]:
    """Routes that tell a counsellor a foreign record from one that does not exist, or do something to it."""
    wrong, clerk = [], world.clerk(Role.COUNSELLOR)
    token, before = clerk.token, world.rows()
    for rule in _allowed(world, Role.COUNSELLOR):
        if not rule.arguments:
            continue
        for method in _methods(rule):
            form = dict.fromkeys(fields(), "1") | {"csrf_token": token} if method == "POST" else None
            answers = [
                clerk.client.open(world.path(rule, w), method=method, data=form, buffered=True)
                for w in ("foreign", "unknown")
            ]
            if [answer.status_code for answer in answers] != [404, 404]:
                wrong.append(f"{method} {rule}: {[answer.status_code for answer in answers]} in place of 404, 404")
            foreign, unknown = (_TOKEN.sub("", answer.text) for answer in answers)
            if foreign != unknown and method != "HEAD":
                wrong.append(f"{method} {rule}: a foreign record is answered otherwise than one that does not exist")
            wrong += traces(world, f"{method} {rule}", answers[0], "")
    return wrong + ([] if world.rows() == before else ["a POST about a foreign record changed what is stored"])


def traced(world: World) -> list[str]:
    """Pages, lists, exports and searches in which a counsellor finds anything of a foreign graduate."""
    wrong, clerk = [], world.clerk(Role.COUNSELLOR)
    before, own = world.rows(), [rule for rule in _allowed(world, Role.COUNSELLOR) if "GET" in _methods(rule)]
    sent: list[str] = [""]
    for told in ("", *_told(world.stage.dossiers()[9])[:2], "T02", "李卫", world.stage.dossiers()[9].id):
        asked = dict.fromkeys(fields(), told) if told else {}
        sent.append(told)
        for rule in own:
            if rule.arguments and world.path(rule, "own").endswith(UNKNOWN):
                continue
            answer = clerk.client.get(world.path(rule, "own"), query_string=asked, buffered=True)
            wrong += traces(world, f"GET {rule} ({told and 'asked for the foreign'})", answer, *sent)
            if answer.status_code >= 500:
                wrong.append(f"GET {rule}: {answer.status_code}")
        wrong += _posted(world, asked, sent)
    return wrong + ([] if world.rows() == before else ["a POST of a counsellor changed what is stored of graduates"])


def _posted(world: World, asked: Mapping[str, str], sent: list[str]) -> list[str]:
    """Send every form without a record in its address, with foreign values in all of its fields, and follow it."""
    wrong, clerk = [], world.clerk(Role.COUNSELLOR)
    token = clerk.token
    for rule in _allowed(world, Role.COUNSELLOR):
        if "POST" in _methods(rule) and not rule.arguments and asked:
            form = {**asked, "csrf_token": token}
            answer = clerk.client.post(world.path(rule, "own"), data=form, follow_redirects=True, buffered=True)
            wrong += traces(world, f"POST {rule}", answer, *sent)
            if answer.status_code >= 500:
                wrong.append(f"POST {rule}: {answer.status_code}")
    return wrong


def traces(world: World, what: str, answer: TestResponse, *sent: str) -> list[str]:
    """Tell what an answer says about a foreign graduate; what was sent may come back, in the search box."""
    text = content(answer)
    found = [marker for marker in world.markers - set(sent) if marker in text]
    return [f"{what}: tells {len(found)} things of a foreign graduate, such as {found[0]}"] if found else []


def _allowed(world: World, role: Role) -> list[Rule]:
    """Rules whose act the role has; what is everybody's (None) is the own account and has tests of its own."""

    def may(rule: Rule) -> bool:
        act = world.console.acts.get(rule.endpoint.removeprefix("staff."))
        return isinstance(act, Act) and act in ALLOWED[role]

    return [rule for rule in world.rules if may(rule)]


def _requests(world: World, wanted: Callable[[str], bool]) -> Iterator[tuple[Rule, str, str]]:
    for rule in world.rules:
        if wanted(rule.endpoint.removeprefix("staff.")):
            for whose in ("own", "foreign", "unknown") if rule.arguments else ("own",):
                for method in _methods(rule):
                    yield rule, world.path(rule, whose), method


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"OPTIONS"})


def _report(dossier: Dossier) -> str:
    assert dossier.correction
    return dossier.correction.id


def _told(dossier: Dossier) -> list[str]:
    """Return what a page could tell about a dossier, name and student number first."""
    graduate, reported = dossier.graduate, dossier.correction
    return [
        graduate.name,
        graduate.student_number,
        graduate.identity_number.value,
        graduate.mobile,
        dossier.id,
        graduate.college,
        graduate.major,
        graduate.class_name,
        graduate.counsellor.name,
        graduate.counsellor.phone,
        dossier.openid or "",
        reported.id if reported else "",
        *(value for verification in dossier.verifications for value in (verification.id, verification.number)),
    ]
