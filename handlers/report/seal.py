"""The seal (报告签章): the school's own signature over the file of a report, so that a changed file is found out.

PAdES with ECDSA P-256, certified with "no changes" and invisible: no reader outside knows a school's own certificate,
so a stamp would only show a warning. Who wants to know drops the file on our own page, where the certificate is pinned.
"""

from functools import cached_property
from typing import TYPE_CHECKING

from bot.ports import Clock
from handlers.report.seal_key import SealKey, demand_seal_key

if TYPE_CHECKING:
    from handlers.report.signing import Signer


class Seal:
    """Signs the files of reports (签章).

    Args:
        key: the current key and its certificate.
        clock: the present moment, written into each signature.

    Raises:
        BadValueError: the key is not P-256, is damaged, or does not belong to the certificate.
    """

    def __init__(self, key: SealKey, clock: Clock) -> None:
        demand_seal_key(key)
        self._key = key
        self._clock = clock

    def sign(self, pdf: bytes) -> bytes:
        """Return the file with the signature (已签章文件): PAdES, certified, no changes allowed, nothing visible."""
        return self._signer.sign(pdf, self._clock())

    @cached_property
    def _signer(self) -> "Signer":
        from handlers.report.signing import Signer  # noqa: PLC0415 -- 21 MB for processes that may never seal a report

        return Signer(self._key)
