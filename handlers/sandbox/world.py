"""Everything the sandbox remembers (沙箱状态), kept in one SQLite file so that it outlives a restart.

``World.keep`` writes a record. Several writes inside ``World.change()`` reach the file together or not at all, also
when the process is killed.
"""

import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handlers.sandbox.bubble import Bubble
from handlers.sandbox.records import KINDS, Fact, Handset, Json, R, Record, Said, revive

TABLE = "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key))"
# An update in place keeps the row's number, and with it the order of first appearance.
KEEP = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"
MAX_BUBBLES = 500  # per phone; older ones fall out of memory and of the file


class World:
    """The memory (状态库): records by kind and key, in a file or only in this process. Safe for threads."""

    def __init__(self, state_file: Path | None) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._records: dict[type[Any], dict[str, Any]] = {kind: {} for kind in KINDS}
        self._openids: dict[str, Handset] = {}
        self._facts: dict[str, Any] = {}
        self._chats: dict[str, list[Bubble]] = {}
        self._file: sqlite3.Connection | None = None
        if state_file is not None:
            self._open(state_file)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # A killed process loses nothing this way; only a power cut may, and the sandbox holds invented data.
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(TABLE)
        kinds = {kind.__name__: kind for kind in (*KINDS, Said, Fact)}
        for name, body in self._file.execute("SELECT kind, body FROM record ORDER BY rowid").fetchall():
            self._remember(revive(kinds[name], json.loads(body)))

    def _remember(self, record: Record) -> None:
        if isinstance(record, Said):
            self._chats.setdefault(record.phone, []).append(record.bubble)
        elif isinstance(record, Fact):
            self._facts[record.name] = record.value
        else:
            self._records[type(record)][record.key] = record
            if isinstance(record, Handset):
                self._openids[record.openid] = record

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock; what is kept inside reaches the file together."""
        with self.lock:
            if self._depth == 0 and self._file:
                self._file.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            finally:
                # Memory has no undo, so the file follows memory in every case: both always agree.
                self._depth -= 1
                if self._depth == 0 and self._file:
                    self._file.execute("COMMIT")

    def keep(self, record: Record) -> None:
        """Remember a record, new or changed."""
        with self.change():
            if not isinstance(record, Said):
                self._remember(record)
            if self._file:
                body = json.dumps(dataclasses.asdict(record), ensure_ascii=False)
                row = (type(record).__name__, record.key, body)
                self._file.execute(KEEP, row)

    def drop(self, record: Record) -> None:
        """Forget a record."""
        with self.change():
            if not isinstance(record, Said | Fact):
                self._records[type(record)].pop(record.key, None)
            if self._file:
                key = (type(record).__name__, record.key)
                self._file.execute("DELETE FROM record WHERE kind = ? AND key = ?", key)

    def find(self, kind: type[R], key: str) -> R | None:
        """The record of this kind and key, if there is one."""
        with self.lock:
            found: R | None = self._records[kind].get(key)
            return found

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """Every record of this kind, oldest first."""
        with self.lock:
            return tuple(self._records[kind].values())

    def oldest(self, kind: type[R]) -> R | None:
        """The record of this kind that was kept first, if there is one."""
        with self.lock:
            found: R | None = next(iter(self._records[kind].values()), None)
            return found

    def by_openid(self, openid: str) -> Handset | None:
        """The phone that has this openid."""
        with self.lock:
            return self._openids.get(openid)

    def fact(self, name: str, default: Json) -> Json:
        """The value of a fact, or the default."""
        with self.lock:
            return self._facts.get(name, default)

    def set_fact(self, name: str, value: Json) -> None:
        """Remember a fact; the value must be fit for JSON."""
        self.keep(Fact(name, value))

    def next_number(self, name: str) -> int:
        """The next number of a counter, from 1 on, never twice."""
        with self.change():
            number = int(self.fact(name, 0)) + 1
            self.set_fact(name, number)
            return number

    def say(self, phone: str, bubble: Bubble, at: float) -> Bubble:
        """Add a bubble to a chat and give it its number and its moment."""
        with self.change():
            numbered = dataclasses.replace(bubble, at=at, number=self.next_number("bubbles"))
            chat = self._chats.setdefault(phone, [])
            chat.append(numbered)
            self.keep(Said(phone, numbered))
            for old in chat[:-MAX_BUBBLES]:
                self.drop(Said(phone, old))
            del chat[:-MAX_BUBBLES]
            return numbered

    def chat(self, phone: str) -> tuple[Bubble, ...]:
        """The whole chat of a phone, oldest first."""
        with self.lock:
            return tuple(self._chats.get(phone, ()))

    def close(self) -> None:
        """Close the file; the memory stays readable."""
        with self.lock:
            if self._file:
                self._file.close()
                self._file = None
