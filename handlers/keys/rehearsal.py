"""The rehearsal (演练): the whole life of a key, lived in a copy, so that the real rotation holds no surprise."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.errors import BadValueError
from bot.registration.verification import Subject, Verification
from handlers.keylist.model import KeyList, KeyState
from handlers.keys.changing import retire, root_of, rotate_qr, rotate_report
from handlers.keys.folder import MASTER, KeyFolder, KeysError
from handlers.keys.ring import KeyRing, read_keys, read_list
from handlers.verification.offline import Genuineness, check
from handlers.verification.tokens import VerificationKeys

_PREFIX = ".rehearsal-"


@dataclass(frozen=True, slots=True)
class _Life:
    """The rings a copy had in turn (演练经过): before, after the rotation, after the retirement."""

    before: KeyRing
    rotated: KeyRing
    retired: KeyRing
    verification: Verification
    now: datetime

    def offline(self, token: str, listed: KeyList) -> Genuineness:
        return check(token, listed, self.now).genuineness

    @property
    def old(self) -> str:
        return _server(self.before).issue(self.verification)

    @property
    def new(self) -> str:
        return _server(self.rotated).issue(self.verification)


def rehearse(folder: Path) -> Iterator[str]:
    """Live through a key's life in a copy inside the key folder, and name each step that went as it must.

    The copy holds the signing keys but not the master key, never leaves the folder, and is removed in the end.

    Raises:
        KeysError: a step went wrong, or the root is not here.
    """
    root_of(KeyFolder(folder), read_list(KeyFolder(folder))[0])
    for left_behind in folder.glob(_PREFIX + "*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    real = _contents(folder)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=folder) as copied:
        life = _lived(folder, Path(copied))
        for step, went_well in _steps(life):
            if not went_well:
                raise KeysError(f"演练没有通过：{step}。真正的密钥没有改动，请不要轮换，联系维护人员")
            yield step
    if _contents(folder) != real:
        raise KeysError("演练期间密钥目录被改动了：请检查是否有人同时在操作")
    yield "真正的密钥目录没有任何改动"


def _lived(folder: Path, copied: Path) -> _Life:
    for path in folder.iterdir():
        if path.is_file() and path.name != MASTER:
            shutil.copy2(path, copied / path.name)
    KeyFolder(copied).write_seed(MASTER, secrets.token_bytes(32))
    before = read_keys(copied)
    rotate_qr(copied)
    rotate_report(copied)
    rotated = read_keys(copied)
    retire(copied, str(_current(before.listed)))
    now = datetime.now(UTC)
    invented = Verification("rehearsal", "00000000", Subject.ARCHIVE, "0" * 64, now, date.today() + timedelta(days=1))  # noqa: DTZ011 -- any day ahead will do
    return _Life(before, rotated, read_keys(copied), invented, now)


def _steps(life: _Life) -> Iterator[tuple[str, bool]]:
    before, rotated, retired = life.before.listed, life.rotated.listed, life.retired.listed
    old, new, genuine = life.old, life.new, Genuineness.GENUINE
    kid, next_kid = _current(before), _current(rotated)
    yield f"现用密钥 {kid} 签的二维码是真的", life.offline(old, before) is genuine
    yield (
        f"轮换后由原来备用的 {next_kid} 签，清单版本 {before.version} → {rotated.version}",
        (rotated.version > before.version and before.qr_key(next_kid) is not None and next_kid != kid),
    )
    yield (
        "旧密钥签的二维码仍是真的（网站和离线）",
        (life.offline(old, rotated) is genuine and _server(life.rotated).read(old) is not None),
    )
    yield (
        "新密钥签的二维码是真的，只有旧清单的人也认",
        (life.offline(new, rotated) is genuine and life.offline(new, before) is genuine),
    )
    yield (
        "报告文件换了新密钥，旧证书还在清单里",
        (
            life.rotated.seal != life.before.seal
            and {k.certificate for k in before.report} < {k.certificate for k in rotated.report}
        ),
    )
    yield (
        f"停用 {kid} 后，它签的二维码被拒绝（网站和离线）",
        (life.offline(old, retired) is Genuineness.RETIRED_KEY and _server(life.retired).read(old) is None),
    )
    yield "停用不影响新密钥签的二维码", life.offline(new, retired) is genuine
    yield "见过新清单的人拒绝旧清单", _refuses_older(life)


def _refuses_older(life: _Life) -> bool:
    seen, root = life.retired.listed.version, life.before.listed.fingerprint
    KeyList.parse(life.retired.published, seen, root)
    try:
        KeyList.parse(life.before.published, seen, root)
    except BadValueError:
        return True
    return False


def _server(ring: KeyRing) -> VerificationKeys:
    return VerificationKeys.of_list(ring.listed, ring.qr)


def _current(listed: KeyList) -> int:
    return next(key.kid for key in listed.qr if key.state is KeyState.CURRENT)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
