"""SQLite copied (SQLite 备份): VACUUM INTO out of a running database, the backup interface into it."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from bot.notices.scene import Halt
from storage.backups.copier import DAMAGED, NOT_OURS, BackupError
from storage.engine import open_engine
from storage.halts import SqlHalts
from storage.lane import connected
from storage.migrating import migrate
from storage.unit import writing

_MAGIC: Final = b"SQLite format 3\x00"
_PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class SqliteCopier:
    """Copies a SQLite database (SQLite 备份器); fits ``storage.backups.Copier``.

    Attributes:
        place: its URL.
    """

    place: URL

    def dump(self, file: Path, revision: str) -> None:  # noqa: ARG002 -- it is in the tables
        """Write everything into the file; others go on reading and writing meanwhile."""
        with _named_faults("数据库读不出来"), closing(self._opened()) as connection:
            # What was deleted is not in it: free pages are not copied.
            connection.execute("VACUUM INTO ?", (str(file),))

    def revision_in(self, file: Path) -> str:
        """Read a backup from end to end and return its revision."""
        with file.open("rb") as opened:
            head = opened.read(100)
        if not head.startswith(_MAGIC):
            raise BackupError("这不是 SQLite 数据库的备份：请检查文件，以及 database.url 是不是同一种数据库")
        # SQLite itself overlooks that the very end is missing. Format: sqlite.org/fileformat2.html, 1.3
        page, pages = int.from_bytes(head[16:18]), int.from_bytes(head[28:32])
        if file.stat().st_size != (65536 if page == 1 else page) * pages:
            raise BackupError(DAMAGED)
        with _named_faults(DAMAGED), closing(_opened_to_read(file)) as connection:
            if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise BackupError(DAMAGED)
            row = connection.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            if (
                row is None
                or (found := connection.execute("SELECT version_num FROM alembic_version").fetchone()) is None
            ):
                raise BackupError(NOT_OURS)
        return str(found[0])

    def load(self, file: Path, halt: Halt) -> None:
        """Put a backup in the place of what is there, in one transaction: migrated, and with the halt in it."""
        target = Path(str(self.place.database)).absolute()
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=target.parent) as folder:
            copy = Path(folder) / "copy.sqlite3"
            shutil.copyfile(file, copy)
            copy.chmod(0o600)
            url = f"sqlite:///{copy}"
            migrate(url)
            _put(url, halt)
            with (
                _named_faults("数据库写不进去"),
                closing(_opened_to_read(copy)) as source,
                closing(self._opened()) as live,
            ):
                source.backup(live, progress=_until(time.monotonic() + _PATIENCE), sleep=0.05)

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(str(self.place.database), timeout=_PATIENCE, isolation_level=None)


def _put(url: str, halt: Halt) -> None:
    engine = open_engine(url, pool_size=1)
    try:
        with writing(engine) as transaction:
            SqlHalts(transaction).put(halt)
            transaction.commit()
        with connected(engine) as connection:
            # Into the file itself, which is all that is read from here on.
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").close()
    finally:
        engine.dispose()


def _opened_to_read(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)


def _until(end: float) -> Callable[[int, int, int], None]:
    def give_up(status: int, _remaining: int, _total: int) -> None:
        # Called after every try; without it Python would try for ever.
        if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} and time.monotonic() > end:
            raise BackupError("数据库一直被别的程序占用：请先停止 quxiang serve 和 quxiang worker")

    return give_up


@contextmanager
def _named_faults(words: str) -> Iterator[None]:
    """Say in our words what SQLite says, which may quote a row."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", type(error).__name__)
    else:
        return
    hint = "：磁盘已满，请先清理" if code == "SQLITE_FULL" else ""
    raise BackupError(f"{words}（{code}）{hint}")
