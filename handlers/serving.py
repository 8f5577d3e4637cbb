"""Serving (网站服务): the web application under gunicorn, with the worker beside it."""

import gc
import logging
import threading
import time
import urllib.request
from collections.abc import Callable
from urllib.error import URLError

from flask import Flask
from gunicorn.app.base import BaseApplication

from handlers.installation import Installation
from handlers.wechat import menu
from handlers.wechat.faults import PlatformError

_LOG = logging.getLogger(__name__)


class WebServer(BaseApplication):
    """Gunicorn, configured from our settings (网站服务器).

    One process with threads: enough for a school. Access logs stay off, because addresses carry tokens and openids.

    Args:
        installation: what to serve.
        ready: called in the serving process once it answers.
    """

    def __init__(self, installation: Installation, ready: Callable[[], None] = lambda: None) -> None:
        self._installation = installation
        self._ready = ready
        super().__init__()

    def load_config(self) -> None:
        """Tell gunicorn our settings."""
        server = self._installation.settings.server
        for name, value in {
            "bind": f"{server.host}:{server.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": server.threads,
            "timeout": 60,
            "graceful_timeout": 5,
            "keepalive": 5,
            "accesslog": None,
            "loglevel": "warning",
            "proc_name": "quxiang",
            "post_worker_init": self._begun,
            "control_socket_disable": True,
        }.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:  # type: ignore[override]  # a Flask is a WSGI callable; the stub wants a plain one
        """Make the web application, in the serving process."""
        return self._installation.web()

    def _begun(self, _worker: object) -> None:
        # What was loaded stays for good; a full collection over it would hold one request up for a tenth of a second.
        gc.collect()
        gc.freeze()
        if self._installation.settings.worker.inside:
            self._installation.worker.start()
        threading.Thread(target=self._announce, name="ready", daemon=True).start()

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
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/mark.svg", timeout=1):
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
