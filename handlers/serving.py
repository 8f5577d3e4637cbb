"""Serving (网站服务): the web application under gunicorn, in one process with the worker beside it, or in several."""

import gc
import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Final
from urllib.error import URLError

from flask import Flask
from gunicorn.app.base import BaseApplication

from bot.errors import QuxiangError
from handlers.installation import Installation
from handlers.watching.logs import ServerLog
from handlers.watching.shared_counts import SHARED
from handlers.wechat import menu
from handlers.wechat.faults import PlatformError
from storage.faults import StoreError
from storage.migrating import current_revision, known_revisions

_LOG = logging.getLogger(__name__)
_TO_FINISH: Final = 3.0
"""Seconds the worker inside may take to finish a message; what it then still holds is taken over by another."""


class TablesError(QuxiangError):
    """The database stands at a revision this code cannot work with; the text says what to do."""


def demand_tables(installation: Installation) -> None:
    """Demand that the database is not behind the code (核对数据库版本).

    One that is ahead is served: whoever deploys migrates first, and what a migration adds does not disturb. One that
    does not answer is served as well: it may come back any moment, and ``/readyz`` tells.

    Raises:
        TablesError: it is behind, or was never migrated.
    """
    known = known_revisions()
    try:
        here = current_revision(installation.engine)
    except StoreError as error:
        _LOG.warning("the database does not answer yet: %s", error)
        return
    finally:
        # Nothing that is open may be shared with the processes to come.
        installation.engine.dispose()
    if here is None or here in known[:-1]:
        raise TablesError(f"数据库在版本 {here or '空'}，程序需要 {known[-1]}：请先运行 quxiang migrate")
    if here not in known:
        _LOG.warning("the database is at revision %s, newer than this code", here)


class WebServer(BaseApplication):
    """Gunicorn, configured from our settings (网站服务器).

    Access logs stay off, because addresses carry tokens and openids. SIGHUP reads the settings again and replaces the
    processes one generation by the next; the socket stays open meanwhile, so nobody is refused.

    Args:
        installation: what to serve.
        ready: called in the serving process once it answers.
        again: opens the installation anew when SIGHUP asks for it; None to serve on with the same one.
    """

    def __init__(
        self,
        installation: Installation,
        ready: Callable[[], None] = lambda: None,
        again: Callable[[], Installation] | None = None,
    ) -> None:
        self._installation = installation
        self._ready = ready
        self._again = again
        self._worker: threading.Thread | None = None
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn our settings."""
        server = self._installation.settings.server
        if server.processes > 1:
            SHARED.begin()
        # A process alone is not replaced: nobody would answer meanwhile.
        most = server.max_requests if server.processes > 1 else 0
        for name, value in {
            "bind": f"{server.host}:{server.port}",
            "workers": server.processes,
            "worker_class": "gthread",
            "threads": server.threads,
            "timeout": 60,
            "graceful_timeout": server.graceful_seconds,
            "max_requests": most,
            "max_requests_jitter": most // 10,
            "keepalive": 5,
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": ServerLog,
            "proc_name": "quxiang",
            "control_socket_disable": True,
            **self._hooks(),
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # a Flask is a WSGI callable; the stub wants a plain one
        """Make the web application, in the serving process."""
        return self._installation.web()

    def reload(self) -> None:
        """Read the settings again (重新读配置); with mistakes in them everything stays as it is."""
        if self._again is not None:
            try:
                self._installation = self._again()
            except QuxiangError as error:
                _LOG.error("the settings were not reloaded, the old ones stay: %s", error)
                return
        super().reload()

    def _hooks(self) -> dict[str, Any]:
        return {
            "pre_fork": lambda _, child: SHARED.take_slot(child.age),
            "post_fork": lambda _, child: SHARED.settle(child.age),
            "child_exit": lambda _, child: SHARED.leave(child.age),
            "on_exit": lambda _: SHARED.end(),
            "post_worker_init": self._begun,
            "worker_exit": self._ended,
        }

    def _begun(self, _child: object) -> None:
        # What was loaded stays for good; a full collection over it would hold one request up for a tenth of a second.
        gc.collect()
        gc.freeze()
        if self._installation.settings.worker.inside:
            self._worker = self._installation.worker.start()
        threading.Thread(target=self._announce, name="ready", daemon=True).start()

    def _ended(self, _server: object, _child: object) -> None:
        if self._worker is not None:
            self._installation.worker.stop()
            self._worker.join(_TO_FINISH)

    def _announce(self) -> None:
        if wait_for(self._installation.settings.server.port):
            if self._installation.settings.demo:
                publish_menu(self._installation)
            self._ready()


def wait_for(port: int, seconds: float = 30.0) -> bool:
    """Wait until something answers on the port; False if nothing does in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return True
        except (URLError, OSError):
            time.sleep(0.05)
    return False


def publish_menu(installation: Installation) -> None:
    """Publish the bottom menu; a fault is logged, the chat works without a menu."""
    try:
        menu.publish(installation.client)
    except PlatformError as error:
        _LOG.warning("the menu was not published: %s", error)
