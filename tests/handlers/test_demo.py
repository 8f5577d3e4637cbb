"""The demo's folder: made once, moved to another port without losing anything, and never on a port that is taken."""

import socket
from datetime import date
from pathlib import Path

import pytest

from bot.errors import QuxiangError
from bot.registration.season import SHANGHAI, Window, end_of_day
from handlers.demo import DemoFolder, demand_free, demo_season, move_to, write_config
from handlers.settings import read_settings


def test_another_port_changes_the_addresses_and_keeps_the_secrets(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "data")
    write_config(folder, 8000)
    before = read_settings(folder.config, {})
    move_to(folder, 8123)
    after = read_settings(folder.config, {})
    assert after.server.port == 8123
    assert after.server.public_url == "http://127.0.0.1:8123"
    assert after.chsi.url == "http://127.0.0.1:8123/sandbox/chsi"
    assert after.wechat.api_base == "http://127.0.0.1:8123/sandbox/platform"
    assert after.wechat.app_secret == before.wechat.app_secret
    assert after.database == before.database
    assert "8000" not in folder.config.read_text("utf-8").replace(str(tmp_path), "")


def test_only_the_owner_may_read_the_secrets_of_the_demo(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "data")
    write_config(folder, 8000)
    assert folder.config.stat().st_mode & 0o077 == 0


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(QuxiangError, match=f"make run PORT={port + 1}"):
            demand_free(port)
    demand_free(port)


def test_the_demo_season_is_open_today_and_placed_before_its_cut_off() -> None:
    today = date(2026, 11, 23)
    season = demo_season(today)
    assert season.window(end_of_day(today)) is Window.OPEN
    assert end_of_day(today).tzinfo is SHANGHAI
    assert season.opens < today < season.cutoff <= season.changes_until
