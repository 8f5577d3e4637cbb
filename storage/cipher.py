"""The field cipher (字段加密): personal data is stored encrypted, each value bound to its own row and column."""

import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import BadValueError, QuxiangError

_NONCE = 12  # bytes; NIST SP 800-38D. Random nonces allow 2**32 values under one key, far above any school's need.
_KEY = 32  # bytes


class CipherError(QuxiangError):
    """A stored value cannot be decrypted (解密失败): wrong key, or it was altered or moved to another place."""


def derive_keys(master: bytes) -> tuple[bytes, bytes]:
    """Return field key and index key (密钥派生) of one master secret, by HKDF-SHA256 (RFC 5869).

    Raises:
        BadValueError: the secret is shorter than 32 bytes.
    """
    if len(master) < _KEY:
        raise BadValueError("主密钥至少要有 32 字节，可用 `openssl rand -base64 32` 生成")
    return _derive(master, b"quxiang field key v1"), _derive(master, b"quxiang blind index key v1")


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY, salt=None, info=purpose).derive(master)


class FieldCipher:
    """Encrypts fields with AES-256-GCM (字段加密).

    A sealed value is one byte key id, twelve bytes nonce, ciphertext and tag. The associated data is
    "column:row", so that a value copied to another row or column cannot be decrypted there.

    Args:
        keys: id (1 to 255) → 32 bytes. The highest id encrypts; the others still decrypt, which is how keys rotate.
        index_key: 32 bytes for ``blind_index``; it stays when keys rotate.
    """

    __slots__ = ("_cipher", "_ciphers", "_id", "_index_key")

    def __init__(self, keys: Mapping[int, bytes], index_key: bytes) -> None:
        if not keys or not all(1 <= id_ <= 255 and len(key) == _KEY for id_, key in keys.items()):
            raise BadValueError("加密密钥的编号应为 1 到 255，长度应为 32 字节")
        if len(index_key) != _KEY:
            raise BadValueError("索引密钥的长度应为 32 字节")
        self._ciphers = {id_: AESGCM(key) for id_, key in keys.items()}
        newest = max(keys)
        self._id, self._cipher = bytes([newest]), self._ciphers[newest]
        self._index_key = index_key

    def seal(self, text: str, column: str, row: str) -> bytes:
        """Return the text encrypted (加密) for "table:column" and the row's identifier."""
        return self.seal_bytes(text.encode(), column, row)

    def seal_bytes(self, data: bytes, column: str, row: str) -> bytes:
        """Return bytes encrypted, as ``seal`` does text: pieces of files."""
        nonce = os.urandom(_NONCE)
        return self._id + nonce + self._cipher.encrypt(nonce, data, f"{column}:{row}".encode())

    def unseal(self, sealed: bytes, column: str, row: str) -> str:
        """Return the text (解密) that was sealed for this column and row.

        Raises:
            CipherError: unknown key, altered value, or a value of another row or column.
        """
        try:
            return self.unseal_bytes(sealed, column, row).decode()
        except UnicodeDecodeError:
            pass
        raise CipherError(f"{column}: the stored value is no text")

    def unseal_bytes(self, sealed: bytes, column: str, row: str) -> bytes:
        """Return what ``seal_bytes`` was given.

        Raises:
            CipherError: as ``unseal`` does.
        """
        cipher = self._ciphers.get(sealed[0]) if sealed else None
        if cipher is None:
            raise CipherError(f"{column}: encrypted with a key that is not configured")
        nonce, body = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return cipher.decrypt(nonce, body, f"{column}:{row}".encode())
        except (InvalidTag, ValueError):
            pass
        raise CipherError(f"{column}: the stored value was altered, moved, or encrypted with another key")

    def seal_optional(self, text: str, column: str, row: str) -> bytes | None:
        """Return the text encrypted, or None for "": most rows leave such fields empty."""
        return self.seal(text, column, row) if text else None

    def unseal_optional(self, sealed: bytes | None, column: str, row: str) -> str:
        """Return the text of ``seal_optional``."""
        return "" if sealed is None else self.unseal(sealed, column, row)

    def blind_index(self, purpose: str, value: str) -> str:
        """Return HMAC-SHA256 in 64 hex digits (盲索引): finds equal values without showing them.

        A plain hash would not do: there are few enough ID numbers to try them all.
        """
        return hmac.digest(self._index_key, f"{purpose}\0{value}".encode(), "sha256").hex()
