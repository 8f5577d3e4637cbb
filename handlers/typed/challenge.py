"""The pause (等待): while somebody guesses on a large scale, every lookup waits some seconds, with a ticket as proof.

A ticket is signed, bound to the address block, good from its moment until some minutes later, and used once. It
makes guessing slow and each guess two requests; the budgets are what makes it hopeless.
"""

import hashlib
import math
import secrets
from dataclasses import dataclass, field

from itsdangerous import BadData, URLSafeSerializer

from bot.ports import Clock

LIFETIME = 600
"""How long a ticket can be used, in seconds from its issue."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket (等待凭证).

    Attributes:
        id: what is used up.
        text: what the form carries.
        wait: seconds until it is good, 0 if it is.
    """

    id: str
    text: str = field(repr=False)
    wait: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Makes and reads tickets (等待凭证).

    Attributes:
        secret: signs.
        clock: the present moment.
        seconds: how long one waits.
    """

    secret: str = field(repr=False)
    clock: Clock = field(repr=False)
    seconds: int = 10

    def issue(self, block: str) -> Ticket:
        """Return a new ticket (取号) for an address block."""
        number = secrets.token_hex(16)
        # Rounded down: whoever waits exactly as long as the page says has waited long enough.
        good_from = math.floor((self.clock().timestamp() + self.seconds) * 1000) / 1000
        text = self._signer().dumps([number, block, good_from])
        return Ticket(number, text if isinstance(text, str) else text.decode("ascii"), self.seconds)

    def read(self, text: str, block: str) -> Ticket | None:
        """Return the ticket (验号), or None if it is not ours, of another block or too old."""
        try:
            number, its_block, good_from = self._signer().loads(text)
        except (BadData, ValueError, TypeError):
            return None
        wait = good_from - self.clock().timestamp()
        if its_block != block or wait < self.seconds - LIFETIME:
            return None
        return Ticket(number, text, max(0, math.ceil(wait)))

    def _signer(self) -> URLSafeSerializer:
        settings = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        return URLSafeSerializer(self.secret, salt="verify pause", signer_kwargs=settings)
