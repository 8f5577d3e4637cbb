"""PostgreSQL copied (PostgreSQL 备份): pg_dump out, pg_restore through psql in, in one transaction with the halt."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from sqlalchemy import URL

from bot.moments import to_microseconds
from bot.notices.scene import Halt
from storage.backups.copier import NOT_OURS, BackupError
from storage.backups.programs import feed, found, pieces_of, secret_file, started
from storage.schema import metadata

_MAGIC: Final = b"PGDMP"
_OPTIONS: Final = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


@dataclass(frozen=True, slots=True)
class PostgresCopier:
    """Copies a PostgreSQL database (PostgreSQL 备份器); fits ``storage.backups.Copier``.

    Attributes:
        place: its URL.
    """

    place: URL

    def dump(self, file: Path, revision: str) -> None:  # noqa: ARG002 -- it is in the tables
        """Write everything into the file, as of one snapshot; grants go with it, owners do not."""
        command = [found("pg_dump"), "--no-password", "--format=custom", "--no-owner", f"--file={file}"]
        with self._environment() as environment, started(command, environment) as said:
            said.read()

    def revision_in(self, file: Path) -> str:
        """Read a backup from end to end and return its revision."""
        with file.open("rb") as opened:
            if opened.read(len(_MAGIC)) != _MAGIC:
                raise BackupError("这不是 PostgreSQL 数据库的备份：请检查文件，以及 database.url 是不是同一种数据库")
        restore = found("pg_restore")
        with started([restore, "--file=-", str(file)], os.environ) as script:
            for _ in pieces_of(script):
                pass
        only = [restore, "--data-only", "--table=alembic_version", "--file=-", str(file)]
        with started(only, os.environ) as script:
            lines = script.read().decode("utf-8", "replace").splitlines()
        begins = [number for number, line in enumerate(lines) if line.startswith("COPY ")]
        if not begins or begins[0] + 1 >= len(lines) or lines[begins[0] + 1] == "\\.":
            raise BackupError(NOT_OURS)
        return lines[begins[0] + 1].strip()

    def load(self, file: Path, halt: Halt) -> None:
        """Put a backup in the place of what is there, in one transaction and with the halt in it."""
        into = [found("psql"), "--no-psqlrc", "--quiet", "--no-password", "--single-transaction"]
        into += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate", "--file=-"]
        out = [found("pg_restore"), "--no-owner", "--clean", "--if-exists", "--file=-", str(file)]
        with (
            self._environment() as environment,
            started(into, environment, is_fed=True) as sink,
            started(out, os.environ) as script,
        ):
            feed(sink, chain([_before()], pieces_of(script), [_after(halt)]))

    @contextmanager
    def _environment(self) -> Iterator[Mapping[str, str]]:
        """Tell the programs where the database is; the password lies in a file only this user can read."""
        place = self.place
        query = {name: str(value) for name, value in place.query.items()}
        host, port = place.host or query.get("host", ""), str(place.port or query.get("port", ""))
        told = {"PGHOST": host, "PGPORT": port, "PGDATABASE": place.database or "", "PGUSER": place.username or ""}
        told |= {_OPTIONS[name]: value for name, value in query.items() if name in _OPTIONS}
        told |= {
            "PGCONNECT_TIMEOUT": "10",
            "PGAPPNAME": "quxiang backup",
            "PGOPTIONS": "-c client_min_messages=warning",
        }
        bare = {name: value for name, value in os.environ.items() if name not in {"PGPASSWORD", "PGSERVICE"}}
        if not place.password:
            yield bare | {name: value for name, value in told.items() if value}
            return
        line = ":".join(["*", "*", "*", "*", place.password.replace("\\", "\\\\").replace(":", "\\:")])
        with secret_file(line + "\n") as path:
            yield bare | {name: value for name, value in told.items() if value} | {"PGPASSFILE": str(path)}


def _before() -> bytes:
    """Take away our tables, those of newer code included: a backup clears away only what it has itself."""
    names = ", ".join(["alembic_version", *(f'"{table.name}"' for table in metadata.sorted_tables)])
    return f"SET lock_timeout = '10s';\nDROP TABLE IF EXISTS {names} CASCADE;\n".encode()


def _after(halt: Halt) -> bytes:
    said = halt.said.replace("'", "''")
    # A backup of the time before there were halts gets it right after its migration.
    return (
        "\nRESET search_path;\nDO $halt$ BEGIN IF to_regclass('channel_halt') IS NOT NULL THEN "  # noqa: S608 -- our own words
        "DELETE FROM channel_halt WHERE scope = 'ALL'; INSERT INTO channel_halt (scope, until, code, said, at) "
        f"VALUES ('ALL', NULL, {halt.code}, '{said}', {to_microseconds(halt.at)}); END IF; END $halt$;\n"
    ).encode()
