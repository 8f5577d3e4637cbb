"""The key of the seal (签章密钥): made, named by its fingerprint, and refused unless it can seal."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from bot.errors import BadValueError

CURVE_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order n of P-256 (FIPS 186-5)."""
_YEARS: Final = 10
_COMMON_NAME_BYTES: Final = 64  # X.520, counted as ``cryptography`` counts it
_ENDING: Final = "报告签章"


@dataclass(frozen=True, slots=True)
class SealKey:
    """The key of the seal (签章密钥) with its certificate, both as PEM.

    Attributes:
        private_pem: ECDSA P-256 private key, PKCS #8, not encrypted; never shown, never logged.
        certificate_pem: the self-signed certificate; public, its fingerprint stands in the key list.
    """

    private_pem: bytes = field(repr=False)
    certificate_pem: bytes


def make_seal_key(issuer: str, now: datetime) -> SealKey:
    """Make a fresh key and its self-signed certificate (生成签章密钥), good for ten years.

    Args:
        issuer: name of the school, e.g. 江南示范大学.
        now: the present moment, with a time zone.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, issuer), x509.NameAttribute(NameOID.COMMON_NAME, _named(issuer))]
    )
    # A clock that runs a little behind must not find today's certificate "not yet valid".
    start = now.astimezone(UTC).replace(microsecond=0) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=366 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
        .sign(private, SHA256())
    )
    return SealKey(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.PEM),
    )


def fingerprint(certificate_pem: bytes) -> str:
    """Return the fingerprint (证书指纹): lower-case hex SHA-256 of the certificate's DER.

    Raises:
        BadValueError: not a certificate.
    """
    try:
        return x509.load_pem_x509_certificate(certificate_pem).fingerprint(SHA256()).hex()
    except ValueError:
        raise BadValueError("签章证书不是有效的 PEM 证书") from None


def demand_seal_key(key: SealKey) -> None:
    """Demand a key that can seal (核对签章密钥).

    Raises:
        BadValueError: the key is not P-256, is damaged, or does not belong to the certificate.
    """
    try:
        private = load_pem_private_key(key.private_pem, password=None)
        certificate = x509.load_pem_x509_certificate(key.certificate_pem)
        fits = isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(private.curve, ec.SECP256R1)
        is_pair = private.public_key() == certificate.public_key()
    except (ValueError, TypeError):
        fits = is_pair = False
    # Raised out here: the cause may quote what it could not read, and key material must not travel.
    if not fits:
        raise BadValueError("签章密钥或证书已损坏，或不是 ECDSA P-256 密钥")
    if not is_pair:
        raise BadValueError("签章密钥与签章证书不是一对")


def _named(issuer: str) -> str:
    room = _COMMON_NAME_BYTES - len(_ENDING.encode())
    return issuer.encode()[:room].decode(errors="ignore") + _ENDING


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,  # nonRepudiation, as the certificate calls it
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
