"""Runs the migrations on the connection that storage/migrating.py gives; Alembic loads this file by path."""

from alembic import context

from storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter most of a table; Alembic then copies it.
    render_as_batch=True,
    # migrating.py says BEGIN and COMMIT.
    transactional_ddl=False,
)
context.run_migrations()
