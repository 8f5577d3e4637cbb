import base64
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import BadValueError
from bot.registration.verification import Subject, Verification
from handlers.verification.tokens import Statement, VerificationKeys
from tests.handlers.keylist.listing import SEEDS, key_list
from tests.handlers.report.sample import LAST_DAY, NOW, registered

KEYS = VerificationKeys.of_seeds(1, {1: b"1" * 32})
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def archive() -> Verification:
    verification = registered().verification_of(Subject.ARCHIVE)
    assert verification
    return verification


def household() -> Verification:
    verification = registered().verification_of(Subject.HOUSEHOLD)
    assert verification
    return verification


def test_a_token_states_number_issue_last_day_and_digest() -> None:
    statement = KEYS.read(KEYS.issue(archive()))
    assert statement == Statement.about(archive())
    assert statement is not None
    assert (statement.number, statement.last_day) == ("23127150", LAST_DAY)
    assert statement.fits(archive())


def test_a_leading_zero_of_the_number_survives() -> None:
    statement = KEYS.read(KEYS.issue(household()))
    assert statement is not None
    assert statement.number == "03127151"


def test_the_same_verification_gets_the_same_token_again() -> None:
    assert KEYS.issue(archive()) == KEYS.issue(archive())


def test_every_single_flipped_bit_is_refused() -> None:
    raw = base64.b32decode(KEYS.issue(archive()) + "====")
    for position in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        assert KEYS.read(base64.b32encode(flipped).rstrip(b"=").decode()) is None, position


def test_every_single_wrong_character_is_refused_even_in_the_spare_bits_of_the_last() -> None:
    token = KEYS.issue(archive())
    for position, right in enumerate(token):
        for wrong in ALPHABET.replace(right, ""):
            assert KEYS.read(token[:position] + wrong + token[position + 1 :]) is None, (position, wrong)


def test_the_path_is_read_in_either_case() -> None:
    token = KEYS.issue(archive())
    assert KEYS.read(token.lower()) == KEYS.read(token)


@pytest.mark.parametrize("junk", ["", "A", "A" * 147, "A" * 149, "1" * 148, "去" * 148, "A" * 147 + "=", "%" * 148])
def test_junk_is_no_token(junk: str) -> None:
    assert KEYS.read(junk) is None


def test_a_token_of_another_key_is_refused_also_under_our_key_id() -> None:
    stranger = VerificationKeys.of_seeds(1, {1: b"2" * 32})
    assert KEYS.read(stranger.issue(archive())) is None


def test_a_signature_made_for_another_purpose_is_refused() -> None:
    raw = base64.b32decode(KEYS.issue(archive()) + "====")
    elsewhere = raw[:28] + KEYS.private.sign(raw[:28])
    assert KEYS.read(base64.b32encode(elsewhere).rstrip(b"=").decode()) is None


def test_an_older_key_is_read_while_it_is_listed_and_refused_after_its_retirement() -> None:
    old = KEYS.issue(archive())
    both = VerificationKeys.of_seeds(2, {1: b"1" * 32, 2: b"2" * 32})
    assert both.read(old) == Statement.about(archive())
    assert VerificationKeys.of_seeds(2, {2: b"2" * 32}).read(old) is None
    assert both.read(both.issue(archive())) == Statement.about(archive())


def test_keys_that_do_not_belong_together_are_refused() -> None:
    other = VerificationKeys.of_seeds(1, {1: b"2" * 32})
    with pytest.raises(BadValueError, match="公钥"):
        VerificationKeys(1, KEYS.private, other.publics)
    with pytest.raises(BadValueError, match="32"):
        VerificationKeys.of_seeds(1, {1: b"short"})
    with pytest.raises(BadValueError, match="255"):
        VerificationKeys(256, KEYS.private, {256: KEYS.publics[1]})


def test_a_statement_fits_after_an_extension_but_not_other_data_or_a_reused_number() -> None:
    statement = Statement.about(archive())
    assert statement.fits(replace(archive(), last_day=LAST_DAY + timedelta(days=30)))
    assert not statement.fits(replace(archive(), last_day=LAST_DAY - timedelta(days=1)))
    assert not statement.fits(replace(archive(), digest="0" * 64))
    assert not statement.fits(replace(archive(), issued_at=NOW + timedelta(days=800)))
    assert not statement.fits(household())


def test_the_address_is_upper_case_so_that_the_code_stays_small() -> None:
    url = KEYS.landing_url("https://quxiang.example.edu.cn/", archive())
    assert re.fullmatch(r"HTTPS://QUXIANG\.EXAMPLE\.EDU\.CN/V/[A-Z2-7]{148}", url)
    assert KEYS.landing_url("https://a.cn/gx", archive()).startswith("HTTPS://A.CN/gx/V/")


def test_keys_and_statements_show_nothing_when_written_to_a_log() -> None:
    written = repr(KEYS) + repr(Statement.about(archive()))
    assert "23127150" not in written
    assert "Ed25519" not in written


def test_the_key_list_says_who_signs_and_who_is_accepted() -> None:
    keys = VerificationKeys.of_list(key_list(), SEEDS)
    assert keys.kid == 2
    assert set(keys.publics) == {1, 2, 3}
    for kid, is_accepted in ((1, True), (2, True), (3, True), (4, False)):
        token = VerificationKeys.of_seeds(kid, {kid: SEEDS[kid]}).issue(archive())
        assert (keys.read(token) is not None) is is_accepted, kid


def test_without_the_current_seed_nothing_is_signed() -> None:
    with pytest.raises(BadValueError, match="现用"):
        VerificationKeys.of_list(key_list(), {3: SEEDS[3]})
