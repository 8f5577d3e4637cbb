"""What the signature of a file says (签章检查), by pyHanko; runs in the child process ``handlers.files.child``.

pyHanko's bottom line is not enough: it is also good when bytes were appended that change nothing, and nobody signs the
room that holds the signature itself. So the whole file must be covered and that room be filled as our seal fills it.
"""

import asyncio
import hashlib
import io
from collections.abc import Collection
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.signers import ExternalSigner
from pyhanko.sign.validation import EmbeddedPdfSignature, SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from handlers.files.findings import Integrity, Signed
from handlers.report.seal_key import CURVE_ORDER


def signatures_of(pdf: bytes, pinned: Collection[str]) -> Signed | None:
    """Examine the signatures of a file (检查签章).

    Args:
        pdf: the file.
        pinned: fingerprints of our certificates, whatever their state.

    Returns:
        None for a file too damaged to find its signatures.
    """
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        count = sum(1 for _ in enumerate_sig_fields(reader, filled_status=True))
    except Exception:  # noqa: BLE001 -- damage shows in any way; pyHanko's errors have no common root
        return None
    try:
        return _single(pdf, reader, pinned) if count == 1 else Signed(count)
    except Exception:  # noqa: BLE001 -- as above
        return Signed(count)


def _single(pdf: bytes, reader: PdfFileReader, pinned: Collection[str]) -> Signed:
    (signature,) = reader.embedded_signatures
    mark = hashlib.sha256(signature.signer_cert.dump()).hexdigest()
    if mark not in pinned:
        return Signed(1, mark)
    status = validate_pdf_signature(signature, signer_validation_context=_trusting(signature))
    covered = SignatureCoverageLevel.ENTIRE_REVISION
    is_whole_part = status.intact and status.valid and status.trusted and status.coverage >= covered
    if not is_whole_part or not _is_room_as_ours(pdf, signature):
        return Signed(1, mark)
    *_, start, length = signature.byte_range
    return Signed(1, mark, _integrity(signature, status), int(start) + int(length))


def _integrity(signature: EmbeddedPdfSignature, status: PdfSignatureStatus) -> Integrity:
    if not status.bottom_line or signature.docmdp_level is not MDPPerm.NO_CHANGES:
        return Integrity.BROKEN
    return Integrity.WHOLE if status.coverage is SignatureCoverageLevel.ENTIRE_FILE else Integrity.ADDED


def _trusting(signature: EmbeddedPdfSignature) -> ValidationContext:
    # It is pinned. How long it counts is said by the key list, not by its own dates and the clock of a machine.
    certificate = signature.signer_cert
    moment = certificate.not_valid_before + timedelta(seconds=1)
    return ValidationContext(trust_roots=[certificate], allow_fetching=False, moment=moment)


def _is_room_as_ours(pdf: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Tell whether the one part nobody signs holds the signature as our seal writes it, and nothing besides."""
    _, start, end, _ = (int(number) for number in signature.byte_range)
    info = signature.signer_info
    nobody = SimpleCertificateStore.from_certs([])  # type: ignore[no-untyped-call]  # pyHanko's own
    signer = ExternalSigner(signature.signer_cert, nobody, signature_value=info["signature"].native)
    again = asyncio.run(signer.async_sign_prescribed_attributes("sha256", signed_attrs=info["signed_attrs"]))
    _, s = decode_dss_signature(info["signature"].native)
    filling: bytes = again.dump().hex().upper().encode().ljust(end - start - 2, b"0")
    return s <= CURVE_ORDER // 2 and pdf[start:end] == b"<" + filling + b">"
