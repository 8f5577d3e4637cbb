"""What tests of the platform's client share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine

from storage.access_token import AccessTokens, SqlTokens, access_token_table


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[AccessTokens]:
    """Tokens in a database of this test's own."""
    metadata = MetaData()
    table = access_token_table(metadata)
    engine = create_engine(f"sqlite:///{tmp_path / 'tokens.db'}")
    metadata.create_all(engine)
    yield AccessTokens(SqlTokens(engine, table), lambda: datetime.now(UTC))
    engine.dispose()
