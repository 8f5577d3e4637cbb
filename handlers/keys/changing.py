"""Changing the keys (更换密钥): rotate, retire, publish again. The new list is the moment at which a change happens.

Before it new keys lie unlisted and count for nothing; after it the private halves of keys that no longer sign are
destroyed. Broken off anywhere, the folder is in the old state or in the new one.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from handlers.keylist.model import KeyList, KeyState, QrKey, ReportKey
from handlers.keys.folder import LIST, ROOT, KeyFolder, KeysError, qr_name, report_name
from handlers.keys.ring import public_of, read_list, read_qr, read_seal
from handlers.report.seal_key import make_seal_key

_SHORTEST_PREFIX = 8
_SIGNS_NO_MORE = {KeyState.FORMER, KeyState.RETIRED}


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who a key list speaks for (清单署名).

    Attributes:
        issuer: the school.
        host: public address without its scheme, e.g. "bys.example.edu.cn".
    """

    issuer: str
    host: str


Change = Callable[[KeyList], KeyList]


def rotate_qr(folder: Path, publisher: Publisher | None = None) -> KeyList:
    """Let the next key of QR codes sign and announce a fresh one (轮换二维码密钥); return the new list.

    Raises:
        KeysError: the root is not here, a file is damaged, or somebody else is changing keys.
    """
    place, now = KeyFolder(folder), _now()
    return _changed(place, publisher, now, lambda listed: _rotated_qr(place, listed, now))


def rotate_report(folder: Path, publisher: Publisher | None = None) -> KeyList:
    """Make a fresh key of report files (轮换报告密钥); return the new list.

    Raises:
        KeysError: as ``rotate_qr``.
    """
    place, now = KeyFolder(folder), _now()
    issuer = publisher.issuer if publisher else None
    return _changed(place, publisher, now, lambda listed: _rotated_report(place, listed, issuer, now))


def retire(folder: Path, name: str, publisher: Publisher | None = None) -> KeyList:
    """Refuse a former key from now on (停用密钥); return the new list.

    Args:
        folder: the key folder.
        name: id of a QR key, or the beginning of a certificate's fingerprint.
        publisher: who the new list speaks for, if that has changed.

    Raises:
        KeysError: no such key, it is not a former one, or as ``rotate_qr``.
    """
    place, now = KeyFolder(folder), _now()
    return _changed(place, publisher, now, lambda listed: _retired(listed, find_former(listed, name), now))


def publish(folder: Path, publisher: Publisher) -> KeyList:
    """Sign the list anew for a changed name or address (重新签发清单); return it.

    Raises:
        KeysError: as ``rotate_qr``.
    """
    return _changed(KeyFolder(folder), publisher, _now(), lambda listed: listed)


def find_former(listed: KeyList, name: str) -> QrKey | ReportKey:
    """Return the former key with this id or fingerprint.

    Raises:
        KeysError: there is none, several, or it has another state; the text says what to do.
    """
    found: list[QrKey | ReportKey] = []
    if re.fullmatch(r"[0-9]{1,3}", name):
        found += [key for key in listed.qr if key.kid == int(name)]
    elif len(name) >= _SHORTEST_PREFIX:
        found += [key for key in listed.report if key.fingerprint.startswith(name.lower())]
    if len(found) != 1:
        raise KeysError("没有这把密钥：请用 quxiang keys list 里的编号，或证书指纹的前 8 位以上")
    reason = {
        KeyState.CURRENT: "正在使用，不能停用：请先运行 quxiang keys rotate，等它签的报告都过期再停用",
        KeyState.NEXT: "是备用的下一把，不能停用：轮换两次以后它才成为前任",
        KeyState.RETIRED: "已经停用了，没有改动",
    }.get(found[0].state)
    if reason:
        raise KeysError(f"这把密钥{reason}")
    return found[0]


def replace_lost(place: KeyFolder, now: datetime) -> bool:
    """Replace signing keys whose files are lost; False if none is. The folder is locked by the caller.

    Raises:
        KeysError: one is lost and the root is not here.
    """
    _tidy(place)
    listed, _ = read_list(place)
    lost = {key.state for key in listed.qr if key.state not in _SIGNS_NO_MORE and not place.has(qr_name(key.kid))}
    changes: list[Change] = []
    if KeyState.NEXT in lost:
        changes.append(lambda before: _replaced_next(place, before, now))
    if KeyState.CURRENT in lost:
        changes.append(lambda before: _rotated_qr(place, before, now))
    if read_seal(place, listed) is None:
        changes.append(lambda before: _rotated_report(place, before, None, now))
    if changes:
        _write(place, None, now, changes)
    return bool(changes)


