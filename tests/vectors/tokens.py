"""The vectors of tokens: what a scanner may read, when, against which key list, and what it must be called."""

import base64
import struct
from collections.abc import Iterator

from tests.vectors.curve import BASE, IDENTITY, ORDER_EIGHT, L, P, challenge, sign, times, written
from tests.vectors.lists import SEEDS, WEAK, Vector, signed_by

CLOCK = "2026-07-01T02:00:00Z"
ISSUED = 29_705_820  # 2026-06-25T01:00:00Z in minutes
LAST_DAY = 20812  # 2026-12-25 in days
NUMBER = 23127150
DIGEST = bytes.fromhex("5f1d0c6a2b3e4f5061728394a5b6c7d8")
DOMAIN = b"quxiang-verify-v1\0"
SAID = {"number": "23127150", "issued": "2026-06-25T01:00:00Z", "last_day": "2026-12-25"}
HOST = "HTTPS://QUXIANG.EXAMPLE.EDU.CN"


def body(kid: int = 2, number: int = NUMBER, issued: int = ISSUED, last_day: int = LAST_DAY, version: int = 1) -> bytes:
    """Pack what a token says."""
    return struct.pack(">BBIIH16s", version, kid, number, issued, last_day, DIGEST)


def token(said: bytes, signature: bytes | None = None) -> str:
    """Write a token, signed by the key it names unless a signature is given."""
    raw = said + (signed_by(SEEDS[said[1]], DOMAIN + said) if signature is None else signature)
    return base64.b32encode(raw).rstrip(b"=").decode()


def genuine(name: str, text: str, clock: str = CLOCK, **said: str | bool) -> Vector:
    """Expect a genuine token."""
    expect = {"genuineness": "genuine", **SAID, "is_past": False} | said
    keys = expect.pop("keys", "usual")
    return {"name": name, "kind": "token", "token": text, "clock": clock, "keys": keys, "expect": expect}


def refused(name: str, text: str, genuineness: str, keys: str = "usual", clock: str = CLOCK) -> Vector:
    """Expect a refusal, which tells nothing about what the token says."""
    expect = {"genuineness": genuineness}
    return {"name": name, "kind": "token", "token": text, "clock": clock, "keys": keys, "expect": expect}


def vectors() -> list[Vector]:
    """Return all vectors of tokens."""
    parts = (_spellings, _keys, _days, _clocks, _no_tokens, _other_versions, _altered, _strange_signatures, _weak_keys)
    return [vector for part in parts for vector in part()]


def _spellings() -> Iterator[Vector]:
    good = token(body())
    yield genuine("the current key", good)
    yield genuine("in lower case", good.lower())
    yield genuine("in mixed case", "".join(c.lower() if i % 2 else c for i, c in enumerate(good)))
    yield genuine("as printed: an address in capitals", f"{HOST}/V/{good}")
    yield genuine("an address in small letters", f"{HOST}/V/{good}".lower())
    yield genuine("an address with a port and a folder", f"http://127.0.0.1:8000/xs/v/{good}")
    yield genuine("only the path of an address", f"/V/{good}")
    yield genuine("the last of two doors counts", f"{HOST}/V/{good}/v/{good}")
    yield genuine("an address elsewhere: only the token is looked at", f"https://quxiang.example.com/V/{good}")
    yield genuine("blanks and line ends around it", f" \t{good}\r\n")
    yield genuine("an ideographic space around it", f"\u3000{good}\u3000")
    yield genuine("number of zeros", token(body(number=0)), number="00000000")
    yield genuine("number of nines", token(body(number=99_999_999)), number="99999999")


def _keys() -> Iterator[Vector]:
    yield genuine("a former key", token(body(kid=1)))
    yield genuine("the next key, already announced", token(body(kid=3)))
    yield genuine("before its key was retired", token(body(kid=4)), keys="older")
    yield refused("after its key was retired", token(body(kid=4)), "retired_key")
    yield genuine("before the next rotation", token(body(kid=1)), "2026-07-02T00:00:00Z")
    yield refused("after the next rotation", token(body(kid=1)), "retired_key", keys="newer")
    yield genuine("the key that became former", token(body(kid=2)), keys="newer")
    yield genuine("the key that became current", token(body(kid=3)), keys="newer")
    yield refused("a key of the newer list, not in this one", token(body(kid=5)), "unknown_key")
    yield genuine("the same in the newer list", token(body(kid=5)), keys="newer")
    zeros = bytes(64)
    for kid in (0, 9, 255):
        yield refused(f"key {kid} is not listed", token(body(kid=kid), zeros), "unknown_key")
    yield refused("retired is said before the signature is looked at", token(body(kid=4), zeros), "retired_key")


