from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from storage.migrating import current_revision, head_revision, migrate
from storage.tables import metadata


def test_empty_to_head_equals_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    assert current_revision(engine) == head_revision() is not None


def test_everything_can_be_taken_back_and_done_again(engine: Engine, database_url: str) -> None:
    migrate(database_url, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    assert current_revision(engine) is None
    migrate(database_url)
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())
