"""WeRoBot's echo with its session in SQLite.

One shim: as published, all threads share one connection, and under two or more it fails in the middle of a message
(``cannot start a transaction within a transaction``), WeRoBot swallows that, and the person hears nothing. Here each
thread has a storage, and with it a connection, of its own.
"""

import os
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from werobot.session import SessionStorage
from werobot.session.sqlitestorage import SQLiteStorage

from tests.bench.contenders.werobot_echo import site_with


class _OneForEachThread(SessionStorage):  # type: ignore[misc]  # WeRoBot carries no types
    def __init__(self, path: str) -> None:
        self._path = path
        self._own = threading.local()

    @property
    def _storage(self) -> Any:  # noqa: ANN401 -- the same
        if not hasattr(self._own, "storage"):
            self._own.storage = SQLiteStorage(self._path)
        return self._own.storage

    def get(self, id: bytes) -> dict[str, Any]:  # noqa: A002 -- WeRoBot's name
        """Read a session."""
        found: dict[str, Any] = self._storage.get(id)
        return found

    def set(self, id: bytes, value: dict[str, Any]) -> None:  # noqa: A002 -- the same
        """Write a session."""
        self._storage.set(id, value)

    def delete(self, id: bytes) -> None:  # noqa: A002 -- the same
        """Forget a session."""
        self._storage.delete(id)


def app() -> Flask:
    """Make the application; BENCH_FOLDER is where the file lies."""
    return site_with(_OneForEachThread(str(Path(os.environ["BENCH_FOLDER"]) / "werobot.sqlite3")))
