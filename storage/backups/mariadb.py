"""MariaDB copied (MariaDB 备份): mariadb-dump out, mariadb in.

The file is compressed SQL that begins with a line of ours and ends with another. The table with the revision stands
last in it, so that half a restored database counts as an empty one.
"""

import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sqlalchemy import URL

from bot.moments import to_microseconds
from bot.notices.scene import Halt
from storage.backups.copier import DAMAGED, BackupError
from storage.backups.programs import feed, found, pieces_of, secret_file, started
from storage.schema import metadata

_GZIP: Final = b"\x1f\x8b"
_HEAD: Final = re.compile(rb"-- quxiang backup of MariaDB, revision ([0-9A-Za-z_]{1,32})\n")
_END: Final = b"-- quxiang backup: this is the end\n"
# Whoever restores need not be allowed to make triggers for somebody else.
_DEFINER: Final = re.compile(rb"/\*!50017 DEFINER=`[^`]*`@`[^`]*`\*/ ?")


@dataclass(frozen=True, slots=True)
class MariaDbCopier:
    """Copies a MariaDB or MySQL database (MariaDB 备份器); fits ``storage.backups.Copier``.

    Attributes:
        place: its URL.
    """

    place: URL

    def dump(self, file: Path, revision: str) -> None:
        """Write everything into the file, as of one snapshot."""
        name = str(self.place.database)
        with self._secrets() as secrets:
            command = [found("mariadb-dump", "mysqldump"), f"--defaults-extra-file={secrets}", "--single-transaction"]
            command += ["--quick", "--skip-lock-tables", "--no-tablespaces", "--hex-blob", "--triggers"]
            command += ["--default-character-set=utf8mb4", f"--ignore-table={name}.alembic_version", name]
            with started(command, os.environ) as dumped, gzip.open(file, "wb", compresslevel=3) as sink:
                sink.write(f"-- quxiang backup of MariaDB, revision {revision}\n".encode())
                for line in dumped:
                    sink.write(_DEFINER.sub(b"", line) if line.startswith(b"/*!50003 CREATE*/") else line)
                sink.write(_revision_table(revision))
                sink.write(_END)

    def revision_in(self, file: Path) -> str:
        """Read a backup from end to end and return its revision."""
        with file.open("rb") as opened:
            is_ours = opened.read(len(_GZIP)) == _GZIP
        head = b""
        if is_ours:
            with _named_faults(), gzip.open(file, "rb") as unpacked:
                head, last = unpacked.readline(200), b""
                for piece in pieces_of(unpacked):  # type: ignore[arg-type]  # reads like any other stream
                    last = (last + piece)[-len(_END) :]
        if (found_head := _HEAD.fullmatch(head)) is None:
            raise BackupError("这不是本系统 MariaDB 数据库的备份：请检查文件，以及 database.url 是不是同一种数据库")
        if last != _END:
            raise BackupError(DAMAGED)
        return found_head[1].decode()

    def load(self, file: Path, halt: Halt) -> None:
        """Put a backup in the place of what is there, the revision last."""
        with self._secrets() as secrets:
            command = [found("mariadb", "mysql"), f"--defaults-extra-file={secrets}", "--batch"]
            command += ["--default-character-set=utf8mb4", str(self.place.database)]
            with (
                _named_faults(),
                started(command, os.environ, is_fed=True) as sink,
                gzip.open(file, "rb") as unpacked,
            ):
                feed(sink, _script(unpacked, halt))  # type: ignore[arg-type]  # reads like any other stream

    @contextmanager
    def _secrets(self) -> Iterator[Path]:
        """Tell the programs where the database is, in a file only this user can read."""
        place = self.place
        query = {name: str(value) for name, value in place.query.items()}
        told = {"user": place.username or "", "password": place.password or "", "ssl-ca": query.get("ssl_ca", "")}
        if socket := query.get("unix_socket"):
            told["socket"] = socket
        else:
            told |= {"host": place.host or "127.0.0.1", "port": str(place.port or 3306), "protocol": "tcp"}
        lines = [f"{name}={_quoted(value)}" for name, value in told.items() if value]
        with secret_file("\n".join(["[client]", *lines]) + "\n") as path:
            yield path


def _script(unpacked: IO[bytes], halt: Halt) -> Iterable[bytes]:
    names = ", ".join(["alembic_version", *(f"`{table.name}`" for table in metadata.sorted_tables)])
    yield f"SET FOREIGN_KEY_CHECKS = 0;\nDROP TABLE IF EXISTS {names};\n".encode()
    held = b""
    for piece in pieces_of(unpacked):
        # The halt comes before the revision; both are at the very end.
        held += piece
        yield held[:-4096]
        held = held[-4096:]
    body, mark, rest = held.rpartition(_BEFORE_REVISION)
    yield body + (_halting(halt) if mark else b"") + mark + rest


_BEFORE_REVISION: Final = b"-- quxiang: the revision\n"


def _revision_table(revision: str) -> bytes:
    columns = "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    create = f"CREATE TABLE alembic_version ({columns});\nINSERT INTO alembic_version VALUES ('{revision}');\n"
    return _BEFORE_REVISION + create.encode()


def _halting(halt: Halt) -> bytes:
    said = halt.said.replace("\\", "\\\\").replace("'", "''")
    values = f"('ALL', NULL, {halt.code}, '{said}', {to_microseconds(halt.at)})"
    put = f"REPLACE INTO channel_halt (scope, until, code, said, at) VALUES {values}".replace("'", "''")  # noqa: S608 -- our own words
    is_there = "table_schema = DATABASE() AND table_name = 'channel_halt'"
    counted = f"SELECT COUNT(*) FROM information_schema.tables WHERE {is_there}"  # noqa: S608 -- our own words
    # A backup of the time before there were halts gets it right after its migration.
    return f"SET @put = IF(({counted}) > 0, '{put}', 'DO 0');\nPREPARE put FROM @put;\nEXECUTE put;\n".encode()


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def _named_faults() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        pass
    else:
        return
    raise BackupError(DAMAGED)
