"""The installation (安装实例): everything wired, as the commands and the web application take it from the roof."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from bot.use_cases.receive_message import Desk
from bot.use_cases.staff_changes import Office
from handlers.settings import Settings
from handlers.wechat.client import PlatformClient
from handlers.worker import Worker
from storage.unit_of_work import SqlWork

if TYPE_CHECKING:
    from flask import Flask


@dataclass(frozen=True, slots=True)
class Installation:
    """What runs here (安装实例).

    Attributes:
        settings: checked settings.
        engine: the database.
        work: opens units of work.
        office: staff's work.
        desk: the corridor of messages.
        client: the platform.
        worker: sends notices; not started.
        web: makes the web application.
    """

    settings: Settings
    engine: Engine = field(repr=False)
    work: SqlWork = field(repr=False)
    office: Office = field(repr=False)
    desk: Desk = field(repr=False)
    client: PlatformClient = field(repr=False)
    worker: Worker = field(repr=False)
    web: Callable[[], "Flask"] = field(repr=False)