def _days() -> Iterator[Vector]:
    for name, day, last in (
        ("an ordinary day", LAST_DAY, "2026-12-25"),
        ("the last day of a month", 20665, "2026-07-31"),
        ("a leap day", 21243, "2028-02-29"),
        ("the last day of a year", 20818, "2026-12-31"),
        ("29 February is no day in 2027", 20877, "2027-02-28"),
    ):
        text = token(body(last_day=day))
        for moment, seconds, is_past in (
            ("a second before its end", "23:59:58", False),
            ("its last second", "23:59:59", False),
            ("half a second later", "23:59:59.500", True),
        ):
            clock = f"{last}T{seconds}+08:00"
            yield genuine(f"{name}: {moment}", text, clock, last_day=last, is_past=is_past)
    text = token(body())
    yield genuine("midnight in Shanghai is past", text, "2026-12-26T00:00:00+08:00", is_past=True)
    yield genuine("the last second, told in UTC", text, "2026-12-25T15:59:59Z")
    yield genuine("a second later, told in UTC", text, "2026-12-25T16:00:00Z", is_past=True)
    yield genuine("midnight in UTC is eight in the morning", text, "2026-12-25T00:00:00Z")
    yield genuine("years later", text, "2036-01-01T00:00:00Z", is_past=True)
    yield genuine("the first day there is", token(body(last_day=0)), last_day="1970-01-01", is_past=True)
    yield genuine("the last day there is", token(body(last_day=65535)), last_day="2149-06-06")


def _clocks() -> Iterator[Vector]:
    text = token(body())
    yield genuine("at the minute of issue", text, "2026-06-25T01:00:00Z")
    yield genuine("a clock ten minutes slow", text, "2026-06-25T00:50:00Z")
    wrong = {"genuineness": "clock", **SAID, "is_past": False}
    for name, clock in (
        ("a clock ten minutes and a second slow", "2026-06-25T00:49:59Z"),
        ("a clock a day slow", "2026-06-24T01:00:00Z"),
        ("a clock of 1970", "1970-01-01T00:00:00Z"),
    ):
        yield {**genuine(name, text, clock), "expect": wrong}
    yield genuine(
        "issued in 1970, read in 1970", token(body(issued=0)), "1970-01-01T00:00:00Z", issued="1970-01-01T00:00:00Z"
    )
    yield {
        **genuine("issued on the last day there is, read now", token(body(last_day=0, issued=ISSUED + 525_600))),
        "expect": {**wrong, "issued": "2027-06-25T01:00:00Z", "last_day": "1970-01-01"},
    }
    yield refused(
        "signed by a stranger, under a wrong clock",
        token(body(), bytes(64)),
        "bad_signature",
        clock="1970-01-01T00:00:00Z",
    )


def _no_tokens() -> Iterator[Vector]:
    good = token(body())
    raw = body() + signed_by(SEEDS[2], DOMAIN + body())
    middle = 70
    for name, text in (
        ("nothing", ""),
        ("blanks", "   "),
        ("a word", "去向"),
        ("a number", "23127150"),
        ("an address without a token", f"{HOST}/V/"),
        ("an address of another door", f"{HOST}/R/{good}"),
        ("an address with a question", f"{HOST}/V/{good}?lang=en"),
        ("an address with a slash at the end", f"{HOST}/V/{good}/"),
        ("one character short", good[:-1]),
        ("eight characters short", good[:-8]),
        ("the first character lost", good[1:]),
        ("without its signature", good[:45]),
        ("one character long", f"{good}A"),
        ("twice", good * 2),
        ("with padding", f"{good}===="),
        ("padding in place of the last characters", f"{good[:-4]}===="),
        ("base64 of the same bytes", base64.urlsafe_b64encode(raw).decode()),
        ("hex of the same bytes", raw.hex()),
        ("a blank inside", f"{good[:middle]} {good[middle + 1 :]}"),
        ("a line end inside", f"{good[:middle]}\n{good[middle + 1 :]}"),
        ("a zero byte inside", f"{good[:middle]}\0{good[middle + 1 :]}"),
        ("a hyphen inside", f"{good[:middle]}-{good[middle + 1 :]}"),
        ("a long s, whose capital is S", f"{good[:middle]}\u017f{good[middle + 1 :]}"),
        ("a dotless i, whose capital is I", f"{good[:middle]}\u0131{good[middle + 1 :]}"),
        ("a full-width letter", f"{good[:middle]}\uff21{good[middle + 1 :]}"),
        ("a digit of another script", f"{good[:middle]}\u0662{good[middle + 1 :]}"),
    ):
        yield refused(name, text, "malformed")
    for character in "0189":
        text = f"{good[:middle]}{character}{good[middle + 1 :]}"
        yield refused(f"the digit {character}, not of the alphabet", text, "malformed")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    for bit in range(4):
        last = alphabet[alphabet.index(good[-1]) | 1 << bit]
        yield refused(f"spare bit {bit} of the last character", good[:-1] + last, "malformed")


def _other_versions() -> Iterator[Vector]:
    for version in (0, 2, 129, 255):
        text = token(body(version=version))
        yield refused(f"version {version}, honestly signed", text, "malformed")


