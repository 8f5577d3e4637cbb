"""The envelope of a push (消息加解密): genuine or not, opened and sealed as the settings say, not the request.

The protocol is that of doc/service/guide/dev/push (URL verification, 明文/兼容/安全模式). Key and cipher come from
wechatpy; its laxer parts (signatures compared with ``!=``, timestamps ignored, bare errors) are replaced here.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wechatpy.crypto import PrpCrypto
from wechatpy.crypto.pkcs7 import PKCS7Encoder
from wechatpy.utils import WeChatSigner

from bot.errors import BadValueError, QuxiangError
from handlers.wechat import markup

_RANDOM = 16  # random bytes in front of the message
_HEAD = _RANDOM + 4  # … and the length of the message
_NONCE = 4  # bytes of the number beside the signature
_BLOCK = 32  # PKCS#7 pads to the key's 32 bytes, not to the cipher's 16
_MESSAGE_TYPE = b"<MsgType>"  # what every readable message has
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


class Mode(StrEnum):
    """How the platform was told to send (消息加解密方式)."""

    PLAIN = "plain"  # 明文
    COMPATIBLE = "compatible"  # 兼容: plain and encrypted side by side; only the encrypted half is believed
    SAFE = "safe"  # 安全


class Refusal(StrEnum):
    """Why a request was refused (拒绝原因): the label of a counter and the whole of the answer."""

    SIGNATURE = "signature"
    TIMESTAMP = "timestamp"
    UNENCRYPTED = "unencrypted"  # the settings demand encryption
    ENCRYPTED = "encrypted"  # the settings say plain, the platform encrypts
    UNDECRYPTABLE = "undecryptable"
    APP_ID = "app_id"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"


class EnvelopeError(QuxiangError):
    """The request is not a genuine push (非法请求); the text is the reason and nothing of the request."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class EnvelopeKeys:
    """What both sides agreed on in the platform's console (服务器配置).

    Attributes:
        mode: the mode set in the console.
        app_id: the account's AppID.
        tokens: Token, the current one first, then previous ones still accepted during rotation.
        aes_keys: EncodingAESKey in the same order; may be empty in plain mode only.
        window_seconds: how far a timestamp may be off, either way.

    Raises:
        BadValueError: one of them cannot be right; the text never repeats a secret.
    """

    mode: Mode
    app_id: str
    tokens: tuple[str, ...] = field(repr=False)
    aes_keys: tuple[str, ...] = field(default=(), repr=False)
    window_seconds: int = 600

    def __post_init__(self) -> None:
        if self.mode not in tuple(Mode):
            raise BadValueError("the WeChat mode must be plain, compatible or safe")
        if not self.app_id:
            raise BadValueError("the WeChat app_id is missing")
        if not self.tokens or not all(re.fullmatch("[0-9A-Za-z]{3,32}", token) for token in self.tokens):
            raise BadValueError("each WeChat token must be 3 to 32 letters or digits, and there must be one")
        if not all(re.fullmatch("[0-9A-Za-z]{43}", key) for key in self.aes_keys):
            raise BadValueError("each EncodingAESKey must be exactly 43 letters or digits")
        if self.mode is not Mode.PLAIN and not self.aes_keys:
            raise BadValueError("compatible and safe mode need an EncodingAESKey")
        if self.window_seconds <= 0:
            raise BadValueError("the timestamp window must be positive")


@dataclass(frozen=True, slots=True)
class Opened:
    """A genuine push, opened (解密后的消息), with what its reply must be sealed with.

    Attributes:
        xml: the message itself.
        token: the token that verified it.
        key: the AES key that opened it, 32 bytes; empty in plain mode.
    """

    xml: bytes = field(repr=False)
    token: str = field(repr=False)
    key: bytes = field(default=b"", repr=False)


class _Cipher(PrpCrypto):  # type: ignore[misc]  # wechatpy carries no types
    """wechatpy's cipher with a strict way to open and a prefix of our choice to seal; safe to share between threads."""

    def seal(self, xml: str, app_id: str, prefix: bytes) -> str:
        """The message, encrypted behind 16 bytes of our choice, as wechatpy's ``encrypt`` does behind random ones."""
        text = xml.encode()
        plain = b"".join((prefix, len(text).to_bytes(4, "big"), text, app_id.encode()))
        return base64.b64encode(self.cipher.encrypt(PKCS7Encoder.encode(plain))).decode("ascii")

    def open(self, encrypted: str) -> tuple[bytes, bytes]:
        """The message and the appid behind it, or ValueError: wechatpy's own way checks neither padding nor length."""
        plain: bytes = self.cipher.decrypt(base64.b64decode(encrypted, validate=True))
        pad = plain[-1] if plain else 0
        if not 1 <= pad <= _BLOCK or plain[-pad:] != bytes([pad]) * pad:
            raise ValueError("padding")
        end = _HEAD + int.from_bytes(plain[_RANDOM:_HEAD], "big")
        if end > len(plain) - pad:
            raise ValueError("length")
        return plain[_HEAD:end], plain[end:-pad]


