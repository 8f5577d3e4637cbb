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
_LOG = logging.getLogger(__name__)


def signature(secret: str, timestamp: str, path: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 both sides put on their calls."""
    return hmac.new(secret.encode(), f"{timestamp}\n{path}\n".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class HttpChsi:
    """CHSI behind its HTTP interface; fits ``bot.ports.Chsi``.

    Attributes:
        url: the interface's address, without a final slash.
        secret: shared secret of the signatures.
        timeout: seconds to connect and to wait for an answer, each.
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
                return RealPerson(ChsiAnswer.YES, datetime.fromisoformat(answer["at"]))
            if answer.get("status") == "pending":
                return RealPerson(ChsiAnswer.NO, None, str(answer["url"]))
        except (KeyError, ValueError, TypeError):
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
                answer = session.post(address, data=body, headers=headers, timeout=self.timeout, allow_redirects=False)
            answer.raise_for_status()
            table = answer.json()
        except (requests.RequestException, ValueError) as error:
            _LOG.warning("chsi did not answer: %s", type(error).__name__)
            return {}
        return table if isinstance(table, dict) else {}
