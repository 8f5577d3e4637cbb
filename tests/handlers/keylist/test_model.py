import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.errors import BadValueError
from handlers.keylist.model import KeyList, KeyListError, KeyState, ListFault, QrKey
from tests.handlers.keylist.listing import ROOT, SEEDS, SINCE, key_list, public_of, signed_again

TEXT = key_list().sign(ROOT)


def fault_of(text: str, **demands: Any) -> ListFault:  # noqa: ANN401 -- handed on
    with pytest.raises(KeyListError) as caught:
        KeyList.parse(text, **demands)
    return caught.value.fault


def test_a_published_list_is_read_back_as_it_was_signed() -> None:
    assert KeyList.parse(TEXT) == key_list()
    assert KeyList.parse(TEXT, at_least=3, root=key_list().fingerprint.upper()) == key_list()
    assert "江南示范大学" in TEXT


def test_the_order_and_the_blanks_of_the_json_do_not_matter() -> None:
    found = json.loads(TEXT)
    shuffled = json.dumps(dict(reversed(found.items())), ensure_ascii=True, separators=(",", ":"))
    assert KeyList.parse(shuffled) == key_list()


@pytest.mark.parametrize("junk", ["", "{}", "[]", "null", "3", '"text"', "{", "[" * 100_000, "x" * 1_000_001, "NaN"])
def test_what_is_no_list_is_refused_with_a_sentence(junk: str) -> None:
    assert fault_of(junk) is ListFault.MALFORMED


def _entry(**changes: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401 -- any value a list may wrongly hold
    return lambda found: found["qr"][0].update(changes)


def _certificate(**changes: Any) -> Callable[[dict[str, Any]], None]:  # noqa: ANN401 -- as above
    return lambda found: found["report"][0].update(changes)


SPOILERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "version zero": lambda found: found.update(version=0),
    "version as text": lambda found: found.update(version="3"),
    "version with a point": lambda found: found.update(version=3.0),
    "version true": lambda found: found.update(version=True),
    "version beyond JavaScript": lambda found: found.update(version=2**53),
    "a moment without Z": lambda found: found.update(issued_at="2026-06-20T04:00:00+00:00"),
    "a moment without zeros": lambda found: found.update(issued_at="2026-6-20T04:00:00Z"),
    "an issuer that is no text": lambda found: found.update(issuer=None),
    "half a character": lambda found: found.update(issuer="\ud800"),
    "a short root": lambda found: found.update(root="AAAA"),
    "a padded root": lambda found: found.update(root=found["root"] + "="),
    "one thing more": lambda found: found.update(note="new"),
    "one thing less": lambda found: found.pop("host"),
    "keys as an object": lambda found: found.update(qr={}),
    "a key that is no object": lambda found: found["qr"].append(7),
    "no keys": lambda found: found.update(qr=[]),
    "no report key": lambda found: found.update(report=[]),
    "a state nobody knows": _entry(state="paused"),
    "two current keys": _entry(state="current"),
    "a kid of 256": _entry(kid=256),
    "a kid twice": _entry(kid=1),
    "a public key twice": lambda found: found["qr"][0].update(public=found["qr"][1]["public"]),
    "a key with spare bits": lambda found: found["qr"][0].update(public=found["qr"][0]["public"][:-1] + "B"),
    "a key with a blank": lambda found: found["qr"][0].update(public=found["qr"][0]["public"] + "\n"),
    "no next key": lambda found: found["qr"].pop(),
    "another certificate's fingerprint": _certificate(fingerprint="0" * 64),
    "a report key as next": _certificate(state="next"),
}


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=SPOILERS)
def test_a_wrong_shape_is_refused_even_if_the_root_signed_it(spoiler: Callable[[dict[str, Any]], object]) -> None:
    found = json.loads(TEXT)
    spoiler(found)
    text = signed_again(found) if found["issuer"] != "\ud800" else json.dumps(found)
    assert fault_of(text) is ListFault.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        {"version": 4},
        {"issuer": "江南示范大學"},
        {"host": "quxiang.example.edu.cn.evil.example"},
        {"issued_at": "2026-06-20T04:00:01Z"},
        {"signature": "A" * 86},
    ],
)
def test_an_altered_list_is_refused(change: dict[str, Any]) -> None:
    assert fault_of(json.dumps(json.loads(TEXT) | change)) is ListFault.BAD_SIGNATURE


def test_a_retired_key_cannot_be_brought_back_without_the_root() -> None:
    found = json.loads(TEXT)
    found["qr"][0]["state"] = "former"
    assert fault_of(json.dumps(found)) is ListFault.BAD_SIGNATURE


def test_a_root_that_is_no_point_of_the_curve_is_refused() -> None:
    found = json.loads(TEXT) | {"root": "_" * 42 + "8"}
    assert fault_of(json.dumps(found)) is ListFault.BAD_SIGNATURE


def test_a_list_of_another_root_is_refused_when_the_root_is_pinned() -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    forged = key_list(root=stranger.public_key().public_bytes_raw()).sign(stranger)
    assert KeyList.parse(forged).issuer == "江南示范大学"
    assert fault_of(forged, root=key_list().fingerprint) is ListFault.OTHER_ROOT


def test_a_rolled_back_list_is_refused_and_a_newer_or_equal_one_is_not() -> None:
    assert KeyList.parse(TEXT, at_least=3).version == 3
    assert fault_of(TEXT, at_least=4) is ListFault.ROLLBACK


def test_only_its_own_root_signs_a_list() -> None:
    with pytest.raises(BadValueError, match="根密钥"):
        key_list().sign(Ed25519PrivateKey.from_private_bytes(b"s" * 32))


def test_a_list_that_breaks_the_promise_of_two_live_keys_cannot_be_built() -> None:
    only = QrKey(1, public_of(SEEDS[1]), KeyState.CURRENT, SINCE)
    with pytest.raises(BadValueError, match="备用"):
        key_list(qr=(only,))
