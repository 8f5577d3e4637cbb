"""A database with today's tables and nothing in them."""

from sqlalchemy import text

from storage.engine import open_engine
from storage.schema import metadata


def empty(url: str) -> None:
    """Empty a migrated database; of SQLite, where nothing truncates, the audit log stays."""
    engine = open_engine(url)
    with engine.connect() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name != "audit":
                connection.execute(table.delete())
            elif engine.dialect.name != "sqlite":
                # The audit log refuses every DELETE; a TRUNCATE asks no trigger.
                connection.execute(text("TRUNCATE TABLE audit"))
    engine.dispose()
