"""The log (日志): one line a record, for people or for machines, with the request it belongs to and nobody's data.

What an exception says may quote a person, and what a server says about a request may quote its address. So a line has
the class and the places of an exception, never its text, and the server's own lines are cut before they quote.
"""

import itertools
import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from flask import Flask
from gunicorn.config import Config
from gunicorn.glogging import Logger

from handlers.places import places_of
from handlers.settings import Logging

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Write = Callable[[bytes], object]

FLOORS: Final = ("app", "bot", "handlers", "storage")
HEADER: Final = "X-Request-ID"

_HARMLESS = re.compile(r"[A-Za-z0-9_-]{8,64}")
_REQUEST: ContextVar[str] = ContextVar("request_id", default="")
_LEVEL = logging.WARNING
"""From which level others' libraries are heard: below it they log addresses, which hold tokens."""


def set_up(settings: Logging) -> None:
    """Log to the standard error as the settings say (设定日志); may be called again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    # Put in place of the one that was there, so that no line comes twice; a listener of tests stays.
    root = logging.getLogger()
    for old in [each for each in root.handlers if type(each) is logging.StreamHandler]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(capture=True)
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    root.setLevel(max(level, _LEVEL))
    for floor in FLOORS:
        logging.getLogger(floor).setLevel(level)


def name_requests(app: Flask) -> None:
    """Give every request a name (请求编号) that its log lines and its answer bear; call it last of all.

    It stands outermost, so that whatever stands in front of Flask is named as well.
    """
    inside = app.wsgi_app
    # Drawn once, in the serving process; a number for each request is enough beside it. Letters and a short number: no
    # name looks like a student number or a telephone to whoever searches the log for one.
    mine, number = "".join(secrets.choice(ascii_lowercase) for _ in range(8)), itertools.count()

    def named(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = given if _HARMLESS.fullmatch(given) else f"{mine}-{next(number):x}"

        def start(status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None) -> Write:
            return start_response(status, [*headers, (HEADER, name)], exc_info)

        _REQUEST.set(name)
        try:
            return inside(environ, start)
        finally:
            # The thread serves somebody else next.
            _REQUEST.set("")

    app.wsgi_app = named  # type: ignore[method-assign]  # Flask's documented way


class TextLines(logging.Formatter):
    """Lines for people (文本日志)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, process, logger and message, with the request's name if there is one."""
        name = f" [{_REQUEST.get()}]" if _REQUEST.get() else ""
        moment = datetime.fromtimestamp(record.created).astimezone().isoformat(" ", "milliseconds")
        head = f"{moment} {record.levelname} {record.process} {record.name}{name}"
        line = f"{head}: {record.getMessage()}{_error(record)}"
        return line.replace("\n", "\\n")


class JsonLines(logging.Formatter):
    """Lines for machines (JSON 日志)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return an object in one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() + _error(record),
            "request_id": _REQUEST.get(),
            "pid": record.process or os.getpid(),
        }
        return json.dumps(told, ensure_ascii=False)


class ServerLog(Logger):
    """Gunicorn's log (服务器日志), which goes the way of all others and quotes no request."""

    def setup(self, cfg: Config) -> None:
        """Send it to the root's handlers instead of its own."""
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True

    def warning(self, msg: object, *args: object, **more: object) -> None:
        """Log it; what a broken request sent is left out."""
        said = str(msg)
        if said.startswith("Invalid request"):
            self.error_log.warning("an invalid HTTP request was refused")
        elif said.startswith("Exception"):
            self.error_log.warning("%s", said.partition(":")[0])
        else:
            self.error_log.warning(msg, *args, **more)  # type: ignore[arg-type]  # passed on as it came

    def exception(self, msg: object, *_: object, **__: object) -> None:
        """Log what gunicorn was doing, and the places; its arguments are addresses."""
        error = sys.exc_info()[1]
        said = type(msg).__name__ if isinstance(msg, BaseException) else str(msg).partition(" %")[0]
        self.error_log.error("%s: %s", said, places_of(error))


def _error(record: logging.LogRecord) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return f": {places_of(error)}" if error is not None else ""
