"""The copier (备份器): what every database can do in its own way."""

from pathlib import Path
from typing import Final, Protocol

from bot.errors import QuxiangError
from bot.notices.scene import Halt

DAMAGED: Final = "备份文件不完整或已损坏：请换一份备份"
NOT_OURS: Final = "这个文件里没有本系统的数据"


class BackupError(QuxiangError):
    """A backup could not be made, read or put back; the text says what to do and quotes no row."""


class Copier(Protocol):
    """Copies one database out and in (备份器)."""

    def dump(self, file: Path, revision: str) -> None:
        """Write everything, as of one moment, into an empty file nobody else can read (导出).

        Args:
            file: where.
            revision: where the tables stand.

        Raises:
            BackupError: it could not be done; what is in the file by then is worth nothing.
        """

    def revision_in(self, file: Path) -> str:
        """Read a backup from end to end and return the revision its tables stand at (校验备份).

        Raises:
            BackupError: it is not one of this database, or damaged.
        """

    def load(self, file: Path, halt: Halt) -> None:
        """Put a backup in the place of all that is there (恢复), with this halt in it before anybody sees it.

        Raises:
            BackupError: it could not be done. SQLite and PostgreSQL are then as they were; MariaDB commits each
                table by itself and has no ``alembic_version`` until all is there, so nothing starts on a half.
        """
