"""The vectors of standings and of scans: what the register holds, when it is asked, and the code a page shows."""

from collections.abc import Iterator
from itertools import product

from tests.vectors.lists import SEEDS, Vector, signed_by
from tests.vectors.tokens import DIGEST, DOMAIN, body, token

ISSUED = "2026-06-25T01:00:00Z"
ENDED = "2026-06-30T08:00:00Z"
CLOCK = "2026-07-01T02:00:00Z"
SAME, OTHER = DIGEST.hex() * 2, "0" * 64
MARKS = ("annulled_at", "closed_at", "superseded_at")


def standings() -> list[Vector]:
    """Return all vectors of standings: every row of the precedence with every other, and the edges of time."""
    return [*_rows(), *_edges()]


def _standing(name: str, expect: str, clock: str, confirmed: str | None = SAME, **held: str) -> Vector:
    verification = {"digest": SAME, "issued_at": ISSUED, "last_day": "2026-12-25"} | dict.fromkeys(MARKS) | held
    return {
        "name": name,
        "kind": "standing",
        "verification": verification,
        "confirmed_digest": confirmed,
        "clock": clock,
        "expect": expect,
    }


def _rows() -> Iterator[Vector]:
    """All combinations of what the issuer, the holder and the data say, in time and out of time."""
    confirmed = {"the same data": SAME, "other data": OTHER, "an empty digest": "", "nothing": None}
    clocks = {"in time": CLOCK, "out of time": "2027-01-01T00:00:00Z"}
    for held in product((False, True), repeat=3):
        for (what, digest), (when, clock) in product(confirmed.items(), clocks.items()):
            marks = [name for name, is_held in zip(MARKS, held, strict=True) if is_held]
            name = f"{' and '.join(each.removesuffix('_at') for each in marks) or 'no mark'}; {what} confirmed; {when}"
            stale = digest not in {None, SAME}
            expect = next(
                code
                for code, holds in (
                    ("V5", "annulled_at" in marks),
                    ("V4", "closed_at" in marks),
                    ("V3", "superseded_at" in marks or stale),
                    ("V2", when == "out of time"),
                    ("V1", digest is None),
                    ("V0", True),
                )
                if holds
            )
            yield _standing(name, expect, clock, digest, **dict.fromkeys(marks, ENDED))


def _edges() -> Iterator[Vector]:
    for name, day in (
        ("an ordinary day", "2026-12-25"),
        ("the last day of a month", "2026-07-31"),
        ("a leap day", "2028-02-29"),
        ("28 February of a common year", "2027-02-28"),
        ("the last day of a year", "2026-12-31"),
    ):
        for moment, seconds, in_force in (
            ("noon", "12:00:00", True),
            ("a second before its end", "23:59:58", True),
            ("its last second", "23:59:59", True),
            ("a microsecond later", "23:59:59.000001", False),
        ):
            clock = f"{day}T{seconds}+08:00"
            yield _standing(f"{name}: {moment}", "V0" if in_force else "V2", clock, last_day=day)
            if moment != "noon":
                expect = "V1" if in_force else "V2"
                yield _standing(f"{name}, nothing confirmed: {moment}", expect, clock, None, last_day=day)
    yield _standing("midnight in Shanghai", "V2", "2026-12-26T00:00:00+08:00")
    yield _standing("the last second, told in UTC", "V0", "2026-12-25T15:59:59Z")
    yield _standing("a second later, told in UTC", "V2", "2026-12-25T16:00:00Z")
    yield _standing(
        "new year in Shanghai, still the old one in UTC", "V2", "2026-12-31T16:00:00Z", last_day="2026-12-31"
    )
    yield _standing(
        "1 March in Shanghai, still the leap day in UTC", "V2", "2028-02-29T16:00:00Z", last_day="2028-02-29"
    )
    yield _standing("a clock of 1970", "V0", "1970-01-01T00:00:00Z")
    yield _standing("a clock of 1970, annulled", "V5", "1970-01-01T00:00:00Z", annulled_at=ENDED)
    yield _standing("a second before it was closed", "V4", "2026-06-30T07:59:59Z", closed_at=ENDED)
    yield _standing("closed this second", "V4", ENDED, closed_at=ENDED)
    yield _standing(
        "closed in its last second, asked later", "V4", "2027-01-01T00:00:00Z", closed_at="2026-12-25T15:59:59Z"
    )
    yield _standing("a hundred years later", "V2", "2126-01-01T00:00:00Z")


