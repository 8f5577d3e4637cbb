"""The key lists of the vectors, and the vectors about accepting a list. All keys are invented, for tests only."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.curve import BASE, IDENTITY, ORDER_EIGHT, L, P, times, written

SEEDS = {kid: hashlib.sha256(f"quxiang test vectors, qr {kid}".encode()).digest() for kid in (1, 2, 3, 4, 5, 9)}
"""The seeds of the QR keys: SHA-256 of these words. Whoever reads this can sign with them."""
ROOT = hashlib.sha256(b"quxiang test vectors, root").digest()
OTHER_ROOT = hashlib.sha256(b"quxiang test vectors, other root").digest()
DOMAIN = b"quxiang-keys-v1\0"
SINCE = "2026-06-20T04:00:00Z"
WEAK = {
    10: written(IDENTITY),
    11: written(ORDER_EIGHT),
    12: written(times(2, ORDER_EIGHT)),
    13: written(times(4, ORDER_EIGHT)),
    14: (P + 1).to_bytes(32, "little"),
    15: (1 | 1 << 255).to_bytes(32, "little"),
    16: (2).to_bytes(32, "little"),
}
"""Public keys nobody needs a secret for, by key id, and one that is no point of the curve."""

Vector = dict[str, Any]
Object = dict[str, Any]


def signed_by(seed: bytes, message: bytes) -> bytes:
    """Sign with the key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def public_of(seed: bytes) -> bytes:
    """Return the public key of a seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def text_of(raw: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def published(found: Object, seed: bytes = ROOT, domain: bytes = DOMAIN) -> str:
    """Write a list as it is published: canonical JSON, signed."""
    return canonical(found | {"signature": text_of(signed_by(seed, domain + canonical(found).encode()))})


def canonical(found: Object) -> str:
    """Write canonical JSON."""
    return json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


USUAL = {4: "retired", 1: "former", 2: "current", 3: "next"}


def unsigned(version: int = 7, states: Mapping[int, str] = USUAL, root: bytes = ROOT) -> Object:
    """Return a list before it is signed, with these states of QR keys."""
    certificate = b"no certificate, only bytes for a test"
    return {
        "version": version,
        "issued_at": "2026-06-20T04:00:00Z",
        "issuer": "江南示范大学",
        "host": "quxiang.example.edu.cn",
        "root": text_of(public_of(root)),
        "qr": [
            {"kid": kid, "public": text_of(WEAK.get(kid) or public_of(SEEDS[kid])), "state": state, "since": SINCE}
            for kid, state in states.items()
        ],
        "report": [
            {
                "fingerprint": hashlib.sha256(certificate).hexdigest(),
                "certificate": text_of(certificate),
                "state": "current",
                "since": SINCE,
            }
        ],
    }


def named() -> dict[str, str]:
    """Return the lists the vectors of tokens name."""
    weak = dict.fromkeys(WEAK, "former")
    return {
        "older": published(unsigned(6, USUAL | {4: "former"})),
        "usual": published(unsigned()),
        "newer": published(unsigned(8, {4: "retired", 1: "retired", 2: "former", 3: "current", 5: "next"})),
        "weak": published(unsigned(9, {2: "current", 3: "next"} | weak)),
    }


def vectors() -> list[Vector]:
    """Return all vectors of key lists."""
    return [*_accepted(), *_no_lists(), *_forged(), *_others(), *_older()]


def _vector(name: str, text: str, expect: str, at_least: int = 0, root: str | None = None) -> Vector:
    return {"name": name, "kind": "keylist", "text": text, "at_least": at_least, "root": root, "expect": expect}


def _accepted() -> Iterator[Vector]:
    found, pinned = unsigned(), hashlib.sha256(public_of(ROOT)).hexdigest()
    good = published(found)
    whole = json.loads(good)
    yield _vector("a list", good, "accept")
    yield _vector("the version seen before", good, "accept", at_least=7)
    yield _vector("a version older than this one was seen", good, "accept", at_least=6)
    yield _vector("the pinned root", good, "accept", root=pinned)
    yield _vector("the pinned root in capitals", good, "accept", root=pinned.upper())
    yield _vector("with line breaks and blanks", json.dumps(whole, ensure_ascii=False, indent=2) + "\n", "accept")
    yield _vector("in another order", json.dumps(dict(reversed(whole.items())), ensure_ascii=False), "accept")
    yield _vector("with escaped letters", json.dumps(whole), "accept")
    quoted = published(found | {"issuer": '江南"示范"\\大学\u2028\u007f\t'})
    yield _vector("an issuer with marks that are escaped", quoted, "accept")
    yield _vector("an issuer beyond the basic plane", published(found | {"issuer": "𬭊大学"}), "accept")
    yield _vector("without former and retired keys", published(unsigned(1, {2: "current", 3: "next"})), "accept")
    yield _vector("the highest version there is", published(unsigned(2**53 - 1)), "accept")


def _no_lists() -> Iterator[Vector]:
    good = published(unsigned())
    for name, text in (
        ("nothing", ""),
        ("a word", "去向"),
        ("a page instead", "<!doctype html><title>503</title>"),
        ("null", "null"),
        ("an array", f"[{good}]"),
        ("half of it", good[: len(good) // 2]),
        ("something behind it", f"{good}{{}}"),
        ("half a letter", good.replace("江南示范大学", "\\ud800")),
        ("a comment", good.replace("{", "{/* */", 1)),
        ("a version with a fraction of zero", good.replace('"version":7', '"version":7.0')),
        ("a version with an exponent", good.replace('"version":7', '"version":7e0')),
        ("a version that is no number", good.replace('"version":7', '"version":NaN')),
    ):
        yield _vector(name, text, "list_malformed")
    for name in json.loads(good):
        left = {key: value for key, value in json.loads(good).items() if key != name}
        yield _vector(f"without {name}", canonical(left), "list_malformed")
    for name, change in _MISSHAPEN.items():
        yield _vector(name, published(change(unsigned())), "list_malformed")


def _forged() -> Iterator[Vector]:
    found = unsigned()
    good: Object = json.loads(published(found))
    changes: dict[str, Object] = {
        "a higher version": {"version": 8},
        "another issuer": {"issuer": "江南示范大学 "},
        "another host": {"host": "quxiang.example.com"},
        "another day": {"issued_at": "2026-06-21T04:00:00Z"},
        "a key brought back": {
            "qr": [{**key, "state": key["state"].replace("retired", "former")} for key in good["qr"]]
        },
        "a key of a stranger": {"qr": [{**key, "public": _exchanged(key)} for key in good["qr"]]},
        "keys in another order": {"qr": good["qr"][::-1]},
        "a retired key left out": {"qr": good["qr"][1:]},
        "another root": {"root": text_of(public_of(OTHER_ROOT))},
    }
    for name, change in changes.items():
        yield _vector(f"changed after signing: {name}", canonical(good | change), "list_bad_signature")
    raw = signed_by(ROOT, DOMAIN + canonical(found).encode())
    malleable = raw[:32] + (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")
    zeros = bytes(64)
    for name, signature in (
        ("S + L", malleable),
        ("zeros", zeros),
        ("one bit flipped", bytes((raw[0] ^ 1,)) + raw[1:]),
    ):
        yield _vector(f"signature: {name}", canonical(good | {"signature": text_of(signature)}), "list_bad_signature")
    yield _vector("signed by a QR key", published(found, SEEDS[2]), "list_bad_signature")
    yield _vector("signed by another root", published(found, OTHER_ROOT), "list_bad_signature")
    yield _vector("signed for another purpose", published(found, domain=b"quxiang-verify-v1\0"), "list_bad_signature")
    for name, kid in (("neutral", 10), ("written as p + 1", 14), ("neutral with a sign", 15), ("no point at all", 16)):
        for how, nonce in (("", 0), (", with an honest R", 123_456_789)):
            signature = written(times(nonce, BASE)) + nonce.to_bytes(32, "little")
            forged = found | {"root": text_of(WEAK[kid]), "signature": text_of(signature)}
            yield _vector(f"a root anybody can sign for: {name}{how}", canonical(forged), "list_bad_signature")


def _others() -> Iterator[Vector]:
    other = hashlib.sha256(public_of(OTHER_ROOT)).hexdigest()
    good = published(unsigned())
    yield _vector("another root is pinned", good, "list_other_root", root=other)
    yield _vector("a root of nobody is pinned", good, "list_other_root", root="0" * 64)
    yield _vector("the other root is said before the rollback", good, "list_other_root", at_least=8, root=other)
    stranger = published(unsigned(9, {2: "current", 3: "next"}, OTHER_ROOT), OTHER_ROOT)
    pinned = hashlib.sha256(public_of(ROOT)).hexdigest()
    yield _vector("a newer list of a stranger", stranger, "list_other_root", at_least=7, root=pinned)


def _older() -> Iterator[Vector]:
    good = published(unsigned())
    yield _vector("one version back", good, "list_rollback", at_least=8)
    yield _vector("many versions back", good, "list_rollback", at_least=1000)
    broken = good.replace('"version":7', '"version":6')
    yield _vector("the bad signature is said before the rollback", broken, "list_bad_signature", at_least=7)


def _exchanged(key: Object) -> str:
    return text_of(public_of(SEEDS[9])) if key["kid"] == 2 else str(key["public"])


def _with_key(index: int, **change: object) -> Callable[[Object], Object]:
    def changed(found: Object) -> Object:
        keys = list(found["qr"])
        keys[index] = {name: value for name, value in (keys[index] | change).items() if value is not None}
        return found | {"qr": keys}

    return changed


def _with_report(**change: object) -> Callable[[Object], Object]:
    return lambda found: found | {"report": [found["report"][0] | change]}


_PUBLIC = public_of(SEEDS[1])
_MISSHAPEN: dict[str, Callable[[Object], Object]] = {
    "one thing more": lambda found: found | {"note": ""},
    "version 0": lambda found: found | {"version": 0},
    "a negative version": lambda found: found | {"version": -1},
    "version as text": lambda found: found | {"version": "7"},
    "version true": lambda found: found | {"version": True},
    "a version no JavaScript number holds": lambda found: found | {"version": 2**53},
    "an issuer that is no text": lambda found: found | {"issuer": 1},
    "no host": lambda found: found | {"host": None},
    "a day that does not exist": lambda found: found | {"issued_at": "2026-02-30T04:00:00Z"},
    "a moment without seconds": lambda found: found | {"issued_at": "2026-06-20T04:00Z"},
    "a moment of another zone": lambda found: found | {"issued_at": "2026-06-20T04:00:00+08:00"},
    "a root of 31 bytes": lambda found: found | {"root": text_of(bytes(31))},
    "a root with padding": lambda found: found | {"root": found["root"] + "="},
    "a root whose spare bits are set": lambda found: found | {"root": text_of(bytes(32))[:-1] + "B"},
    "keys that are no array": lambda found: found | {"qr": {}},
    "no keys": lambda found: found | {"qr": []},
    "two current keys": _with_key(1, state="current"),
    "no current key": _with_key(2, state="former"),
    "no next key": _with_key(3, state="former"),
    "a state there is not": _with_key(1, state="forever"),
    "a key id twice": _with_key(0, kid=1),
    "a key twice": _with_key(0, public=text_of(_PUBLIC)),
    "key id 256": _with_key(0, kid=256),
    "key id -1": _with_key(0, kid=-1),
    "key id as text": _with_key(0, kid="4"),
    "a key without its day": _with_key(0, since=None),
    "a key of 33 bytes": _with_key(0, public=text_of(bytes(33))),
    "a key in another alphabet": _with_key(0, public="+/" * 21 + "A"),
    "no report key": lambda found: found | {"report": []},
    "a report key announced": _with_report(state="next"),
    "no current report key": _with_report(state="former"),
    "a fingerprint of something else": _with_report(fingerprint="0" * 64),
    "a fingerprint in capitals": _with_report(
        fingerprint=hashlib.sha256(b"no certificate, only bytes for a test").hexdigest().upper()
    ),
}
