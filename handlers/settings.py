"""The settings (配置): config.toml and environment, one frozen and checked object; all mistakes are told at once.

An environment variable beats the file: ``QUXIANG_DATABASE__URL`` is ``url`` in ``[database]``.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from bot.errors import QuxiangError

PREFIX = "QUXIANG_"
_LISTS = frozenset({"tokens", "aes_keys", "metrics_from"})
"""Settings with several values; in the environment they are parted by commas."""


class SettingsError(QuxiangError):
    """The settings cannot be used; the text lists every mistake with its place and how to mend it."""


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")) or value.endswith("/"):
        raise ValueError("应以 https:// 或 http:// 开头，末尾不带斜杠")
    return value


def _web_address_or_empty(value: str) -> str:
    return _web_address(value) if value else value


WebAddress = Annotated[str, AfterValidator(_web_address)]
OptionalWebAddress = Annotated[str, AfterValidator(_web_address_or_empty)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Server(_Part):
    """Where the web server listens, how the world reaches it, and by how many processes it is served (服务器)."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    public_url: WebAddress = "http://127.0.0.1:8000"
    threads: Annotated[int, Field(ge=2, le=128)] = 16
    answer_seconds: Annotated[float, Field(ge=1, le=4.8)] = 4.5
    proxies: Annotated[int, Field(ge=0, le=5)] = 0
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    max_requests: Annotated[int, Field(ge=0, le=100_000_000)] = 100_000
    graceful_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    metrics_from: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.1/32"), IPv6Network("::1/128"))


class Database(_Part):
    """The database (数据库) and how long it is waited for, in seconds."""

    url: SecretStr
    pool_size: Annotated[int, Field(ge=1, le=200)] = 16
    connect_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0
    statement_seconds: Annotated[float, Field(gt=0, le=30)] = 4.0
    lock_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0


class Redis(_Part):
    """Redis (可选), for the access token and limits only; empty: the database and memory do it."""

    url: SecretStr = SecretStr("")


class Keys(_Part):
    """Where the secret keys lie (密钥目录): a folder only this program's user may read."""

    folder: Path


class WeChat(_Part):
    """The official account (微信公众号), as its console shows it under 设置与开发 → 基本配置."""

    app_id: str = Field(min_length=4)
    app_secret: SecretStr = Field(min_length=8)
    tokens: tuple[SecretStr, ...] = Field(min_length=1, max_length=2)
    aes_keys: Annotated[tuple[SecretStr, ...], Field(max_length=2)] = ()
    mode: Literal["plain", "compatible", "safe"] = "safe"
    api_base: WebAddress = "https://api.weixin.qq.com"
    notice_template: str = ""
    subscription_template: str = ""

    @model_validator(mode="after")
    def _safe_needs_keys(self) -> "WeChat":
        if self.mode != "plain" and not self.aes_keys:
            raise ValueError("mode 为 safe 或 compatible 时必须填写 aes_keys（43 位 EncodingAESKey）")
        if not all(re.fullmatch(r"[A-Za-z0-9]{43}", key.get_secret_value()) for key in self.aes_keys):
            raise ValueError("aes_keys 中每个 EncodingAESKey 都应是 43 位字母或数字")
        if not all(re.fullmatch(r"[A-Za-z0-9]{3,32}", token.get_secret_value()) for token in self.tokens):
            raise ValueError("tokens 中每个 Token 都应是 3 到 32 位字母或数字")
        return self


class Chsi(_Part):
    """The student-information network (学信网): an HTTP interface, or the columns of the roster."""

    source: Literal["roster", "http"] = "roster"
    url: OptionalWebAddress = ""
    secret: SecretStr = SecretStr("")
    timeout_seconds: Annotated[float, Field(gt=0, le=4)] = 1.5

    @model_validator(mode="after")
    def _http_needs_address(self) -> "Chsi":
        if self.source == "http" and not (self.url and self.secret.get_secret_value()):
            raise ValueError("source 为 http 时必须填写 url 和 secret")
        return self


class Report(_Part):
    """The report (核验报告): how long a chat link works; what one address may look at, and upload, in a minute."""

    link_days: Annotated[int, Field(ge=1, le=90)] = 7
    looks_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 60
    uploads_per_minute: Annotated[int, Field(ge=1, le=1_000)] = 20


