"""The watch (监测接线): what is laid over the whole application, and the addresses that tell of it."""

from functools import partial
from typing import Final

from flask import Blueprint, Flask

from bot.ports import Clock
from handlers.settings import Settings
from handlers.watching import pages
from handlers.watching.counting import count_requests
from handlers.watching.exposition import Exposition
from handlers.watching.readiness import CONNECTIONS, PATIENCE, Readiness
from storage.engine import Timeouts
from storage.queue_facts import count_queues
from storage.vital_signs import open_fresh_engine

_NO_HASTE: Final = Timeouts(statement=30.0)
"""What is counted may take long: nobody waits for it."""


def watch(app: Flask, settings: Settings, clock: Clock) -> Blueprint:
    """Watch the application (监测) and return the watchers' addresses; call it before all else is registered.

    They have connections of their own: whoever serves keeps all of his, and an exhausted pool does not hide itself.
    """
    count_requests(app)
    url = settings.database.url.get_secret_value()
    exposition = Exposition(partial(count_queues, open_fresh_engine(url, _NO_HASTE, most=2)), clock)
    readiness = Readiness(settings, open_fresh_engine(url, PATIENCE, CONNECTIONS), clock)
    return pages.create_blueprint(readiness, exposition, settings.server.metrics_from)