def _signature(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)


class Envelope:
    """Opens pushes and seals replies (收信与回信) under one set of keys; safe to share between threads."""

    def __init__(self, keys: EnvelopeKeys) -> None:
        self._keys = keys
        # Made once: a cipher's tables are the same for every message, and its state is made anew for each.
        self._ciphers = {key: _Cipher(key) for key in (base64.b64decode(key + "=") for key in keys.aes_keys)}

    def echo(self, query: Mapping[str, str], now: int) -> str:
        """Answer URL verification (接入验证): ``echostr`` verbatim, in every mode.

        Args:
            query: the request's query parameters.
            now: our clock, seconds since the epoch.

        Raises:
            EnvelopeError: signature or timestamp are not right.
        """
        self._verify(query, "signature")
        self._check_time(query, now)
        return query.get("echostr", "")

    def open(self, query: Mapping[str, str], body: bytes, now: int) -> Opened:
        """Verify and open one push (验签并解密).

        Args:
            query: the request's query parameters.
            body: the request's body.
            now: our clock, seconds since the epoch.

        Raises:
            EnvelopeError: the push is not genuine, not fresh, or not in the mode the settings demand.
        """
        if self._keys.mode is Mode.PLAIN:
            token = self._verify(query, "signature")
            self._check_time(query, now)
            if query.get("encrypt_type") == "aes" and _MESSAGE_TYPE not in body:
                # Nothing readable inside: say what is wrong with the settings rather than "malformed".
                raise EnvelopeError(Refusal.ENCRYPTED)
            return Opened(body, token)
        # The timestamp comes first because it is cheap; it is believed only with the signature that covers it.
        self._check_time(query, now)
        encrypted = self._encrypted(body)
        token = self._verify(query, "msg_signature", encrypted)
        xml, key = self._decrypt(encrypted)
        return Opened(xml, token, key)

    def seal(self, opened: Opened, xml: str, seed: str, at: int) -> str:
        """Wrap a reply (加密回复) with the key and token that opened the push; in plain mode the reply as it is.

        The same arguments give the same bytes, so that a re-push gets what the first push got. The 16 bytes in front
        and the nonce come from a keyed digest of the whole reply: different replies never share them.

        Args:
            opened: the push answered.
            xml: the reply.
            seed: the deduplication key of the push.
            at: when the reply was made, seconds since the epoch.
        """
        if not opened.key:
            return xml
        everything = f"{seed}\0{at}\0{xml}".encode()
        digest = hashlib.blake2b(everything, key=opened.key, digest_size=_RANDOM + _NONCE).digest()
        nonce, timestamp = str(int.from_bytes(digest[_RANDOM:], "big")), str(at)
        encrypted = self._ciphers[opened.key].seal(xml, self._keys.app_id, digest[:_RANDOM])
        signature = _signature(opened.token, timestamp, nonce, encrypted)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def _verify(self, query: Mapping[str, str], name: str, *more: str) -> str:
        """The token under which the signature called ``name`` is right."""
        given = query.get(name, "").encode()
        parts = (query.get("timestamp", ""), query.get("nonce", ""), *more)
        for token in self._keys.tokens:
            if hmac.compare_digest(_signature(token, *parts).encode(), given):
                return token
        raise EnvelopeError(Refusal.SIGNATURE)

    def _check_time(self, query: Mapping[str, str], now: int) -> None:
        timestamp = query.get("timestamp", "")
        if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > self._keys.window_seconds:
            raise EnvelopeError(Refusal.TIMESTAMP)

    def _encrypted(self, body: bytes) -> str:
        """The ``Encrypt`` element; without it the body is plain, however well its ``signature`` fits (downgrade)."""
        try:
            encrypted = markup.words(markup.read(body), "Encrypt")
        except BadValueError:
            raise EnvelopeError(Refusal.MALFORMED) from None
        if not encrypted:
            raise EnvelopeError(Refusal.UNENCRYPTED)
        return encrypted

    def _decrypt(self, encrypted: str) -> tuple[bytes, bytes]:
        """The message, and whichever key opens it."""
        for key, cipher in self._ciphers.items():
            try:
                xml, app_id = cipher.open(encrypted)
            except ValueError:
                continue
            if not hmac.compare_digest(app_id, self._keys.app_id.encode()):
                raise EnvelopeError(Refusal.APP_ID)
            return xml, key
        raise EnvelopeError(Refusal.UNDECRYPTABLE)
