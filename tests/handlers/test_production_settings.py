from pathlib import Path

import pytest

from handlers.settings import SettingsError, read_settings
from tests.handlers.test_settings import GOOD


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD, "utf-8")
    return path


def test_several_processes_need_a_worker_of_their_own(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"请把 worker\.inside 设为 false，另开 quxiang worker"):
        read_settings(config, {"QUXIANG_SERVER__PROCESSES": "2"})
    settings = read_settings(config, {"QUXIANG_SERVER__PROCESSES": "2", "QUXIANG_WORKER__INSIDE": "false"})
    assert settings.server.processes == 2


def test_the_demo_has_one_process(config: Path) -> None:
    many = {"QUXIANG_DEMO": "true", "QUXIANG_SERVER__PROCESSES": "2", "QUXIANG_WORKER__INSIDE": "false"}
    with pytest.raises(SettingsError, match="沙箱只在一个进程里"):
        read_settings(config, many)


def test_networks_are_checked(config: Path) -> None:
    read = read_settings(config, {"QUXIANG_SERVER__METRICS_FROM": "10.0.0.0/8, fd00::/8"})
    assert [str(network) for network in read.server.metrics_from] == ["10.0.0.0/8", "fd00::/8"]
    with pytest.raises(SettingsError, match="metrics_from"):
        read_settings(config, {"QUXIANG_SERVER__METRICS_FROM": "somewhere"})
