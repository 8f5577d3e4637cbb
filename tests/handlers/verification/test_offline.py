import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.registration.season import end_of_day
from bot.registration.verification import Subject, Verification
from handlers.verification.offline import Finding, Genuineness, check
from handlers.verification.tokens import Statement, VerificationKeys
from tests.handlers.keylist.listing import SEEDS, key_list
from tests.handlers.report.sample import LAST_DAY, NOW, registered

KEYS = key_list()


def archive() -> Verification:
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    return verification


def token_by(kid: int, verification: Verification | None = None, seed: bytes = b"") -> str:
    return VerificationKeys.of_seeds(kid, {kid: seed or SEEDS[kid]}).issue(verification or archive())


def verdict(token: str, now: datetime = NOW) -> Genuineness:
    return check(token, KEYS, now).genuineness


@pytest.mark.parametrize("kid", [1, 2, 3])
def test_former_current_and_next_keys_are_genuine(kid: int) -> None:
    assert check(token_by(kid), KEYS, NOW) == Finding(Genuineness.GENUINE, Statement.about(archive()))


def test_a_retired_key_is_refused_and_states_nothing() -> None:
    assert check(token_by(4), KEYS, NOW) == Finding(Genuineness.RETIRED_KEY)


def test_a_key_that_is_not_listed_is_unknown() -> None:
    assert check(token_by(9, seed=b"9" * 32), KEYS, NOW) == Finding(Genuineness.UNKNOWN_KEY)


def test_a_stranger_under_our_key_id_has_a_bad_signature() -> None:
    assert check(token_by(2, seed=b"9" * 32), KEYS, NOW) == Finding(Genuineness.BAD_SIGNATURE)


def test_a_retired_key_is_named_before_its_signature_is_looked_at() -> None:
    assert verdict(token_by(4, seed=b"9" * 32)) is Genuineness.RETIRED_KEY


def test_every_flipped_bit_is_refused_by_one_of_the_names() -> None:
    raw = base64.b32decode(token_by(2) + "====")
    for position in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        found = verdict(base64.b32encode(flipped).rstrip(b"=").decode())
        expected = {0: {"malformed"}, 1: {"unknown_key", "bad_signature"}}.get(position // 8, {"bad_signature"})
        assert found.value in expected, position


@pytest.mark.parametrize("junk", ["", " ", "A" * 147, "A" * 149, "1" * 148, "去" * 148, "/v/", "https://example.cn/"])
def test_what_is_no_token_is_malformed(junk: str) -> None:
    assert verdict(junk) is Genuineness.MALFORMED


@pytest.mark.parametrize(
    "dressed",
    [
        "{}",
        " {}\n",
        "HTTPS://QUXIANG.EXAMPLE.EDU.CN/V/{}",
        "https://quxiang.example.edu.cn/v/{} ",
        "https://a.cn/v/V/{}",
    ],
)
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_a_token_may_come_bare_or_in_its_address_in_either_case(dressed: str, case: Callable[[str], str]) -> None:
    assert verdict(dressed.format(case(token_by(2)))) is Genuineness.GENUINE


def test_more_behind_the_token_is_malformed() -> None:
    assert verdict(f"https://quxiang.example.edu.cn/v/{token_by(2)}/more") is Genuineness.MALFORMED


def test_a_clock_more_than_ten_minutes_before_the_issue_says_nothing_about_dates() -> None:
    minute = archive().issued_at.replace(second=0, microsecond=0)
    early = minute - timedelta(minutes=10)
    assert verdict(token_by(2), early) is Genuineness.GENUINE
    assert check(token_by(2), KEYS, early - timedelta(seconds=1)) == Finding(
        Genuineness.CLOCK, Statement.about(archive())
    )
    assert verdict(token_by(2), datetime(1970, 1, 1, tzinfo=UTC)) is Genuineness.CLOCK


@pytest.mark.parametrize("day", [LAST_DAY, date(2028, 2, 29), date(2026, 12, 31)])
def test_the_printed_last_day_ends_at_midnight_in_shanghai(day: date) -> None:
    token = token_by(2, replace(archive(), last_day=day))
    assert not check(token, KEYS, end_of_day(day)).is_past
    assert check(token, KEYS, end_of_day(day) + timedelta(seconds=1)).is_past


def test_a_wrong_clock_never_calls_a_report_past() -> None:
    token = token_by(2, replace(archive(), last_day=date(1975, 1, 1)))
    assert not check(token, KEYS, datetime(2000, 1, 1, tzinfo=UTC)).is_past
