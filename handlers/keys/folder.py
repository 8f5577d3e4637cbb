"""The key folder (密钥目录) as files: for its owner only, written whole or not at all, changed by one at a time."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import QuxiangError

MASTER: Final = "master.key"
ROOT: Final = "root-ed25519.key"
LIST: Final = "keys.json"
_LOCK: Final = ".lock"


class KeysError(QuxiangError):
    """The keys are missing, damaged or lie open, or may not be changed so; the text says what to do."""


def qr_name(kid: int) -> str:
    """Return the name of a QR key's file."""
    return f"qr-ed25519-{kid}.key"


def report_name(number: int, ending: str) -> str:
    """Return the name of a report key's file; the ending is ``key`` or ``crt``."""
    return f"report-p256-{number}.{ending}"


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The files of a key folder (密钥目录).

    Attributes:
        path: the folder, 0700; every file in it is 0600.
    """

    path: Path

    def has(self, name: str) -> bool:
        """Tell whether the file is there."""
        return (self.path / name).exists()

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises:
            KeysError: it is missing or others may read it.
        """
        path = self.path / name
        try:
            content = path.read_bytes()
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise KeysError(
                f"缺少密钥文件 {path}：首次安装请运行 quxiang keys；如果是迁移，请从备份恢复 keys 目录"
            ) from None
        except OSError as error:
            raise KeysError(f"密钥文件 {path} 读不出来（{error.strerror}）：请检查文件的所有者") from None
        if mode & 0o077:
            raise KeysError(f"密钥文件 {path} 其他用户可读：请运行 chmod 600 {path}")
        return content

    def read_seed(self, name: str) -> bytes:
        """Read 32 secret bytes, kept as 64 hex digits.

        Raises:
            KeysError: the file is missing, open to others, or holds anything else.
        """
        try:
            seed = bytes.fromhex(self.read(name).decode("ascii").strip())
        except ValueError:
            seed = b""
        if len(seed) != 32:
            raise KeysError(f"密钥文件 {self.path / name} 已损坏（应为 64 位十六进制）：请从备份恢复")
        return seed

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole: whoever reads it, and whenever power fails, finds the old content or the new."""
        self.prepare(name, content)
        self.settle(name)

    def write_seed(self, name: str, seed: bytes) -> None:
        """Write 32 secret bytes as hex."""
        self.write(name, _hex(seed))

    def prepare_seed(self, name: str, seed: bytes) -> None:
        """Write 32 secret bytes beside their place, where nobody looks for them yet."""
        self.prepare(name, _hex(seed))

    def prepare(self, name: str, content: bytes) -> None:
        """Write the content beside its place."""
        handle = os.open(self._beside(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def prepared(self, name: str) -> bool:
        """Tell whether a content was written beside its place and did not get there."""
        return self._beside(name).exists()

    def settle(self, name: str) -> None:
        """Bring the content to its place, in one step."""
        self._beside(name).replace(self.path / name)
        self._sync()

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)
        self._sync()

    def qr_kids(self) -> list[int]:
        """Return the ids of all QR keys that have a file, smallest first."""
        return self._numbers(r"qr-ed25519-([0-9]{1,3})\.key")

    def report_numbers(self) -> list[int]:
        """Return the numbers of all report keys that have a certificate file, smallest first."""
        return self._numbers(r"report-p256-([0-9]{1,6})\.crt")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else change keys meanwhile; the lock goes with the process that holds it.

        Raises:
            KeysError: somebody else is changing them, or the folder cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeysError(f"密钥目录 {self.path} 不能写入（{error.strerror}）：请检查目录的所有者") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise KeysError(f"另一条命令正在改动密钥目录 {self.path}：请等它做完再试") from None
        finally:
            os.close(handle)

    def _beside(self, name: str) -> Path:
        return self.path / f".{name}.new"

    def _numbers(self, pattern: str) -> list[int]:
        found = (re.fullmatch(pattern, path.name) for path in self.path.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def _sync(self) -> None:
        handle = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _hex(seed: bytes) -> bytes:
    return seed.hex().encode("ascii") + b"\n"
