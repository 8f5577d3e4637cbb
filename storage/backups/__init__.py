"""Backups (备份): the whole database in one file, by each database's own means, and back again."""

from sqlalchemy import URL

from storage.backups.copier import BackupError, Copier
from storage.backups.mariadb import MariaDbCopier
from storage.backups.postgresql import PostgresCopier
from storage.backups.sqlite import SqliteCopier

__all__ = ["BackupError", "Copier", "copier_of"]


def copier_of(place: URL) -> Copier:
    """Return the copier of a database (选备份器), whose URL an engine of ``open_engine`` has."""
    name = place.get_backend_name()
    if name == "sqlite":
        return SqliteCopier(place)
    return PostgresCopier(place) if name == "postgresql" else MariaDbCopier(place)
