"""CHSI over HTTP (学信网接口): the contract is written down in docs/chsi.md; time-outs are short and never raise."""

import hashlib
import hmac
import json
import logging
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier

SKEW_SECONDS = 300
MOST_BYTES = 4096
_OK = 200
_LOG = logging.getLogger(__name__)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the contract wants an offset")
    return moment


def _read(answer: requests.Response, until: float) -> bytes:
    """Read a body byte by byte: the time-out of requests begins anew with every byte that drips in."""
    text = b""
    for byte in answer.iter_content(1):
        text += byte
        if len(text) > MOST_BYTES or time.monotonic() > until:
            raise requests.Timeout
    return text


def signature(secret: str, timestamp: str, path: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 both sides put on their calls."""
    return hmac.new(secret.encode(), f"{timestamp}\n{path}\n".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class HttpChsi:
    """CHSI behind its HTTP interface; fits ``bot.ports.Chsi``.

    Attributes:
        url: the interface's address, without a final slash.
        secret: shared secret of the signatures.
        timeout: seconds to connect, to wait for an answer, and to read it, each.
    """

    url: str
    secret: str = field(repr=False)
    timeout: float = 1.5

    def binding(self, dossier: Dossier) -> ChsiAnswer:
        """Ask whether the student status is bound (学籍绑定, N3)."""
        answer = self._ask("/binding", dossier, {})
        return {"bound": ChsiAnswer.YES, "unbound": ChsiAnswer.NO}.get(answer.get("status", ""), ChsiAnswer.UNKNOWN)

    def real_person(self, dossier: Dossier) -> RealPerson:
        """Ask for the state of the real-person check, and for its address while it is open (实人验证, N12)."""
        answer = self._ask("/real-person", dossier, {"reference": dossier.id})
        try:
            if answer.get("status") == "done":
                return RealPerson(ChsiAnswer.YES, _aware(answer["at"]))
            if answer.get("status") == "pending" and answer["url"].startswith(("https://", "http://")):
                return RealPerson(ChsiAnswer.NO, None, answer["url"])
        except (KeyError, ValueError, TypeError, AttributeError):
            _LOG.warning("chsi gave an answer that is not of the contract")
        return RealPerson(ChsiAnswer.UNKNOWN)

    def _ask(self, action: str, dossier: Dossier, more: dict[str, str]) -> dict[str, Any]:
        graduate = dossier.graduate
        who = {"name": graduate.name, "id_number": graduate.identity_number.value, **more}
        body = json.dumps(who, ensure_ascii=False).encode()
        address, timestamp = self.url + action, str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Signature": signature(self.secret, timestamp, urlsplit(address).path, body),
        }
        try:
            with requests.Session() as session:
                # A proxy of the environment is for the world outside; who is asked here stands in the settings.
                session.trust_env = False
                answer = session.post(
                    address, data=body, headers=headers, timeout=self.timeout, allow_redirects=False, stream=True
                )
                text = _read(answer, time.monotonic() + self.timeout)
            table = json.loads(text) if answer.status_code == _OK else None
        except (requests.RequestException, ValueError, RecursionError) as error:
            _LOG.warning("chsi did not answer: %s", type(error).__name__)
            return {}
        if isinstance(table, dict) and isinstance(table.get("status"), str):
            return table
        _LOG.warning("chsi gave an answer that is not of the contract, status %d", answer.status_code)
        return {}
