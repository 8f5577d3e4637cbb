import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pypdf import PdfReader

from bot.errors import BadValueError
from bot.registration.verification import Subject
from handlers.files.findings import Integrity
from handlers.files.signature import signatures_of
from handlers.report.pdf import Press
from handlers.report.seal import Seal
from handlers.report.seal_key import SealKey, fingerprint, make_seal_key
from tests.handlers.report.sample import NOW, SEASON, registered
from tests.handlers.report.test_document import LANDING, sheet

KEY = make_seal_key(SEASON.school, NOW)
SIGNED_AT = datetime(2023, 7, 1, 8, 30, tzinfo=UTC)
PRESS = Press(Seal(KEY, lambda: SIGNED_AT))


def pem(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_fresh_key_has_a_certificate_in_the_school_s_name_for_ten_years_and_for_signing_only() -> None:
    certificate = x509.load_pem_x509_certificate(KEY.certificate_pem)
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "江南示范大学报告签章"
    assert certificate.issuer == certificate.subject
    assert timedelta(days=3650) <= certificate.not_valid_after_utc - NOW <= timedelta(days=3660)
    assert certificate.not_valid_before_utc < NOW
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("issuer", ["中国某某某某某某某某某某某某某某某某某某大学（某某校区）", "A" * 200, "大"])
def test_a_long_name_is_cut_in_one_place_only_and_still_signs(issuer: str) -> None:
    key = make_seal_key(issuer, NOW)
    subject = x509.load_pem_x509_certificate(key.certificate_pem).subject
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == issuer
    assert str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value).endswith("报告签章")
    signed = signatures_of(Press(Seal(key, lambda: NOW)).pdf(sheet()), {fingerprint(key.certificate_pem)})
    assert signed
    assert signed.integrity is Integrity.WHOLE


def test_the_fingerprint_is_the_sha_256_of_the_certificate() -> None:
    certificate = x509.load_pem_x509_certificate(KEY.certificate_pem)
    assert fingerprint(KEY.certificate_pem) == certificate.fingerprint(hashes.SHA256()).hex()
    with pytest.raises(BadValueError, match="不是有效的 PEM 证书"):
        fingerprint(b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")


def test_the_seal_is_one_invisible_certification_that_allows_no_change() -> None:
    pdf = PRESS.pdf(sheet())
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.docmdp_level is MDPPerm.NO_CHANGES
    assert signature.md_algorithm == "sha256"
    assert signature.self_reported_timestamp == SIGNED_AT
    assert [float(side) for side in signature.sig_field["/Rect"]] == [0, 0, 0, 0]
    assert signatures_of(pdf, {fingerprint(KEY.certificate_pem)}) is not None


def test_the_sealed_file_stays_a_small_pdf_a_4_and_names_its_verification() -> None:
    pdf = PRESS.pdf(sheet(registered(), Subject.HOUSEHOLD))
    described = PdfReader(io.BytesIO(pdf)).xmp_metadata
    assert described is not None
    assert LANDING.encode() in described.stream.get_data()
    assert pdf.startswith(b"%PDF-2.0")
    assert b"/Version /1" not in pdf
    assert len(pdf) < 120_000


def test_the_picture_is_not_sealed() -> None:
    assert PRESS.preview(sheet()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "key",
    [
        SealKey(b"", KEY.certificate_pem),
        SealKey(b"rubbish", KEY.certificate_pem),
        SealKey(KEY.private_pem, b"rubbish"),
        SealKey(make_seal_key(SEASON.school, NOW).private_pem, KEY.certificate_pem),
        SealKey(pem(ed25519.Ed25519PrivateKey.generate()), KEY.certificate_pem),
        SealKey(pem(ec.generate_private_key(ec.SECP384R1())), KEY.certificate_pem),
        SealKey(pem(rsa.generate_private_key(65537, 2048)), KEY.certificate_pem),
        SealKey(KEY.private_pem.replace(b"MI", b"MJ", 1), KEY.certificate_pem),
    ],
)
def test_a_key_that_cannot_seal_is_refused_at_once_and_is_not_repeated(key: SealKey) -> None:
    with pytest.raises(BadValueError, match="签章密钥") as refused:
        Seal(key, lambda: NOW)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
    assert not re.search(r"[A-Za-z0-9+/]{40}", str(refused.value))


def test_the_private_key_does_not_show_when_written_to_a_log() -> None:
    assert "PRIVATE" not in repr(KEY)
    assert KEY.private_pem.decode().splitlines()[1] not in repr(KEY)
