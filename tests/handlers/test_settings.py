from pathlib import Path

import pytest

from handlers.settings import Settings, SettingsError, read_settings

GOOD = """
[server]
public_url = "https://bys.example.edu.cn"

[database]
url = "sqlite:///quxiang.sqlite3"

[keys]
folder = "keys"

[wechat]
app_id = "wx0123456789abcdef"
app_secret = "very-secret-app-secret"
tokens = ["secrettoken1"]
aes_keys = ["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"]
"""
SECRETS = ["very-secret-app-secret", "secrettoken1", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "hunter2"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD, "utf-8")
    return path


def refusal(path: Path, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        read_settings(path, environment or {})
    return str(caught.value)


def test_a_good_file_is_read_and_what_is_not_said_has_a_default(config: Path) -> None:
    settings = read_settings(config, {})
    assert settings.server.port == 8000
    assert settings.wechat.mode == "safe"
    assert settings.chsi.source == "roster"
    assert not settings.demo


def test_a_file_saved_by_windows_with_a_byte_order_mark_is_read(config: Path) -> None:
    config.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_settings(config, {}).keys.folder == Path("keys")


def test_the_environment_beats_the_file(config: Path) -> None:
    environment = {
        "QUXIANG_SERVER__PORT": "9000",
        "QUXIANG_WECHAT__TOKENS": "secrettoken1, newtoken22",
        "QUXIANG_DATABASE__URL": "postgresql://me:hunter2@db/quxiang",
        "QUXIANG_CONFIG": "elsewhere",
        "QUXIANG_REQUIRE": "browser",
        "PATH": "/bin",
    }
    settings = read_settings(config, environment)
    assert settings.server.port == 9000
    assert [token.get_secret_value() for token in settings.wechat.tokens] == ["secrettoken1", "newtoken22"]
    assert settings.database.url.get_secret_value().startswith("postgresql://")


def test_all_mistakes_are_told_at_once_each_with_its_place(config: Path) -> None:
    config.write_text(
        GOOD.replace('app_id = "wx0123456789abcdef"\n', "").replace('"https://bys', '"ftp://bys') + "\ncolour = 3\n"
    )
    told = refusal(config, {"QUXIANG_SERVER__PORT": "99999", "QUXIANG_NONSENSE": "1"})
    for place in ("server.public_url", "server.port", "wechat.app_id：必须填写", "wechat.colour", "nonsense"):
        assert place in told
    assert "5 处" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('aes_keys = ["abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"]', "", "aes_keys"),
        ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "too-short", "43 位"),
        ("secrettoken1", "no spaces please", "tokens"),
        ('.cn"', '.cn/"', "末尾不带斜杠"),
        ("[wechat]", '[chsi]\nsource = "http"\n[wechat]', "url 和 secret"),
        ("[server]", 'demo = true\n[server]\nhost = "0.0.0.0"', "本机地址"),
        ("[server]", "[server]\nthreads = 1", "server.threads"),
    ],
)
def test_a_mistake_is_refused_and_no_secret_is_repeated(config: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    config.write_text(GOOD.replace(old, new), "utf-8")
    said = refusal(config)
    assert told in said
    assert not any(secret in said for secret in SECRETS)


def test_an_environment_variable_that_leads_into_a_value_is_a_mistake_and_no_traceback(config: Path) -> None:
    assert "database.url__deep" in refusal(config, {"QUXIANG_DATABASE__URL__DEEP": "1"})


def test_a_missing_and_a_broken_file_say_what_to_do(tmp_path: Path) -> None:
    assert "config.example.toml" in refusal(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text('app_secret = "very-secret-app-secret', "utf-8")
    told = refusal(broken)
    assert "TOML" in told
    assert "very-secret" not in told
    broken.write_bytes(b"\xff\xfe\x00")
    assert "TOML" in refusal(broken)


def test_secrets_are_masked_when_settings_are_printed(config: Path) -> None:
    settings = read_settings(config, {"QUXIANG_REDIS__URL": "redis://:hunter2@cache/0"})
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert not any(secret in shown for secret in SECRETS)


def test_settings_cannot_be_changed(config: Path) -> None:
    settings = read_settings(config, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.demo = True
    assert isinstance(hash(settings), int)
    assert settings == Settings.model_validate(settings.model_dump())