def scans(digest: str) -> list[Vector]:
    """Return all vectors of scans: a token, what the register holds, the clock, and the code of the page.

    Args:
        digest: of the data the register's graduate has, as the server computes it.
    """
    return [*_met(bytes.fromhex(digest)[:16]), *_unmet(bytes.fromhex(digest)[:16])]


def _scan(name: str, text: str, expect: str, clock: str = CLOCK, confirmed: str | None = "same", **held: str) -> Vector:
    register = {"number": "23127150", "issued_at": ISSUED, "last_day": "2026-12-25", "confirmed": confirmed}
    register |= dict.fromkeys(MARKS) | held
    return {"name": name, "kind": "scan", "token": text, "register": register, "clock": clock, "expect": expect}


def _printed(digest: bytes, **changed: int) -> str:
    said = body(**changed)[:12] + digest
    return token(said, signed_by(SEEDS[changed.get("kid", 2)], DOMAIN + said))


def _met(digest: bytes) -> Iterator[Vector]:
    text = _printed(digest)
    yield _scan("in force", text, "V0")
    yield _scan("in force, in small letters", text.lower(), "V0")
    yield _scan("in force, printed with the former key", _printed(digest, kid=1), "V0")
    yield _scan("in force, printed with the next key", _printed(digest, kid=3), "V0")
    yield _scan("in the last second", text, "V0", "2026-12-25T23:59:59+08:00")
    yield _scan("a second later", text, "V2", "2026-12-26T00:00:00+08:00")
    yield _scan("nothing confirmed any more", text, "V1", confirmed=None)
    yield _scan("nothing confirmed, out of time", text, "V2", "2027-01-01T00:00:00Z", confirmed=None)
    yield _scan("other data confirmed", text, "V3", confirmed="other")
    yield _scan("other data confirmed, out of time", text, "V3", "2027-01-01T00:00:00Z", confirmed="other")
    yield _scan("ended by a change of data", text, "V3", superseded_at=ENDED)
    yield _scan("closed by the graduate", text, "V4", closed_at=ENDED)
    yield _scan("closed, then the data changed", text, "V4", closed_at=ENDED, superseded_at=ENDED, confirmed="other")
    yield _scan("annulled by the school", text, "V5", annulled_at=ENDED)
    yield _scan("annulled after it was closed", text, "V5", annulled_at=CLOCK, closed_at=ENDED)
    yield _scan("annulled, out of time", text, "V5", "2027-01-01T00:00:00Z", annulled_at=ENDED)
    longer = "2027-03-31"
    yield _scan("extended: the older paper counts", text, "V0", "2027-03-31T23:59:59+08:00", last_day=longer)
    yield _scan("extended, and that is over, too", text, "V2", "2027-04-01T00:00:00+08:00", last_day=longer)
    yield _scan("issued in the same minute, seconds later", text, "V0", issued_at="2026-06-25T01:00:59Z")


def _unmet(digest: bytes) -> Iterator[Vector]:
    text = _printed(digest)
    signature = signed_by(SEEDS[2], DOMAIN + body())
    yield _scan("no token", "A" * 148, "V6")
    yield _scan("one character short", text[:-1], "V6")
    yield _scan("not of the alphabet", f"{text[:70]}1{text[71:]}", "V6")
    yield _scan("a signature of something else", token(body()[:12] + digest, signature), "V6")
    yield _scan("signed by a stranger", token(body()[:12] + digest, signed_by(b"stranger" * 4, body())), "V6")
    yield _scan("a key nobody listed", _printed(digest, kid=9), "V6")
    yield _scan("a retired key", _printed(digest, kid=4), "V6")
    yield _scan("a number nobody has", _printed(digest, number=23127151), "V6")
    yield _scan("the number was given to somebody else since", text, "V6", issued_at="2026-06-25T01:01:00Z")
    yield _scan("the paper says other data", token(body()), "V6")
    yield _scan("the paper says a later day than was ever given", text, "V6", last_day="2026-12-24")
    yield _scan("genuine, but unknown, out of time", _printed(digest, number=1), "V6", "2027-01-01T00:00:00Z")
