"""The key ring (密钥环): the keys of an installation as the server needs them; the root's private half is not among."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.errors import BadValueError
from handlers.keylist.model import KeyList, KeyState
from handlers.keys.folder import LIST, MASTER, KeyFolder, KeysError, qr_name, report_name
from handlers.report.seal_key import SealKey, fingerprint

_TRIES = 3


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of an installation (密钥环), read once: after a rotation the server is restarted.

    Attributes:
        master: 32 bytes; field encryption, blind index and link signatures are derived from it.
        qr: Ed25519 seeds by key id, of the current and the next key; a former key signs no more and has none.
        seal: the current key of report files.
        listed: the key list; says which key has which state.
        published: the key list as served.
    """

    master: bytes = field(repr=False)
    qr: dict[int, bytes] = field(repr=False)
    seal: SealKey = field(repr=False)
    listed: KeyList
    published: str = field(repr=False)


def read_keys(folder: Path) -> KeyRing:
    """Read the keys.

    Raises:
        KeysError: a file is missing, damaged, readable by others, or does not fit the key list.
    """
    place = KeyFolder(folder)
    for _ in range(_TRIES):
        before = _bytes_of_list(place)
        try:
            return _ring(place)
        except KeysError:
            # A rotation in this very moment may have taken away a file the list just read still named.
            if _bytes_of_list(place) == before:
                raise
    raise KeysError(f"密钥目录 {folder} 正在改动：请稍后再试")


def read_list(place: KeyFolder) -> tuple[KeyList, str]:
    """Read and verify the key list of the folder; also return its text.

    Raises:
        KeysError: it is missing or damaged.
    """
    try:
        text = place.read(LIST).decode()
        return KeyList.parse(text), text
    except ValueError as error:
        reason = str(error) if isinstance(error, BadValueError) else "不是 UTF-8 文本"
        raise KeysError(f"密钥清单 {place.path / LIST} 不能用（{reason}）：请从备份恢复") from None


def read_seal(place: KeyFolder, listed: KeyList) -> tuple[int, SealKey] | None:
    """Return the current key of report files and its file number, or None if its files are not there."""
    current = next(key for key in listed.report if key.state is KeyState.CURRENT)
    for number in place.report_numbers():
        certificate = place.read(report_name(number, "crt"))
        try:
            is_it = fingerprint(certificate) == current.fingerprint
        except BadValueError:
            is_it = False
        if is_it and place.has(report_name(number, "key")):
            return number, SealKey(place.read(report_name(number, "key")), certificate)
    return None


def read_qr(place: KeyFolder, listed: KeyList) -> dict[int, bytes]:
    """Return the seeds of the current and the next key.

    Raises:
        KeysError: a file is missing, damaged, or holds another key than the list names.
    """
    seeds = {}
    for key in listed.qr:
        if key.state in {KeyState.CURRENT, KeyState.NEXT}:
            seed = place.read_seed(qr_name(key.kid))
            if public_of(seed) != key.public:
                raise KeysError(f"密钥文件 {place.path / qr_name(key.kid)} 与密钥清单不符：请从备份恢复整个目录")
            seeds[key.kid] = seed
    return seeds


def public_of(seed: bytes) -> bytes:
    """Return the 32-byte public half of an Ed25519 seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _ring(place: KeyFolder) -> KeyRing:
    master = place.read_seed(MASTER)
    if not place.has(LIST):
        raise KeysError(
            f"密钥目录 {place.path} 里没有密钥清单 {LIST}：旧版本留下的目录请运行 quxiang keys 补齐"
            "（已有的密钥不动）；如果是迁移，请从备份恢复"
        )
    listed, text = read_list(place)
    seal = read_seal(place, listed)
    if seal is None:
        raise KeysError(
            f"密钥目录 {place.path} 里没有现用的报告密钥（{report_name(1, 'key')} 等）："
            "请从备份恢复，或运行 quxiang keys 换新"
        )
    return KeyRing(master, read_qr(place, listed), seal[1], listed, text)


def _bytes_of_list(place: KeyFolder) -> bytes | None:
    try:
        return (place.path / LIST).read_bytes()
    except OSError:
        return None
