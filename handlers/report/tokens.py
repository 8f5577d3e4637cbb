"""The link tokens of the report page (报告链接): signed; the page for some days, the whole report for minutes only."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from bot.ports import Clock

_PAGE, _WHOLE = "report", "whole report"
_WHOLE_AGE = timedelta(minutes=30)
"""Long enough to open the file in another browser, as WeChat makes one do; too short to be passed on."""


@dataclass(frozen=True, slots=True)
class ReportLinks:
    """Makes and reads the links (报告链接) a graduate gets in the chat.

    Attributes:
        secrets: signing secrets, newest last; older ones are still read.
        clock: the present moment.
        base_url: public address of the system, e.g. "https://bys.example.edu.cn".
        max_age: how long a link works.
    """

    secrets: Sequence[str] = field(repr=False)
    clock: Clock = field(repr=False)
    base_url: str
    max_age: timedelta = timedelta(days=7)

    def token(self, verification_id: str) -> str:
        """Return a fresh token (链接令牌) for a verification."""
        return self._token(_PAGE, verification_id)

    def whole_token(self, verification_id: str) -> str:
        """Return a token (下载令牌) for picture and file of a report that its graduate has just opened."""
        return self._token(_WHOLE, verification_id)

    def url(self, verification_id: str) -> str:
        """Return the address of the phone page (报告页地址)."""
        return f"{self.base_url.rstrip('/')}/r/{self.token(verification_id)}"

    def read(self, token: str) -> str | None:
        """Return the verification's identifier (授权标识), or None for a bad or expired token."""
        return self._read(_PAGE, token, self.max_age)

    def read_whole(self, token: str) -> str | None:
        """Return the verification's identifier of a ``whole_token``, or None for any other or expired one."""
        return self._read(_WHOLE, token, _WHOLE_AGE)

    def _token(self, salt: str, verification_id: str) -> str:
        token = self._serializer(salt).dumps(verification_id)
        return token if isinstance(token, str) else token.decode("ascii")

    def _read(self, salt: str, token: str, max_age: timedelta) -> str | None:
        try:
            payload = self._serializer(salt).loads(token, max_age=int(max_age.total_seconds()))
        except BadData:
            return None
        return payload if isinstance(payload, str) else None

    def _serializer(self, salt: str) -> URLSafeTimedSerializer:
        clock = self.clock

        class ClockSigner(TimestampSigner):
            """Asks our clock, so that tests and the sandbox may choose the day."""

            def get_timestamp(self) -> int:
                return int(clock().timestamp())

        return URLSafeTimedSerializer(
            list(self.secrets),
            salt=salt,
            signer=ClockSigner,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
