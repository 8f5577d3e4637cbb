"""What the sandbox is told once: the official account (公众号) and the two ends of the CHSI contract."""

from dataclasses import dataclass, field

MODES = ("plain", "compatible", "safe")


class SandboxError(Exception):
    """The root of the sandbox's errors: the person at the phone tried something a phone cannot do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The official account as registered at the platform (公众号基本配置).

    Attributes:
        app_id: AppID, ``wx…``.
        app_secret: AppSecret, hidden from ``repr``.
        token: the token of the server configuration, hidden from ``repr``.
        encoding_aes_key: EncodingAESKey, 43 characters, hidden from ``repr``.
        original_id: 原始 ID, ``gh_…``.
        webhook_url: where messages are pushed, e.g. ``http://127.0.0.1:8000/wechat``.
        mode: message encryption: ``plain`` 明文, ``compatible`` 兼容 or ``safe`` 安全.
        name: what stands in the title bar of the chat.
    """

    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    original_id: str
    webhook_url: str
    mode: str = "safe"
    name: str = "去向登记"


@dataclass(frozen=True, slots=True)
class ChsiOptions:
    """The shared secret and the callback address of the local CHSI (学信网)."""

    secret: str = field(repr=False)
    callback_url: str
