"""Everything the sandbox remembers (沙箱状态), kept in one SQLite file so that it outlives a restart.

Each record is a flat dataclass with a ``key``; ``World.keep`` writes it. Several writes inside ``World.change()`` reach
the file together or not at all, also when the process is killed.
"""

import dataclasses
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from handlers.sandbox.bubble import Bubble

TABLE = "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, body TEXT, PRIMARY KEY (kind, key))"
# An update in place keeps the row's number, and with it the order of first appearance.
KEEP = "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"
MAX_BUBBLES = 500  # per phone; older ones fall out of memory and of the file


@dataclasses.dataclass(slots=True)
class Grant:
    """A right to send customer-service messages (客服消息下发条数): so many, until then."""

    until: float
    left: int


@dataclasses.dataclass(slots=True)
class Handset:
    """The stored side of one phone (手机)."""

    name: str
    openid: str
    following: bool = False
    followed_at: float = 0.0
    scene: str = ""
    subscribe_scene: str = "ADD_SCENE_SEARCH"
    remark: str = ""
    tags: list[int] = dataclasses.field(default_factory=list)
    message_grant: Grant = dataclasses.field(default_factory=lambda: Grant(0.0, 0))
    action_grant: Grant = dataclasses.field(default_factory=lambda: Grant(0.0, 0))
    typing_until: float = 0.0
    mass_received: dict[str, int] = dataclasses.field(default_factory=dict)  # "2023-07" → messages
    consents: dict[str, int] = dataclasses.field(default_factory=dict)  # template → subscription messages allowed

    @property
    def key(self) -> str:
        """The name is unique in the sandbox."""
        return self.name


@dataclasses.dataclass(slots=True)
class Said:
    """A bubble in a chat (聊天记录)."""

    phone: str
    bubble: Bubble

    @property
    def key(self) -> str:
        """The bubble's number, padded so that keys sort like numbers."""
        return f"{self.bubble.number:012d}"


@dataclasses.dataclass(slots=True)
class Ticket:
    """A parametric QR code (带参数二维码)."""

    ticket: str
    scene: str
    url: str
    until: float  # 0 = permanent

    @property
    def key(self) -> str:
        """The ticket itself."""
        return self.ticket


@dataclasses.dataclass(slots=True)
class Medium:
    """An uploaded file (素材); its bytes lie in base64."""

    media_id: str
    kind: str
    file_name: str
    content_type: str
    base64: str
    until: float

    @property
    def key(self) -> str:
        """The media_id."""
        return self.media_id


@dataclasses.dataclass(slots=True)
class MassJob:
    """A mass message (群发任务)."""

    msg_id: str
    client_id: str
    at: float
    kind: str
    status: str
    openids: list[str]

    @property
    def key(self) -> str:
        """The msg_id."""
        return self.msg_id


@dataclasses.dataclass(slots=True)
class Person:
    """A person as CHSI knows them (学信网用户)."""

    id_number: str
    name: str
    bound: bool
    verified_at: str = ""  # ISO 8601, "" = not yet

    @property
    def key(self) -> str:
        """The ID number."""
        return self.id_number


@dataclasses.dataclass(slots=True)
class Session:
    """One real-person check begun (实人验证会话)."""

    code: str
    id_number: str
    name: str
    reference: str

    @property
    def key(self) -> str:
        """The unguessable code in the address."""
        return self.code


@dataclasses.dataclass(slots=True)
class Fact:
    """A single value of the platform (menu, tags, tokens, counters) under its name."""

    name: str
    value: Any

    @property
    def key(self) -> str:
        """The name."""
        return self.name


Record = Handset | Said | Ticket | Medium | MassJob | Person | Session | Fact
R = TypeVar("R", Handset, Ticket, Medium, MassJob, Person, Session)
Json: TypeAlias = Any  # whatever JSON holds; each fact has its own shape, known where it is used
KINDS = (Handset, Ticket, Medium, MassJob, Person, Session)


def _revive(kind: type[Any], data: dict[str, Any]) -> Record:
    if kind is Said:
        bubble = dict(data["bubble"])
        bubble["rows"] = tuple((label, value) for label, value in bubble["rows"])
        return Said(data["phone"], Bubble(**bubble))
    if kind is Handset:
        data |= {name: Grant(**data[name]) for name in ("message_grant", "action_grant")}
    record: Record = kind(**data)
    return record


class World:
    """The memory (状态库): records by kind and key, in a file or only in this process. Safe for threads."""

    def __init__(self, state_file: Path | None) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._records: dict[type[Any], dict[str, Any]] = {kind: {} for kind in KINDS}
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
            self._remember(_revive(kinds[name], json.loads(body)))

    def _remember(self, record: Record) -> None:
        if isinstance(record, Said):
            self._chats.setdefault(record.phone, []).append(record.bubble)
        elif isinstance(record, Fact):
            self._facts[record.name] = record.value
        else:
            self._records[type(record)][record.key] = record

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

    def say(self, phone: str, bubble: Bubble) -> Bubble:
        """Add a bubble to a chat and give it its number."""
        with self.change():
            numbered = dataclasses.replace(bubble, number=self.next_number("bubbles"))
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