def _altered() -> Iterator[Vector]:
    said = body()
    signature = signed_by(SEEDS[2], DOMAIN + said)
    fields = {"number": (2, 6), "issue": (6, 10), "last day": (10, 12), "digest": (12, 28)}
    for name, (start, end) in fields.items():
        for which, at, bit in (("first", start, 0x80), ("last", end - 1, 0x01)):
            yield refused(
                f"{which} bit of the {name} flipped", token(_flipped(said, at, bit), signature), "bad_signature"
            )
    for name, at, bit in (
        ("first bit of R", 0, 0x80),
        ("last bit of R, its sign", 31, 0x80),
        ("first bit of S", 32, 0x01),
        ("highest bit of S", 63, 0x80),
        ("a bit in the middle of S", 48, 0x10),
    ):
        yield refused(f"{name} flipped", token(said, _flipped(signature, at, bit)), "bad_signature")
    yield refused("version flipped", token(_flipped(said, 0, 0x02), signature), "malformed")
    yield refused("key id flipped to one not listed", token(_flipped(said, 1, 0x80), signature), "unknown_key")
    yield refused("key id flipped to a former key", token(body(kid=1), signature), "bad_signature")
    yield refused("key id flipped to a retired key", token(body(kid=4), signature), "retired_key")
    later = body(last_day=LAST_DAY + 365)
    yield refused("a later last day under the old signature", token(later, signature), "bad_signature")
    other = signed_by(SEEDS[2], DOMAIN + body(number=12345678))
    yield refused("the signature of another token", token(said, other), "bad_signature")
    yield refused("signed by a stranger", token(said, signed_by(b"stranger" * 4, DOMAIN + said)), "bad_signature")
    for name, domain in (("no", b""), ("another", b"quxiang-keys-v1\0"), ("a shortened", DOMAIN[:-1])):
        yield refused(
            f"{name} domain before the signed bytes", token(said, signed_by(SEEDS[2], domain + said)), "bad_signature"
        )
    yield refused("halves of the signature swapped", token(said, signature[32:] + signature[:32]), "bad_signature")
    yield refused("a signature of zeros", token(said, bytes(64)), "bad_signature")
    yield refused("a signature of ones", token(said, b"\xff" * 64), "bad_signature")


def _strange_signatures() -> Iterator[Vector]:
    """Signatures that some implementations take and others refuse; ours refuse them all."""
    said = body()
    message = DOMAIN + said
    signature = signed_by(SEEDS[2], message)
    s = int.from_bytes(signature[32:], "little")
    for name, changed in (("S + L", s + L), ("S + 7 L", s + 7 * L), ("L itself", L), ("zero", 0)):
        yield refused(f"S is {name}", token(said, signature[:32] + changed.to_bytes(32, "little")), "bad_signature")
    torsion = times(2, ORDER_EIGHT)
    nonce = 123_456_789
    assert sign(SEEDS[2], message, nonce=nonce)[:32] == written(times(nonce, BASE))
    for order, point in ((8, ORDER_EIGHT), (4, torsion), (2, times(2, torsion))):
        text = token(said, sign(SEEDS[2], message, nonce=nonce, blemish=point))
        yield refused(f"R with a point of order {order} added by the signer", text, "bad_signature")
        text = token(said, sign(SEEDS[2], message, nonce=0, blemish=point))
        yield refused(f"R is a point of order {order}, S made to fit", text, "bad_signature")
        yield refused(f"R of order {order} and S zero", token(said, written(point) + bytes(32)), "bad_signature")
    yield refused(
        "R is the neutral point, S made to fit", token(said, sign(SEEDS[2], message, nonce=0)), "bad_signature"
    )
    neutral = (P + 1).to_bytes(32, "little")
    yield refused("R is the neutral point written as p + 1", token(said, neutral + signature[32:]), "bad_signature")
    yield refused(
        "R is no point of the curve", token(said, (2).to_bytes(32, "little") + signature[32:]), "bad_signature"
    )
    yield refused("R neutral and S zero", token(said, written(IDENTITY) + bytes(32)), "bad_signature")


def _weak_keys() -> Iterator[Vector]:
    """Keys under which anybody could sign; a list with them is signed by the root, yet nothing passes."""
    yield genuine("an honest key beside weak ones", token(body(kid=2)), keys="weak")
    for kid, name in (
        (10, "the neutral point"),
        (11, "a point of order 8"),
        (12, "a point of order 4"),
        (13, "a point of order 2"),
        (14, "the neutral point written as p + 1"),
        (15, "the neutral point with a sign"),
    ):
        for how, nonce in (("", 0), (", with an honest R", 123_456_789)):
            text = _forged(kid, nonce)
            yield refused(f"forged under a key that is {name}{how}", text, "bad_signature", keys="weak")
    yield refused("a key that is no point of the curve", token(body(kid=16), bytes(64)), "bad_signature", keys="weak")


def _forged(kid: int, nonce: int) -> str:
    """Sign without a secret: any R and its own number fit as soon as the challenge times the weak key is neutral."""
    forged = written(times(nonce, BASE)) + nonce.to_bytes(32, "little")
    said = (body(kid=kid, number=number) for number in range(100))
    fitting = next(each for each in said if challenge(forged[:32], WEAK[kid], DOMAIN + each) % 8 == 0)
    return token(fitting, forged)


def _flipped(raw: bytes, at: int, bits: int) -> bytes:
    return raw[:at] + bytes((raw[at] ^ bits,)) + raw[at + 1 :]
