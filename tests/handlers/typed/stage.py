"""A small stage for the typed lookup: real SQLite, the real page, a clock and an address that a test may change."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from bot.registration.dossier import Dossier
from bot.registration.look import Look
from bot.use_cases.look_up_report import Counter
from handlers.typed import pages
from handlers.typed.budgets import Bounds, Budgets
from handlers.typed.challenge import Pause
from storage.limit_counts import SqlLimitStorage
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.conftest import SERVERS, skip_or_fail
from tests.handlers.report.sample import NOW
from tests.handlers.report.stage import opened_register

if TYPE_CHECKING:
    from limits.storage import Storage
    from werkzeug.test import TestResponse

BASE_URL = "https://quxiang.example.edu.cn"
HANDLERS = Path(pages.__file__).parents[1]
NUMBER, NAME = "23127150", "欧阳㛃䶮"
MANY = Bounds(10**9, 10**9, 10**9, 10**9)
"""Budgets that nobody uses up."""


@dataclass
class Stage:
    """The stage: what stands in the database, what time it is, who asks."""

    engine: Engine
    work: SqlWork
    dossier: Dossier
    bounds: Bounds = MANY
    storage: "Storage | None" = None
    now: datetime = NOW
    address: str = "203.0.113.7"
    secret: str = field(default="an invented secret", repr=False)
    seconds: int = 10

    def __post_init__(self) -> None:
        clock = lambda: self.now  # noqa: E731 -- shorter than a method, and it must follow the attribute
        self.counts = self.storage or SqlLimitStorage(self.engine, clock, wrap_exceptions=True)
        self.budgets = Budgets(self.counts, self.bounds, clock, self.secret.encode())
        self.pause = Pause(self.secret, clock, self.seconds)
        self.counter = Counter(self.work, clock, LINKS, lambda: uuid.uuid4().hex)
        door = pages.TypedDoor(self.counter, self.budgets, self.pause, BASE_URL, lambda _: True)
        app = Flask("stage", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
        app.testing = True
        app.register_blueprint(pages.create_blueprint(door))
        self.app = app
        self.client = app.test_client()

    def ask(self, number: str = NUMBER, name: str = NAME, query: str = "", **more: str) -> "TestResponse":
        """Send the form."""
        return self.client.post(
            f"/verify{query}",
            data={"number": number, "name": name, **more},
            environ_overrides={"REMOTE_ADDR": self.address},
        )

    def open(self, query: str = "") -> "TestResponse":
        """Open the form."""
        return self.client.get(f"/verify{query}", environ_overrides={"REMOTE_ADDR": self.address})

    def miss(self, times: int) -> None:
        """Ask in vain, each time for another number."""
        for count in range(times):
            self.ask(f"{90_000_000 + count}", "没有人")

    def change(self, step: Callable[[Dossier], Dossier]) -> None:
        """Take a step with the stored dossier."""
        with self.work.writing() as uow:
            old = uow.registry.by_id(self.dossier.id)
            assert old is not None
            uow.registry.save(old, step(old))
            uow.commit()

    def looks(self) -> list[Look]:
        """Return what was written down."""
        with self.work.reading() as uow:
            return list(uow.looks.of([v.id for v in self.dossier.verifications], 100))


@contextmanager
def opened_stage(
    folder: Path, bounds: Bounds = MANY, storage: "Storage | None" = None, *, is_set_up: bool = True
) -> Iterator[Stage]:
    """Open a stage on a register of its own; not set up, it has tables but no season."""
    with opened_register(folder, is_set_up=is_set_up) as (engine, work, dossier):
        yield Stage(engine, work, dossier, bounds, storage)


def redis_address() -> str:
    """Return where Redis is, if it is there."""
    url = SERVERS["redis"]
    try:
        with Redis.from_url(url, socket_connect_timeout=0.5) as client:
            client.ping()
    except RedisError as error:
        skip_or_fail("redis", type(error).__name__)
    return url
