"""Signing a file (文件签名), by pyHanko; nothing but the seal loads it, and not before the first report.

pyHanko brings an HTTP client, fonts and its own checks of signatures: 21 MB and a third of a second.
"""

import io
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSigningSession
from pyhanko_certvalidator.registry import SimpleCertificateStore

from handlers.report.seal_key import CURVE_ORDER, SealKey

_FIELD: Final = "ReportSeal"
_RESERVED: Final = 6144  # hex digits kept free for the signature: it takes 2,000, more with a school's long name


class Signer:
    """Signs files with one key (签名者); safe to share between threads.

    Args:
        key: a key that was found sound.
    """

    def __init__(self, key: SealKey) -> None:
        self._signer = _OneSigner(
            signing_cert=next(load_certs_from_pemder_data(key.certificate_pem)),
            signing_key=load_private_key_from_pemder_data(key.private_pem, passphrase=None),
            cert_registry=SimpleCertificateStore.from_certs([]),  # type: ignore[no-untyped-call]  # pyHanko's own
        )

    def sign(self, pdf: bytes, now: datetime) -> bytes:
        """Return the file with the signature (已签章文件), made at this moment."""
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        said = PdfSignatureMetadata(
            field_name=_FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        signer = _ClockSigner(said, self._signer, new_field_spec=SigFieldSpec(_FIELD))
        signer.now = now.astimezone(UTC)
        out: io.BytesIO = signer.sign_pdf(writer, bytes_reserved=_RESERVED)
        return out.getvalue()


class _OneSigner(SimpleSigner):
    """Of the two signatures (r, s) and (r, n - s), which are equally good, it always writes the smaller s (唯一写法).

    Otherwise anybody could write down the other one: another file, as genuine as ours.
    """

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        r, s = decode_dss_signature(super().sign_raw(data, digest_algorithm))
        return encode_dss_signature(r, min(s, CURVE_ORDER - s))


class _ClockSigner(PdfSigner):
    """Signs at our clock's moment (签章时间) instead of the machine's: tests and the sandbox choose the day."""

    now: datetime

    def init_signing_session(self, pdf_out: BasePdfFileWriter, existing_fields_only: bool = False) -> PdfSigningSession:  # noqa: FBT002 -- pyHanko's own
        session = super().init_signing_session(pdf_out, existing_fields_only)
        session.system_time = self.now
        return session
