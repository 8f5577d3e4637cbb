"""Key lists for tests: invented keys, signed by an invented root."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from handlers.keylist.model import KeyList, KeyState, QrKey, ReportKey
from handlers.keylist.notation import canonical

SINCE = datetime(2026, 6, 20, 4, tzinfo=UTC)
ROOT = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
SEEDS = {1: b"1" * 32, 2: b"2" * 32, 3: b"3" * 32, 4: b"4" * 32}


def public_of(seed: bytes) -> bytes:
    """Return the public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def key_list(version: int = 3, **changes: Any) -> KeyList:  # noqa: ANN401 -- whatever field a test changes
    """Return a list: 4 retired, 1 former, 2 current, 3 next."""
    states = {4: KeyState.RETIRED, 1: KeyState.FORMER, 2: KeyState.CURRENT, 3: KeyState.NEXT}
    qr = tuple(QrKey(kid, public_of(SEEDS[kid]), state, SINCE) for kid, state in states.items())
    report = (ReportKey(b"an invented certificate", KeyState.CURRENT, SINCE),)
    root = ROOT.public_key().public_bytes_raw()
    listed = KeyList(version, SINCE, "江南示范大学", "quxiang.example.edu.cn", root, qr, report)
    return replace(listed, **changes)


def signed_again(found: dict[str, Any], root: Ed25519PrivateKey = ROOT) -> str:
    """Sign an object whatever is in it, as a careless or hostile holder of the root could."""
    body = {name: value for name, value in found.items() if name != "signature"}
    signature = root.sign(b"quxiang-keys-v1\0" + canonical(body))
    text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return json.dumps(body | {"signature": text}, ensure_ascii=False)
