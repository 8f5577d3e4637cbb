"""Games with the signature itself (伪造签章): its room, its structure, its range, and other people's signatures."""

# mypy: disable-error-code="no-untyped-call,import-untyped,no-any-return"
# pyHanko's objects are built by constructors without types, asn1crypto has none at all.

import io
import re
from collections.abc import Callable

from asn1crypto import cms, core
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from handlers.report.seal_key import CURVE_ORDER, SealKey
from tests.handlers.files.tampering import room_of


class BoldSigner(PdfSigner):
    """Signs although the file forbids it."""

    @staticmethod
    def _enforce_certification_constraints(reader: PdfFileReader) -> None:
        pass


def signed_by(pdf: bytes, key: SealKey) -> bytes:
    """Add a signature of somebody's, whatever the file allows."""
    nobody = SimpleCertificateStore.from_certs([])
    signer = SimpleSigner(
        next(load_certs_from_pemder_data(key.certificate_pem)),
        load_private_key_from_pemder_data(key.private_pem, passphrase=None),
        nobody,
    )
    said = PdfSignatureMetadata(field_name="Second", md_algorithm="sha256")
    out: io.BytesIO = BoldSigner(said, signer, new_field_spec=SigFieldSpec("Second")).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf))
    )
    return out.getvalue()


def in_room(pdf: bytes, filling: Callable[[bytes], bytes]) -> bytes:
    """Change the digits of the signature, and let their number be the same."""
    start, end = room_of(pdf)
    digits = filling(pdf[start:end])
    assert len(digits) == end - start
    return pdf[:start] + digits + pdf[end:]


def resigned(pdf: bytes, change: Callable[[cms.ContentInfo], None]) -> bytes:
    """Change the CMS structure of the signature."""

    def filling(digits: bytes) -> bytes:
        found = cms.ContentInfo.load(bytes.fromhex(digits.decode()))
        change(found)
        return found.dump(force=True).hex().upper().encode().ljust(len(digits), b"0")

    return in_room(pdf, filling)


def twin_signature(found: cms.ContentInfo) -> None:
    """Write the other one of the two equally good signatures."""
    signer = found["content"]["signer_infos"][0]
    r, s = decode_dss_signature(signer["signature"].native)
    signer["signature"] = encode_dss_signature(r, CURVE_ORDER - s)


def unsigned_remark(found: cms.ContentInfo) -> None:
    """Add an attribute that nobody signs."""
    remark = cms.CMSAttribute({"type": "1.2.3.4", "values": [core.UTF8String("hello")]})
    found["content"]["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([remark])


def ranged(pdf: bytes, numbers: Callable[[list[int]], list[int]]) -> bytes:
    """Change the byte range, in as many characters as it had."""
    found = list(re.finditer(rb"/ByteRange \[([0-9 ]+)\]", pdf))[-1]
    start, end = found.span(1)
    said = " ".join(map(str, numbers([int(number) for number in found[1].split()]))).encode()
    return pdf[:start] + said.ljust(end - start)[: end - start] + pdf[end:]


def transplanted(issued: bytes, other: bytes) -> bytes:
    """Put the seal of another report into this one."""
    start, end = room_of(other)
    return in_room(issued, lambda _: other[start:end])


def certificate_swapped(certificate_pem: bytes) -> Callable[[cms.ContentInfo], None]:
    """Return a step that puts another certificate of the same name into the signature."""
    (other,) = load_certs_from_pemder_data(certificate_pem)

    def step(found: cms.ContentInfo) -> None:
        found["content"]["certificates"] = cms.CertificateSet([cms.CertificateChoices("certificate", other)])

    return step
