"""The secret keys (密钥): made once, kept in a folder of their own, never in the repository or the database."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import QuxiangError

_MASTER = "master.key"
_QR = "qr-ed25519-1.key"
KID = 1
"""Identifier of the QR signing key in use."""


class KeysError(QuxiangError):
    """The keys are missing or lie open; the text says what to do."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of an installation (密钥环).

    Attributes:
        master: 32 bytes; field encryption, blind index and link signatures are derived from it.
        qr: Ed25519 seeds by key identifier.
    """

    master: bytes = field(repr=False)
    qr: dict[int, bytes] = field(repr=False)


def make_keys(folder: Path) -> bool:
    """Make the keys that are not there yet; False if there was nothing to do. Existing keys are never touched."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = False
    for name in (_MASTER, _QR):
        path = folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32) + "\n", "ascii")
            made = True
    return made


def read_keys(folder: Path) -> KeyRing:
    """Read the keys.

    Raises:
        KeysError: a file is missing, damaged, or readable by others.
    """
    return KeyRing(_read(folder / _MASTER), {KID: _read(folder / _QR)})


def _read(path: Path) -> bytes:
    if not path.exists():
        raise KeysError(f"缺少密钥文件 {path}：首次安装请运行 quxiang keys；如果是迁移，请从备份恢复 keys 目录")
    if path.stat().st_mode & 0o077:
        raise KeysError(f"密钥文件 {path} 其他用户可读：请运行 chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise KeysError(f"密钥文件 {path} 已损坏（应为 64 位十六进制）：请从备份恢复")
    return key
