import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app import build
from bot.registration.dossier import Dossier
from handlers.installation import Installation
from handlers.keylist.model import WELL_KNOWN, KeyList
from handlers.keys import read_keys
from handlers.settings import read_settings
from handlers.verification.tokens import VerificationKeys
from tests.handlers.commands.stage import Desk
from tests.handlers.report.sample import registered


@pytest.fixture
def folder(desk: Desk) -> Path:
    return desk.config.parent / "keys"


@pytest.fixture
def installation(desk: Desk) -> Iterator[Installation]:
    opened = build(read_settings(desk.config, {}))
    yield opened
    opened.client.close()
    opened.engine.dispose()


def store(installation: Installation, dossier: Dossier) -> None:
    with installation.work.writing() as uow:
        uow.registry.add_many([dossier])
        uow.commit()


def test_a_first_installation_is_told_where_the_root_belongs_and_whose_list_it_is(new_desk: Desk) -> None:
    output = new_desk.types("keys", "--issuer", "江南示范大学").output
    assert "请移到离线的地方保存" in output
    listed = read_keys(new_desk.config.parent / "keys").listed
    assert (listed.issuer, listed.host) == ("江南示范大学", "127.0.0.1:9")


def test_the_list_names_states_fingerprints_version_and_where_the_root_is(desk: Desk, folder: Path) -> None:
    listed = read_keys(folder).listed
    output = desk.types("keys", "list").output
    for said in ("版本 1", listed.fingerprint, listed.report[0].fingerprint, "现用", "备用", "私钥在密钥目录里"):
        assert said in output, said
    (folder / "root-ed25519.key").unlink()
    assert "私钥不在这里" in desk.types("keys", "list").output


def test_rotating_says_what_changed_and_to_restart(desk: Desk, folder: Path) -> None:
    output = desk.types("keys", "rotate").output
    for said in ("二维码密钥 1：前任", "二维码密钥 2：现用", "二维码密钥 3：备用", "版本 2", "重启"):
        assert said in output, said
    assert "报告文件密钥" not in output
    assert "报告文件密钥" in desk.types("keys", "rotate", "report").output
    assert read_keys(folder).listed.version == 3


def test_a_new_list_speaks_for_the_school_of_the_season(desk: Desk, folder: Path) -> None:
    desk.types("season", "set", "school=江南大学")
    assert "江南大学" in desk.types("keys", "publish").output
    assert read_keys(folder).listed.issuer == "江南大学"


def test_a_moved_site_is_noticed_and_mended(desk: Desk, folder: Path) -> None:
    desk.config.write_text(
        desk.config.read_text("utf-8").replace("http://127.0.0.1:9", "http://127.0.0.2:9/gx"), "utf-8"
    )
    assert "❌ 密钥清单" in desk.types("check").output
    desk.types("keys", "publish")
    assert "✅ 密钥清单" in desk.types("check").output
    assert read_keys(folder).listed.host == "127.0.0.2:9/gx"


def test_retiring_warns_how_many_reports_would_turn_red_and_until_when(
    desk: Desk, folder: Path, installation: Installation
) -> None:
    now = datetime.now(UTC)
    dossier = registered()
    running, other = dossier.verifications
    last_day = now.date() + timedelta(days=40)
    with installation.work.reading() as uow:
        current = uow.seasons.current()
    assert current
    store(
        installation,
        replace(
            dossier,
            season_id=current.id,
            verifications=(replace(running, last_day=last_day), replace(other, last_day=last_day, closed_at=now)),
        ),
    )
    desk.types("keys", "rotate")
    asked = desk.types("keys", "retire", "1")
    assert asked.exit_code == 1
    assert f"最多还有 1 份在有效期内，最晚到 {last_day}" in asked.output
    assert read_keys(folder).listed.version == 2
    assert "已停用" in desk.types("keys", "retire", "1", "--yes").output
    assert read_keys(folder).listed.version == 3


def test_retiring_when_nothing_runs_any_more_says_so(desk: Desk) -> None:
    desk.types("keys", "rotate")
    assert "可以放心停用" in desk.types("keys", "retire", "1", "--yes").output


def test_retiring_works_without_a_database_and_says_what_it_does_not_know(new_desk: Desk) -> None:
    new_desk.types("keys")
    new_desk.types("keys", "rotate")
    output = new_desk.types("keys", "retire", "1", "--yes").output
    assert "查不到还有多少份报告" in output
    assert "已停用" in output


@pytest.mark.parametrize("kid", ["1", "2", "9"])
def test_a_key_that_is_needed_is_not_retired(desk: Desk, kid: str) -> None:
    result = desk.types("keys", "retire", kid, "--yes")
    assert result.exit_code == 1
    assert "Error: " in result.output


def test_without_the_root_the_command_says_where_to_put_it(desk: Desk, folder: Path) -> None:
    (folder / "root-ed25519.key").unlink()
    for words in (("rotate",), ("rotate", "report"), ("publish",), ("rehearse",)):
        result = desk.types("keys", *words)
        assert result.exit_code == 1
        assert "根密钥不在这里" in result.output


def test_the_rehearsal_shows_every_step(desk: Desk, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    result = desk.types("keys", "rehearse")
    assert result.output.count("✓") == 9
    assert "演练通过" in result.output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_restarted_server_follows_the_folder(desk: Desk, folder: Path) -> None:
    verification = registered().verifications[0]
    ring = read_keys(folder)
    printed = VerificationKeys.of_list(ring.listed, ring.qr).issue(verification)
    versions = []
    for words in ((), ("rotate",), ("retire", "1", "--yes")):
        if words:
            assert desk.types("keys", *words).exit_code == 0
        opened = build(read_settings(desk.config, {}))
        text = opened.web().test_client().get(WELL_KNOWN).text
        versions.append(KeyList.parse(text, root=ring.listed.fingerprint).version)
        opened.client.close()
        opened.engine.dispose()
    assert versions == [1, 2, 3]
    now = read_keys(folder)
    assert VerificationKeys.of_list(now.listed, now.qr).read(printed) is None


def test_an_old_folder_stops_a_start_with_the_way_out(desk: Desk, folder: Path) -> None:
    for path in folder.iterdir():
        if path.name not in {"master.key", "qr-ed25519-1.key"}:
            path.unlink()
    old = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "请运行 quxiang keys 补齐" in desk.types("check").output
    assert "已在" in desk.types("keys").output
    assert {name: (folder / name).read_bytes() for name in old} == old
    assert "✅ 配置和密钥" in desk.types("check").output


def test_a_folder_that_cannot_be_written_is_told(desk: Desk, folder: Path) -> None:
    shutil.rmtree(folder)
    os.mkfifo(folder)
    result = desk.types("keys")
    assert result.exit_code == 1
    assert "不能写入" in result.output
