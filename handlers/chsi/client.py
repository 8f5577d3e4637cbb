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

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier
from handlers.chsi.exchange import NoAnswerError, Ways
from storage.patience import seconds_left

SKEW_SECONDS = 300
_OK = 200
_LOG = logging.getLogger(__name__)


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the contract wants an offset")
    return moment


def signature(secret: str, timestamp: str, path: str, body: bytes) -> str:
    """Return the hex HMAC-SHA256 both sides put on their calls."""
    return hmac.new(secret.encode(), f"{timestamp}\n{path}\n".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class HttpChsi:
    """CHSI behind its HTTP interface; fits ``bot.ports.Chsi``.

    Attributes:
        url: the interface's address, without a final slash.
        secret: shared secret of the signatures.
        timeout: seconds for connecting, asking and reading the answer, together.
        ways: a few exchanges at once.
    """

    url: str
    secret: str = field(repr=False)
    timeout: float = 1.5
    ways: Ways = field(default_factory=Ways, repr=False)

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
            answer = self.ways.post(address, body, headers, seconds_left(self.timeout))
            table = json.loads(answer.body) if answer.status == _OK else None
        except (NoAnswerError, ValueError, RecursionError) as error:
            _LOG.warning("chsi did not answer: %s", error if isinstance(error, NoAnswerError) else type(error).__name__)
            return {}
        if isinstance(table, dict) and isinstance(table.get("status"), str):
            return table
        _LOG.warning("chsi gave an answer that is not of the contract, status %d", answer.status)
        return {}
