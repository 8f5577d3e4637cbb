"""The whole application, as it is built from settings, with one graduate and the report printed for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

import app
from bot.registration.report import report_of
from handlers.demo import DemoFolder, write_config
from handlers.keys import make_keys, read_keys
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.settings import Settings, read_settings
from handlers.verification.tokens import VerificationKeys
from storage.migrating import migrate
from tests.handlers.report.sample import NOW, SEASON, registered


@dataclass(frozen=True)
class Built:
    """The application (整套应用): its settings, its web side, and a report sealed with its own keys."""

    settings: Settings
    web: Flask
    pdf: bytes


@contextmanager
def built(folder: Path, **chosen: str) -> Iterator[Built]:
    """Build the application in the folder, on 30 June 2023."""
    place = DemoFolder(folder)
    write_config(place, 8000)
    settings = read_settings(place.config, chosen)
    make_keys(settings.keys.folder)
    migrate(settings.database.url.get_secret_value())
    made = app.build(settings, lambda: NOW)
    dossier = registered()
    with made.work.writing() as uow:
        uow.seasons.save(SEASON)
        uow.registry.add_many([dossier])
        uow.commit()
    yield Built(settings, made.web(), printed(settings))
    made.client.close()
    made.engine.dispose()


def printed(settings: Settings) -> bytes:
    """Return the graduate's report, sealed with the keys as they are in the folder now."""
    ring, dossier = read_keys(settings.keys.folder), registered()
    verification = dossier.verifications[0]
    url = VerificationKeys.of_list(ring.listed, ring.qr).landing_url(settings.server.public_url, verification)
    sheet = Sheet(report_of(SEASON, dossier, verification, NOW), url, "127.0.0.1:8000")
    return Press(Seal(ring.seal, lambda: NOW)).pdf(sheet)
