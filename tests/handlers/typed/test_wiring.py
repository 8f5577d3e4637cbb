"""The typed lookup in the whole application, as it is built from settings."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

import app
from handlers.demo import DemoFolder, write_config
from handlers.keys import make_keys
from handlers.settings import read_settings
from storage.migrating import migrate
from tests.handlers.typed.stage import redis_address


def built(folder: Path, redis: str = "") -> FlaskClient:
    """Build the application in the folder, as each process does."""
    place = DemoFolder(folder)
    write_config(place, 8000)
    chosen = {"QUXIANG_VERIFY__MISSES_PER_BLOCK": "5", "QUXIANG_REDIS__URL": redis}
    settings = read_settings(place.config, chosen)
    make_keys(settings.keys.folder)
    migrate(settings.database.url.get_secret_value())
    return app.build(settings).web().test_client()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("uses_redis", [False, pytest.param(True, marks=pytest.mark.redis)])
def test_two_processes_built_from_the_same_settings_share_the_budget(tmp_path: Path, uses_redis: bool) -> None:
    redis = redis_address() if uses_redis else ""
    processes = [built(tmp_path, redis), built(tmp_path, redis)]
    pair = {"number": "12345678", "name": "没有人"}
    answers = [processes[n % 2].post("/verify", data=pair | {"number": f"1234567{n}"}).status_code for n in range(7)]
    assert answers == [200] * 5 + [429] * 2


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_with_redis_set_and_away_nobody_looks_up(tmp_path: Path) -> None:
    web = built(tmp_path, "redis://127.0.0.1:1/0")
    assert web.get("/verify").status_code == 200
    assert web.post("/verify", data={"number": "12345678", "name": "没有人"}).status_code == 503
