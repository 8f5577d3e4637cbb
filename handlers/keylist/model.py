"""The key list (密钥清单) at ``/.well-known/quxiang-keys.json``: which keys sign, and which no longer count.

The root key signs ``quxiang-keys-v1``, a zero byte and the canonical JSON (keys sorted, no blanks, UTF-8) of everything
but the signature. The version only grows: whoever has seen version n refuses an older list (rollback).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.errors import BadValueError
from handlers.keylist.notation import (
    base64url,
    bytes_of,
    canonical,
    demand_exactly,
    moment_of,
    several,
    stamp,
    whole,
    words,
)
from handlers.keylist.signatures import is_signed

WELL_KNOWN: Final = "/.well-known/quxiang-keys.json"
_DOMAIN: Final = b"quxiang-keys-v1\0"
_LONGEST: Final = 1_000_000
_LIST_KEYS: Final = {"version", "issued_at", "issuer", "host", "root", "qr", "report", "signature"}
_QR_KEYS: Final = {"kid", "public", "state", "since"}
_REPORT_KEYS: Final = {"fingerprint", "certificate", "state", "since"}


class KeyState(StrEnum):
    """What a key is good for (密钥状态)."""

    CURRENT = "current"
    """Signs (现用)."""
    NEXT = "next"
    """Announced and already accepted; will sign after the next rotation (备用)."""
    FORMER = "former"
    """Signed once; accepted until its reports have run out (前任)."""
    RETIRED = "retired"
    """Listed and refused (停用)."""


class ListFault(StrEnum):
    """Why a key list is not accepted (清单不可用的原因), in the order in which it is looked at."""

    MALFORMED = "list_malformed"
    BAD_SIGNATURE = "list_bad_signature"
    OTHER_ROOT = "list_other_root"
    ROLLBACK = "list_rollback"


class KeyListError(BadValueError):
    """A key list is not accepted (密钥清单不可用).

    Attributes:
        fault: why, in one word for machines; the text is for people.
    """

    def __init__(self, fault: ListFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class QrKey:
    """A key of QR codes (二维码密钥): id 0 to 255, 32 bytes of public key, state, and since when it has that state."""

    kid: int
    public: bytes = field(repr=False)
    state: KeyState
    since: datetime


@dataclass(frozen=True, slots=True)
class ReportKey:
    """A key of report files (报告文件密钥): its certificate (DER), state, and since when it has that state."""

    certificate: bytes = field(repr=False)
    state: KeyState
    since: datetime

    @property
    def fingerprint(self) -> str:
        """The certificate's SHA-256 in lower-case hex (证书指纹)."""
        return hashlib.sha256(self.certificate).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyList:
    """The key list (密钥清单).

    Attributes:
        version: grows with every change, from 1.
        issued_at: when this version was made, to the second.
        issuer: the school.
        host: where the state of a report is asked, and where the list is published.
        root: the root's 32-byte Ed25519 public key; people pin its fingerprint.
        qr: keys of QR codes; one is current and one next at all times.
        report: keys of report files; one is current.

    Raises:
        BadValueError: when built without one current key of each kind and one next, or with the same key twice.
    """

    version: int
    issued_at: datetime
    issuer: str
    host: str
    root: bytes = field(repr=False)
    qr: tuple[QrKey, ...]
    report: tuple[ReportKey, ...]

    def __post_init__(self) -> None:
        # Beyond 2**53 JavaScript would read another number than was signed.
        if not 1 <= self.version < 2**53:
            raise BadValueError("密钥清单的版本号应从 1 开始")
        qr, report = [key.state for key in self.qr], [key.state for key in self.report]
        if qr.count(KeyState.CURRENT) != 1 or qr.count(KeyState.NEXT) != 1:
            raise BadValueError("密钥清单应有一把现用和一把备用的二维码密钥")
        if report.count(KeyState.CURRENT) != 1 or KeyState.NEXT in report:
            raise BadValueError("密钥清单应有一把现用的报告文件密钥，没有备用")
        if not all(0 <= key.kid <= 255 for key in self.qr):
            raise BadValueError("密钥清单中的密钥编号应在 0 到 255 之间")
        for same in (
            [key.kid for key in self.qr],
            [key.public for key in self.qr],
            [k.certificate for k in self.report],
        ):
            if len(set(same)) != len(same):
                raise BadValueError("密钥清单中有重复的密钥")

    @property
    def fingerprint(self) -> str:
        """The root's fingerprint (根密钥指纹): SHA-256 of its 32 bytes in lower-case hex."""
        return hashlib.sha256(self.root).hexdigest()

    def qr_key(self, kid: int) -> QrKey | None:
        """Return the key of QR codes with this id, whatever its state, or None."""
        return next((key for key in self.qr if key.kid == kid), None)

    @classmethod
    def parse(cls, text: str, at_least: int = 0, root: str | None = None) -> "KeyList":
        """Read and verify a published list (验证密钥清单).

        Args:
            text: the JSON text.
            at_least: the highest version seen before; a lower one is a rollback.
            root: the pinned fingerprint of the root, in either case; without it any root is accepted that signed.

        Raises:
            KeyListError: the shape, the signature, the root or the version is wrong.
        """
        found, signature = _read(text)
        listed = _built(found)
        if not is_signed(listed.root, signature, _signed_bytes(found)):
            raise KeyListError(ListFault.BAD_SIGNATURE, "密钥清单的签名不对：文件被改动过或没有下载完整，请重新下载")
        if root is not None and root.lower() != listed.fingerprint:
            raise KeyListError(ListFault.OTHER_ROOT, "密钥清单不是由指定的根密钥签发的：请核对学校公布的根密钥指纹")
        if listed.version < at_least:
            raise KeyListError(
                ListFault.ROLLBACK,
                f"密钥清单是旧的：版本 {listed.version}，已经见过版本 {at_least}，请下载最新的清单",
            )
        return listed

    def sign(self, root: Ed25519PrivateKey) -> str:
        """Return the list as published, signed (签发密钥清单).

        Raises:
            BadValueError: the private key is not the one of ``root``.
        """
        if root.public_key().public_bytes_raw() != self.root:
            raise BadValueError("根密钥与密钥清单中的不是同一把")
        found = self._object()
        return (
            json.dumps(found | {"signature": base64url(root.sign(_signed_bytes(found)))}, ensure_ascii=False, indent=1)
            + "\n"
        )

    def _object(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "issued_at": stamp(self.issued_at),
            "issuer": self.issuer,
            "host": self.host,
            "root": base64url(self.root),
            "qr": [
                {"kid": key.kid, "public": base64url(key.public), "state": key.state.value, "since": stamp(key.since)}
                for key in self.qr
            ],
            "report": [
                {
                    "fingerprint": key.fingerprint,
                    "certificate": base64url(key.certificate),
                    "state": key.state.value,
                    "since": stamp(key.since),
                }
                for key in self.report
            ],
        }