def new_report_key(place: KeyFolder, issuer: str, now: datetime) -> bytes:
    """Make a key of report files in files of a new number; return its certificate (DER)."""
    seal = make_seal_key(issuer, now)
    number = max(place.report_numbers(), default=0) + 1
    place.write(report_name(number, "key"), seal.private_pem)
    place.write(report_name(number, "crt"), seal.certificate_pem)
    return x509.load_pem_x509_certificate(seal.certificate_pem).public_bytes(Encoding.DER)


def root_is_here(folder: Path) -> bool:
    """Tell whether the root's private half lies in the folder (根密钥是否在本机)."""
    return KeyFolder(folder).has(ROOT)


def root_of(place: KeyFolder, listed: KeyList) -> Ed25519PrivateKey:
    """Return the root's private half (根密钥).

    Raises:
        KeysError: it is kept elsewhere, or it is not the root of this list.
    """
    if not place.has(ROOT):
        raise KeysError(
            f"根密钥不在这里：请把离线保存的 {ROOT} 放回 {place.path}（chmod 600），做完再取走。网站平时不需要它"
        )
    seed = place.read_seed(ROOT)
    if public_of(seed) != listed.root:
        raise KeysError(f"{place.path / ROOT} 不是签发现有清单的那把根密钥：请换回原来的一把")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _changed(place: KeyFolder, publisher: Publisher | None, now: datetime, change: Change) -> KeyList:
    with place.locked():
        _tidy(place)
        return _write(place, publisher, now, [change])


def _write(place: KeyFolder, publisher: Publisher | None, now: datetime, changes: list[Change]) -> KeyList:
    before, _ = read_list(place)
    root, after = root_of(place, before), before
    for change in changes:
        after = change(after)
    said = publisher or Publisher(before.issuer, before.host)
    after = replace(after, version=before.version + 1, issued_at=now, issuer=said.issuer, host=said.host)
    place.write(LIST, after.sign(root).encode())
    _tidy(place)
    return after


def _tidy(place: KeyFolder) -> None:
    """Do what a command that was broken off did not get to: settle the root, destroy what signs no more."""
    listed, _ = read_list(place)
    if place.prepared(ROOT) and not place.has(ROOT):
        place.settle(ROOT)
    for key in listed.qr:
        if key.state in _SIGNS_NO_MORE:
            place.remove(qr_name(key.kid))
    current = read_seal(place, listed)
    for number in place.report_numbers():
        if current and number != current[0] and _is_listed(place, number, listed):
            # The certificate goes last: as long as it is there, the key beside it is found.
            place.remove(report_name(number, "key"))
            place.remove(report_name(number, "crt"))


def _is_listed(place: KeyFolder, number: int, listed: KeyList) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(place.read(report_name(number, "crt")))
    except ValueError:
        return False
    return certificate.public_bytes(Encoding.DER) in {key.certificate for key in listed.report}


def _rotated_qr(place: KeyFolder, listed: KeyList, now: datetime) -> KeyList:
    moves = {KeyState.CURRENT: KeyState.FORMER, KeyState.NEXT: KeyState.CURRENT}
    moved = tuple(replace(key, state=moves[key.state], since=now) if key.state in moves else key for key in listed.qr)
    after = replace(listed, qr=(*moved, _fresh(place, listed, now)))
    read_qr(place, after)  # the key that shall sign from now on must be here
    return after


def _replaced_next(place: KeyFolder, listed: KeyList, now: datetime) -> KeyList:
    moved = tuple(
        replace(key, state=KeyState.RETIRED, since=now) if key.state is KeyState.NEXT else key for key in listed.qr
    )
    return replace(listed, qr=(*moved, _fresh(place, listed, now)))


def _fresh(place: KeyFolder, listed: KeyList, now: datetime) -> QrKey:
    """Make a fresh key with an id nobody ever had, not even a file that was left behind."""
    kid = max([key.kid for key in listed.qr] + place.qr_kids()) + 1
    if kid > 255:
        raise KeysError("密钥编号已用到 255，不能再轮换：请联系维护人员")
    seed = secrets.token_bytes(32)
    place.write_seed(qr_name(kid), seed)
    return QrKey(kid, public_of(seed), KeyState.NEXT, now)


def _rotated_report(place: KeyFolder, listed: KeyList, issuer: str | None, now: datetime) -> KeyList:
    moved = tuple(
        replace(key, state=KeyState.FORMER, since=now) if key.state is KeyState.CURRENT else key
        for key in listed.report
    )
    fresh = ReportKey(new_report_key(place, issuer or listed.issuer, now), KeyState.CURRENT, now)
    return replace(listed, report=(*moved, fresh))


def _retired(listed: KeyList, former: QrKey | ReportKey, now: datetime) -> KeyList:
    gone = replace(former, state=KeyState.RETIRED, since=now)
    return replace(
        listed,
        qr=tuple(gone if key is former and isinstance(gone, QrKey) else key for key in listed.qr),
        report=tuple(gone if key is former and isinstance(gone, ReportKey) else key for key in listed.report),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