class Verify(_Part):
    """Lookups by number and name (编号查询): how many misses go through; above how many everybody pauses."""

    misses_per_block: Annotated[int, Field(ge=5, le=10_000)] = 30
    misses_per_number: Annotated[int, Field(ge=3, le=1_000)] = 10
    misses_in_total: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    pause_above: Annotated[int, Field(ge=0, le=1_000_000)] = 200
    pause_seconds: Annotated[int, Field(ge=1, le=60)] = 10


class Worker(_Part):
    """The worker (后台): whether it runs beside the web server, and how often it looks, in seconds."""

    inside: bool = True
    pause_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0


class Notices(_Part):
    """Messages of our own accord (主动发送): how fast, by how many threads, and how many need a second person."""

    per_second: Annotated[float, Field(ge=1, le=500)] = 20.0
    senders: Annotated[int, Field(ge=1, le=32)] = 2
    approval_above: Annotated[int, Field(ge=0, le=1_000_000)] = 100


class Staff(_Part):
    """The staff console (老师工作台): when a session ends by itself."""

    idle_minutes: Annotated[int, Field(ge=1, le=480)] = 30
    session_hours: Annotated[int, Field(ge=1, le=72)] = 12


class Logging(_Part):
    """The log (日志) on the standard error: its form, and how much of it."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "warning"


class Settings(_Part):
    """All settings (全部配置); frozen, and masked when printed."""

    demo: bool = False
    server: Server = Server()
    database: Database
    redis: Redis = Redis()
    keys: Keys
    wechat: WeChat
    chsi: Chsi = Chsi()
    report: Report = Report()
    verify: Verify = Verify()
    staff: Staff = Staff()
    worker: Worker = Worker()
    notices: Notices = Notices()
    logging: Logging = Logging()

    @model_validator(mode="after")
    def _demo_stays_at_home(self) -> "Settings":
        if self.demo and self.server.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError("demo 模式带有沙箱，只能监听本机地址（server.host = 127.0.0.1）")
        if self.demo and self.server.processes > 1:
            raise ValueError("demo 模式的沙箱只在一个进程里，server.processes 应为 1")
        return self

    @model_validator(mode="after")
    def _many_processes_have_a_worker_of_their_own(self) -> "Settings":
        if self.server.processes > 1 and self.worker.inside:
            raise ValueError("server.processes 大于 1 时，请把 worker.inside 设为 false，另开 quxiang worker")
        return self


def read_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the file, put the environment over it, check everything.

    Raises:
        SettingsError: no such file, not TOML, or any number of mistakes, each named.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"找不到配置文件 {path}：请复制 config.example.toml 为 config.toml 再修改") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} 不是有效的 TOML 文件：{error}") from None
    mistakes: list[str] = []
    for name, value in sorted((os.environ if environment is None else environment).items()):
        if name.startswith(PREFIX) and name not in {"QUXIANG_CONFIG", "QUXIANG_REQUIRE"} and "_TEST_" not in name:
            _lay_over(table, name, value)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        mistakes += [_sentence(fault["loc"], fault["msg"], fault["type"]) for fault in error.errors()]
    raise SettingsError("配置有 " + str(len(mistakes)) + " 处问题：\n" + "\n".join(f"  - {m}" for m in mistakes))


def _lay_over(table: dict[str, Any], name: str, value: str) -> None:
    *path, last = name.removeprefix(PREFIX).lower().split("__")
    place = table
    for part in path:
        inside = place.setdefault(part, {})
        # What is no table cannot be gone into; the check will say that there is no such setting.
        place = inside if isinstance(inside, dict) else place.setdefault(f"{part}__{last}", {})
    place[last] = [part.strip() for part in value.split(",")] if last in _LISTS else value


_WORDS = {
    "extra_forbidden": "没有这个设置项，请检查拼写",
    "missing": "必须填写",
}


def _sentence(place: tuple[int | str, ...], message: str, kind: str) -> str:
    name = ".".join(str(part) for part in place) or "整体"
    return f"{name}：{_WORDS.get(kind) or message.removeprefix('Value error, ')}"
