"""A whole small stage: real SQLite, both blueprints, and a clock that a test may turn."""

import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask

from bot.use_cases.look_up_report import Counter
from handlers.report import pages as report_pages
from handlers.report.pdf import Press
from handlers.report.seal import Seal
from handlers.report.seal_key import SealKey, make_seal_key
from handlers.report.tokens import ReportLinks
from handlers.verification import pages as landing_pages
from handlers.verification.tokens import VerificationKeys
from storage.cipher import FieldCipher
from storage.engine import open_engine
from storage.schema import metadata
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.handlers.report.sample import NOW, SEASON, registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from sqlalchemy import Engine

    from bot.registration.dossier import Dossier
    from bot.registration.verification import Subject

BASE_URL = "https://quxiang.example.edu.cn"
HANDLERS = Path(report_pages.__file__).parents[1]


@dataclass
class Stage:
    """The stage: what stands in the database, what time it is, who may look."""

    work: SqlWork
    dossier: "Dossier"
    now: datetime = NOW
    may_look: bool = True
    may_record: bool = True
    askers: list[str] = field(default_factory=list)
    keys: VerificationKeys = field(default_factory=lambda: VerificationKeys.of_seeds(1, {1: b"1" * 32}))

    seal_key: SealKey = field(default_factory=lambda: make_seal_key(SEASON.school, NOW))

    def __post_init__(self) -> None:
        self.links = ReportLinks(("invented-secret-of-thirty-two-chars",), lambda: self.now, BASE_URL)
        app = Flask("stage", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
        app.testing = True
        clock = lambda: self.now  # noqa: E731 -- shorter than a method, and it must follow the attribute
        self.counter = Counter(self.work, clock, LINKS, lambda: uuid.uuid4().hex)
        app.register_blueprint(
            report_pages.create_blueprint(
                report_pages.ReportDoor(
                    self.work,
                    clock,
                    self.links,
                    Press(Seal(self.seal_key, clock)),
                    lambda verification: self.keys.landing_url(BASE_URL, verification),
                    self._allow,
                )
            )
        )
        app.register_blueprint(
            landing_pages.create_blueprint(
                landing_pages.LandingDoor(
                    self.counter, self.keys, BASE_URL, self._allow, lambda _address: self.may_record
                )
            )
        )
        self.client: FlaskClient = app.test_client()

    def _allow(self, address: str) -> bool:
        self.askers.append(address)
        return self.may_look

    def change(self, step: Callable[["Dossier"], "Dossier"]) -> None:
        """Take a step with the stored dossier."""
        with self.work.writing() as uow:
            old = uow.registry.by_id(self.dossier.id)
            assert old is not None
            uow.registry.save(old, step(old))
            uow.commit()

    def link(self, subject: "Subject") -> str:
        """Return the path of the phone page."""
        verification = self.dossier.verification_of(subject)
        assert verification
        return self.links.url(verification.id).removeprefix(BASE_URL)

    def code(self, subject: "Subject") -> str:
        """Return the path in the QR code, as it was printed at the beginning."""
        verification = self.dossier.verification_of(subject)
        assert verification
        return self.keys.landing_url(BASE_URL, verification).removeprefix(BASE_URL.upper())


@contextmanager
def opened_register(folder: Path, *, is_set_up: bool = True) -> "Iterator[tuple[Engine, SqlWork, Dossier]]":
    """Open a register on a new SQLite file in the folder; not set up, it has tables but no season."""
    engine = open_engine(f"sqlite:///{folder / 'stage.sqlite'}")
    metadata.create_all(engine)
    work = SqlWork(engine, FieldCipher({1: b"k" * 32}, b"i" * 32))
    dossier = registered()
    if is_set_up:
        with work.writing() as uow:
            uow.seasons.save(SEASON)
            uow.registry.add_many([dossier])
            uow.commit()
    yield engine, work, dossier
    engine.dispose()


@contextmanager
def opened_stage(folder: Path, *, is_set_up: bool = True) -> "Iterator[Stage]":
    """Open a stage on a register of its own."""
    with opened_register(folder, is_set_up=is_set_up) as (_, work, dossier):
        yield Stage(work, dossier)