def _signed_bytes(found: Mapping[str, Any]) -> bytes:
    return _DOMAIN + canonical({name: value for name, value in found.items() if name != "signature"})


def _read(text: str) -> tuple[dict[str, Any], bytes]:
    """Read the object and the signature; a list nobody of ours made stops here."""
    try:
        if len(text) > _LONGEST:
            raise ValueError  # noqa: TRY301 -- one sentence for all that is no list
        found = json.loads(text)
        demand_exactly(found, _LIST_KEYS)
        canonical(found)  # lone surrogates have no UTF-8
        return found, bytes_of(found["signature"], 64)
    except (ValueError, RecursionError):
        raise _malformed() from None


def _built(found: Mapping[str, Any]) -> KeyList:
    try:
        return KeyList(
            whole(found["version"]),
            moment_of(found["issued_at"]),
            words(found["issuer"]),
            words(found["host"]),
            bytes_of(found["root"], 32),
            tuple(_qr_key(each) for each in several(found["qr"])),
            tuple(_report_key(each) for each in several(found["report"])),
        )
    except ValueError:
        raise _malformed() from None


def _malformed() -> KeyListError:
    return KeyListError(ListFault.MALFORMED, "这不是密钥清单，或者清单不完整：请从学校的核验网站重新下载")


def _qr_key(found: object) -> QrKey:
    entry = demand_exactly(found, _QR_KEYS)
    return QrKey(
        whole(entry["kid"]), bytes_of(entry["public"], 32), KeyState(words(entry["state"])), moment_of(entry["since"])
    )


def _report_key(found: object) -> ReportKey:
    entry = demand_exactly(found, _REPORT_KEYS)
    key = ReportKey(bytes_of(entry["certificate"]), KeyState(words(entry["state"])), moment_of(entry["since"]))
    if entry["fingerprint"] != key.fingerprint:
        raise ValueError
    return key
