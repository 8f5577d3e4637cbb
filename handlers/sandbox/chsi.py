r"""The local CHSI (学信网): status binding (学籍绑定) and the real-person check (实人验证).

The contract, from which the app's client is written:

* ``POST /sandbox/chsi/binding`` with JSON ``{"name", "id_number"}`` answers 200
  ``{"status": "bound" | "unbound" | "unknown"}``. ``unknown``: CHSI knows this ID number under another name.
* ``POST /sandbox/chsi/real-person`` with JSON ``{"name", "id_number", "reference"}`` answers 200
  ``{"status": "done", "at": ISO 8601 with offset}`` or
  ``{"status": "pending", "url": "<base_url>/sandbox/chsi/real-person/<session>"}``.
* Each call carries ``X-Timestamp`` (Unix seconds) and ``X-Signature``, the hex HMAC-SHA256 with the shared secret over
  ``f"{timestamp}\n{path}\n".encode() + body``. A wrong signature, or a time off by more than 300 s, gets 401;
  a body that is not such JSON gets 400.
* When the person has finished on the page, CHSI posts JSON ``{"reference", "status": "done", "at"}`` to the callback
  address with the same two headers, ``path`` being the path of the callback address. A callback that fails is not
  repeated: ask again.

People CHSI was never told about count as bound and not yet verified.
"""

import datetime as dt
import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import urlsplit

import requests

from handlers.sandbox.account import ChsiOptions, SandboxError
from handlers.sandbox.network import Network
from handlers.sandbox.records import Person, Session

SKEW_SECONDS = 300
CALLBACK_SECONDS = 5.0
CHINA = dt.timezone(dt.timedelta(hours=8))


class Chsi:
    """What CHSI knows and does (学信网); the pages are in ``chsi_pages``."""

    def __init__(self, network: Network, options: ChsiOptions) -> None:
        self._network = network
        self._options = options

    def signature(self, timestamp: str, path: str, body: bytes) -> str:
        """X-Signature over time, path and body, in hex."""
        text = f"{timestamp}\n{path}\n".encode() + body
        return hmac.new(self._options.secret.encode(), text, hashlib.sha256).hexdigest()

    def is_signed(self, timestamp: str, path: str, body: bytes, signature: str) -> bool:
        """Whether a call is the app's own and fresh."""
        if not timestamp.isascii() or not timestamp.isdigit() or abs(time.time() - int(timestamp)) > SKEW_SECONDS:
            return False
        return hmac.compare_digest(self.signature(timestamp, path, body).encode(), signature.encode())

    def set_person(self, id_number: str, name: str, *, bound: bool = True, verified: bool = False) -> None:
        """Tell CHSI about a person; a second call replaces the first."""
        at = self._now() if verified else ""
        self._network.world.keep(Person(id_number.upper(), name, bound, at))

    def binding(self, name: str, id_number: str) -> str:
        """``bound``, ``unbound``, or ``unknown`` when the ID number belongs to another name."""
        person = self._network.world.find(Person, id_number.upper())
        if person is None:
            return "bound"
        if person.name != name:
            return "unknown"
        return "bound" if person.bound else "unbound"

    def verified_at(self, id_number: str) -> str:
        """When the real-person check was done, ISO 8601, or ""."""
        person = self._network.world.find(Person, id_number.upper())
        return person.verified_at if person else ""

    def begin(self, name: str, id_number: str, reference: str) -> Session:
        """The open session for this person and reference; asking again gives the same one."""
        world = self._network.world
        with world.change():
            for old in world.all(Session):
                if (old.id_number, old.reference) == (id_number.upper(), reference):
                    return old
            fresh = Session(secrets.token_urlsafe(16), id_number.upper(), name, reference)
            world.keep(fresh)
            return fresh

    def session(self, code: str) -> Session | None:
        """The session of this address."""
        return self._network.world.find(Session, code)

    def url(self, session: Session) -> str:
        """The address of the page where the person is checked."""
        return f"{self._network.base_url}/sandbox/chsi/real-person/{session.code}"

    def complete(self, id_number: str) -> bool:
        """Finish the real-person check of a person and call the app back for every open session.

        Returns:
            Whether every callback was answered with 2xx; the check is done in either case.
        """
        world, number = self._network.world, id_number.upper()
        with world.change():
            sessions = [each for each in world.all(Session) if each.id_number == number]
            person = world.find(Person, number)
            if person is None:
                if not sessions:
                    raise SandboxError("CHSI knows nobody with this ID number")
                person = Person(number, sessions[-1].name, bound=True)
            person.verified_at = person.verified_at or self._now()
            world.keep(person)
            for each in sessions:
                world.drop(each)
        answered = [self._call_back(each, person.verified_at) for each in sessions]
        return all(answered)

    def _call_back(self, session: Session, at: str) -> bool:
        body = json.dumps({"reference": session.reference, "status": "done", "at": at}).encode()
        stamp = str(int(self._network.clock()))
        path = urlsplit(self._options.callback_url).path
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": stamp,
            "X-Signature": self.signature(stamp, path, body),
        }
        try:
            with requests.Session() as http:
                http.trust_env = False
                http.max_redirects = 0
                answer = http.post(self._options.callback_url, data=body, headers=headers, timeout=CALLBACK_SECONDS)
        except requests.RequestException:
            return False
        return answer.ok

    def _now(self) -> str:
        return dt.datetime.fromtimestamp(int(self._network.clock()), CHINA).isoformat()
