import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import build
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.settings import read_settings
from tests.journeys.stage import write_settings


@dataclass
class House:
    """An installation and a visitor at its door."""

    installation: Installation
    visitor: FlaskClient

    def looks(self, path: str = "/readyz", *, at: str = "127.0.0.1", forwarded: str = "") -> tuple[int, str]:
        """Return status and text of an address, as somebody from ``at`` sees them."""
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        answer = self.visitor.get(path, headers=headers, environ_base={"REMOTE_ADDR": at})
        return answer.status_code, answer.get_data(as_text=True)

    def checks(self) -> dict[str, tuple[str, str]]:
        """Return what /readyz says, check by check."""
        answer = self.visitor.get("/readyz")
        return {name: (check["state"], check["said"]) for name, check in answer.get_json()["checks"].items()}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys for all; making them takes time."""
    folder = tmp_path_factory.mktemp("watched") / "keys"
    make_keys(folder)
    return folder


@pytest.fixture
def open_house(tmp_path: Path, keys: Path) -> Iterator[Callable[..., House]]:
    """Opens an installation over a database, with settings as the environment gives them."""
    shutil.copytree(keys, tmp_path / "keys", dirs_exist_ok=True)
    config = write_settings(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")
    opened: list[Installation] = []

    def open_(url: str, **environment: str) -> House:
        settings = read_settings(config, {"QUXIANG_DATABASE__URL": url, **environment})
        opened.append(build(settings, lambda: datetime.now(UTC)))
        return House(opened[-1], opened[-1].web().test_client())

    yield open_
    for each in opened:
        each.client.close()
        each.engine.dispose()


@pytest.fixture
def house(open_house: Callable[..., House], sqlite_url: str) -> House:
    """The usual one: SQLite, migrated, empty."""
    return open_house(sqlite_url)
