"""The verification site of a school, which a test may break, silence and switch off."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from handlers.keylist.model import WELL_KNOWN, KeyList
from handlers.offline import pages as offline_pages
from handlers.verification import pages as landing_pages
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.stage import HANDLERS, Stage, opened_stage
from tests.journeys.stage import free_port
from tests.vectors.files import LISTS
from tests.vectors.lists import SEEDS


@dataclass
class Site:
    """The site: its stage, and how it is today.

    Attributes:
        stage: register, clock and pages of the reports.
        key_list: what it publishes.
        is_broken: answers 503 to everything.
        is_silent: takes every question and answers none until it is closed.
    """

    stage: Stage
    key_list: str = LISTS["usual"]
    is_broken: bool = False
    is_silent: bool = False
    port: int = field(default_factory=free_port)
    asked: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _server: BaseWSGIServer | None = None

    def __post_init__(self) -> None:
        app = Flask("site", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
        counter = self.stage.counter
        app.register_blueprint(
            landing_pages.create_blueprint(
                landing_pages.LandingDoor(counter, self.stage.keys, self.url, lambda _a: True, lambda _a: True)
            )
        )
        app.register_blueprint(
            offline_pages.create_blueprint(offline_pages.OfflineDoor(self.stage.work, self.url, WELL_KNOWN))
        )
        app.add_url_rule(WELL_KNOWN, "keys", lambda: (self.key_list, {"Content-Type": "application/json"}))
        self._app = app.wsgi_app
        self.open()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Answer again."""
        self._server = make_server("127.0.0.1", self.port, self, threaded=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Be gone: nobody listens."""
        self._over.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer a request as the site does today."""
        self.asked.append(str(environ["PATH_INFO"]))
        if self.is_silent:
            self._over.wait(30)
        if self.is_broken or self.is_silent:
            start("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"under repair"]
        return self._app(environ, start)


@contextmanager
def opened_site(folder: Path) -> Iterator[Site]:
    """Open a site with one graduate, whose codes are signed with the current key of the vectors' usual list."""
    keys = VerificationKeys.of_list(KeyList.parse(LISTS["usual"]), SEEDS)
    with opened_stage(folder) as bare:
        site = Site(Stage(bare.work, bare.dossier, keys=keys))
        try:
            yield site
        finally:
            site.close()
