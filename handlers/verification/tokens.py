"""The QR token (核验二维码): a compact Ed25519-signed statement that this system issued a report.

Layout, 28 bytes and a signature of 64: version 1, key id 1, number 4, issued 4 (minutes since 1970), last day 2 (days
since 1970), first 16 bytes of the digest. Written in Base32 without padding inside an upper-case URL, so that a QR
code holds it in alphanumeric mode: 45 by 45 modules at level M, 49 with a host longer than 19 characters.

The token proves origin only; the state is always asked of the database. The signature covers a
domain prefix, so that a key reused elsewhere by mistake cannot be made to sign reports.
"""

import base64
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.errors import BadValueError
from bot.registration.verification import Verification
from handlers.keylist.model import KeyList, KeyState
from handlers.keylist.signatures import is_signed

_DOMAIN: Final = b"quxiang-verify-v1\0"
_VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">BBIIH16s")
_SIGNATURE_BYTES: Final = 64
_TOKEN_CHARS: Final = 148  # 92 bytes in Base32 without padding
_EPOCH_DAY: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a genuine token states (签名内容).

    Attributes:
        number: 核验编号, eight digits.
        issued_minute: minutes since 1970 at issue.
        last_day: last day in force when the code was printed; the stored day may be later after an extension.
        digest: first 16 bytes of the confirmed data's digest.
    """

    number: str = field(repr=False)
    issued_minute: int
    last_day: date
    digest: bytes = field(repr=False)

    @classmethod
    def about(cls, verification: Verification) -> "Statement":
        """Return the statement about a verification (核验授权)."""
        return cls(
            verification.number,
            _minute(verification.issued_at),
            verification.last_day,
            bytes.fromhex(verification.digest)[:16],
        )

    def fits(self, verification: Verification) -> bool:
        """Tell whether the stored verification is the one stated: a reused number or other data is not."""
        now = Statement.about(verification)
        return (
            self.number == now.number
            and self.issued_minute == now.issued_minute
            and self.digest == now.digest
            and self.last_day <= now.last_day
        )


@dataclass(frozen=True, slots=True)
class Unproved:
    """What a token says before anybody looked at its signature (待验内容).

    Attributes:
        kid: id of the key it claims to be signed with.
        statement: what it claims.
        body: the signed bytes.
        signature: 64 bytes.
    """

    kid: int
    statement: Statement
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @classmethod
    def of(cls, token: str) -> "Unproved | None":
        """Take a token apart, in either case; None for other lengths, characters, spellings or versions."""
        raw = _decode(token)
        if raw is None:
            return None
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        version, kid, number, minute, days, digest = _LAYOUT.unpack(body)
        if version != _VERSION:
            return None
        statement = Statement(f"{number:08d}", minute, _EPOCH_DAY + timedelta(days=days), digest)
        return cls(kid, statement, body, signature)

    def is_signed_by(self, public: Ed25519PublicKey) -> bool:
        """Tell whether this key signed it (验签)."""
        return is_signed(public.public_bytes_raw(), self.signature, _DOMAIN + self.body)


@dataclass(frozen=True, slots=True)
class VerificationKeys:
    """The signing keys of QR codes (核验签名密钥).

    Attributes:
        kid: id of the current key, 0 to 255.
        private: current private key; held by the issuer only.
        publics: all public keys still accepted, by id; a retired key is simply left out.

    Raises:
        BadValueError: when built without the current key among the accepted, or with another one under its id.
    """

    kid: int
    private: Ed25519PrivateKey = field(repr=False)
    publics: Mapping[int, Ed25519PublicKey] = field(repr=False)

    def __post_init__(self) -> None:
        current = self.publics.get(self.kid)
        if not all(0 <= kid <= 255 for kid in self.publics):
            raise BadValueError("核验签名密钥编号应在 0 到 255 之间")
        if current is None or current.public_bytes_raw() != self.private.public_key().public_bytes_raw():
            raise BadValueError("核验签名公钥中缺少与当前私钥对应的一把")

    @classmethod
    def of_seeds(cls, kid: int, seeds: Mapping[int, bytes]) -> "VerificationKeys":
        """Build from 32-byte seeds by id, the current one under ``kid``."""
        if kid not in seeds or any(len(seed) != 32 for seed in seeds.values()):
            raise BadValueError("核验签名密钥应为 32 字节，并包含当前编号")
        privates = {key: Ed25519PrivateKey.from_private_bytes(seed) for key, seed in seeds.items()}
        return cls(kid, privates[kid], {key: private.public_key() for key, private in privates.items()})

    @classmethod
    def of_list(cls, listed: KeyList, seeds: Mapping[int, bytes]) -> "VerificationKeys":
        """Build from the key list (密钥清单): the current key signs, all but the retired ones are accepted."""
        current = next(key.kid for key in listed.qr if key.state is KeyState.CURRENT)
        if current not in seeds:
            raise BadValueError("缺少现用的核验签名密钥")
        accepted = {
            key.kid: Ed25519PublicKey.from_public_bytes(key.public)
            for key in listed.qr
            if key.state is not KeyState.RETIRED
        }
        return cls(current, Ed25519PrivateKey.from_private_bytes(seeds[current]), accepted)

    def issue(self, verification: Verification) -> str:
        """Return the token (核验令牌) of a verification: 148 characters of A-Z and 2-7, the same every time."""
        said = Statement.about(verification)
        days = (said.last_day - _EPOCH_DAY).days
        body = _LAYOUT.pack(_VERSION, self.kid, int(said.number), said.issued_minute, days, said.digest)
        return base64.b32encode(body + self.private.sign(_DOMAIN + body)).rstrip(b"=").decode("ascii")

    def read(self, token: str) -> Statement | None:
        """Return what a token states (验签), in either case, or None for anything not signed by an accepted key."""
        unproved = Unproved.of(token)
        public = self.publics.get(unproved.kid) if unproved else None
        return unproved.statement if unproved and public and unproved.is_signed_by(public) else None

    def landing_url(self, base_url: str, verification: Verification) -> str:
        """Return the address in the QR code (核验地址): scheme and host in upper case, as URLs allow; a path stays."""
        base = urlsplit(base_url)
        return f"{base.scheme.upper()}://{base.netloc.upper()}{base.path.rstrip('/')}/V/{self.issue(verification)}"


def _decode(token: str) -> bytes | None:
    if len(token) != _TOKEN_CHARS or not token.isascii():
        return None
    upper = token.upper()
    try:
        raw = base64.b32decode(upper + "=" * (-len(upper) % 8))
    except ValueError:
        return None
    # The last character has four spare bits; only the one canonical spelling is a token.
    return raw if base64.b32encode(raw).rstrip(b"=") == upper.encode("ascii") else None


def _minute(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) // 60
