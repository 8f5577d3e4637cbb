"""The databases' own programs (数据库工具), run so that no password stands on a command line or in the environment."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from storage.backups.copier import BackupError

_PIECE: Final = 1 << 20
_PACKAGES: Final = {
    "pg_dump": "postgresql-client",
    "pg_restore": "postgresql-client",
    "psql": "postgresql-client",
    "mariadb-dump": "mariadb-client",
    "mariadb": "mariadb-client",
}
_CAUSES: Final = {
    r"server version mismatch": "它的版本比数据库旧：请安装与数据库同版本或更新的客户端",
    r"authentication failed|no password supplied|\b1045\b|28P01": "数据库不接受这个用户名或密码：请检查 database.url",
    r"could not connect|connection to server|\b200[2356]\b": "连不上数据库：请检查 database.url 和数据库是否在运行",
    r"permission denied|must be owner|42501|\b1(?:044|142|227|370|419)\b": "账号权限不够：请用数据库的所有者来做",
    r"42704": "备份里提到的数据库角色在这里不存在：请先建同名的角色",
    r"55P03|57014|\b1205\b": "数据库正被别的程序占用：请先停止 quxiang serve 和 quxiang worker",
    r"53100|No space left|\b1021\b|\b1114\b": "磁盘已满：请先清理",
    r"input file|end of file|did not find magic|unsupported version": "备份文件不完整或已损坏",
}


def found(*names: str) -> str:
    """Return the first of these programs that is installed (找程序).

    Raises:
        BackupError: none is.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    raise BackupError(f"找不到程序 {names[0]}：请安装 {_PACKAGES[names[0]]}（版本不低于数据库），再试一次")


@contextmanager
def secret_file(text: str) -> Iterator[Path]:
    """Lay a text down where only this user can read it (密码文件), and take it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="quxiang-") as folder:  # 0700
        path = Path(folder) / "secret"
        path.touch(0o600)
        path.write_text(text, "utf-8")
        yield path


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], *, is_fed: bool = False) -> Iterator[IO[bytes]]:
    """Start a program and give what it prints, or what it reads if it is fed (启动); it must end well.

    Raises:
        BackupError: it failed; its own words are not repeated, for they may quote a row.
    """
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with tempfile.TemporaryFile() as complaints:
        ends = {"stdin": pipe, "stdout": nowhere} if is_fed else {"stdin": nowhere, "stdout": pipe}
        process = subprocess.Popen(command, stderr=complaints, env=dict(environment), **ends)  # type: ignore[call-overload]  # noqa: S603 -- the database's own program
        end = process.stdin or process.stdout
        try:
            yield end
            with suppress(BrokenPipeError):
                end.close()
            code = process.wait()
        except BaseException:
            # Half of what it was to be told must not count: without its end nothing is committed.
            process.kill()
            process.wait()
            with suppress(BrokenPipeError):
                end.close()
            raise
        if code:
            complaints.seek(0)
            raise BackupError(_told(Path(command[0]).name, code, complaints.read(4000)))


def feed(sink: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Write pieces to a program (喂给程序); one that has ended says by its exit code why."""
    with suppress(BrokenPipeError):
        for piece in pieces:
            sink.write(piece)
        sink.flush()


def pieces_of(source: IO[bytes]) -> Iterator[bytes]:
    """Read a stream piece by piece (逐块读)."""
    while piece := source.read(_PIECE):
        yield piece


def _told(name: str, code: int, complaints: bytes) -> str:
    text = complaints.decode("utf-8", "replace")
    for pattern, cause in _CAUSES.items():
        if re.search(pattern, text, re.IGNORECASE):
            return f"{name} 没有做成：{cause}"
    numbers = re.search(r"ERROR:?\s+([0-9A-Z]{4,5})\b", text)
    return f"{name} 没有做成（退出码 {code}" + (f"，数据库错误码 {numbers[1]}）" if numbers else "）")
