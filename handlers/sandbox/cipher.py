"""Signature and encryption of the platform's side (消息加解密), written from the vendor's text alone.

It shares no line with the app's own code on purpose: a mistake made twice in the same way would go unseen.
Source: https://developers.weixin.qq.com/doc/service/guide/dev/push/encryption.html
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct

from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from handlers.sandbox.account import SandboxError

PAD_BLOCK = 32  # the vendor pads to the key's length, not to the cipher's 16 bytes
RANDOM_BYTES = 16
LENGTH_BYTES = 4


class UnreadableError(SandboxError):
    """An encrypted envelope cannot be opened; the text says at which step it failed."""


def sign(*parts: str) -> str:
    """Signature (签名): SHA-1 in hex over the parts in lexicographic order."""
    # SHA-1 is the vendor's choice; nothing else is accepted by real accounts.
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the vendor's protocol


def is_signed(signature: str, *parts: str) -> bool:
    """Whether ``signature`` is the right one for the parts, compared in constant time."""
    return hmac.compare_digest(signature.encode(), sign(*parts).encode())


class MessageCipher:
    """AES-256-CBC envelope (EncodingAESKey) of one account: 16 random bytes, length, message, AppID."""

    def __init__(self, encoding_aes_key: str, app_id: str) -> None:
        self._key = base64.b64decode(encoding_aes_key + "=")
        self._app_id = app_id.encode()

    def seal(self, message: bytes, *, salt: bytes = b"") -> str:
        """Encrypt a message; ``salt`` replaces the 16 random bytes in tests. Returns base64 text."""
        head = (salt or secrets.token_bytes(RANDOM_BYTES)) + struct.pack(">I", len(message))
        plain = head + message + self._app_id
        fill = PAD_BLOCK - len(plain) % PAD_BLOCK
        box = self._box().encryptor()
        return base64.b64encode(box.update(plain + bytes([fill]) * fill) + box.finalize()).decode()

    def open(self, sealed: str) -> bytes:
        """Decrypt an envelope and check padding, length and AppID.

        Raises:
            UnreadableError: any of the checks failed.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
            box = self._box().decryptor()
            plain = box.update(raw) + box.finalize()
        except (binascii.Error, ValueError) as error:
            raise UnreadableError("Encrypt is not base64 of whole AES blocks") from error
        fill = plain[-1] if plain else 0
        if not 1 <= fill <= PAD_BLOCK or plain[-fill:] != bytes([fill]) * fill:
            raise UnreadableError("wrong padding: another key, or not PKCS#7 to 32 bytes")
        plain = plain[:-fill]
        start = RANDOM_BYTES + LENGTH_BYTES
        if len(plain) < start:
            raise UnreadableError("too short for random bytes and length")
        (length,) = struct.unpack(">I", plain[RANDOM_BYTES:start])
        if plain[start + length :] != self._app_id:
            raise UnreadableError("wrong AppID or wrong length inside the envelope")
        return plain[start : start + length]

    def _box(self) -> BlockCipher[modes.CBC]:
        return BlockCipher(algorithms.AES256(self._key), modes.CBC(self._key[:16]))
