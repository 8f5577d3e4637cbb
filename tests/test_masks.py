"""Masks proven by counting: how many ID numbers fit what is printed, for a reader who knows as much as can be known.

Assumed of the reader: the graduate's age within eight years (level and day of graduation say no more), every county
there is, the rule of the check digit. Not assumed: that somebody's ID number begins with the place they come from or
move to. A reader who bets on that has the last test's number left, whatever is masked, and no mask can mend it.
"""

from datetime import date, timedelta
from functools import cache

import pytest

from bot.registration.identity_number import IdentityNumber
from tests.handlers.report.sample import IDENTITY_NUMBER

ENOUGH = 10**8
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK = "10X98765432"
BORN = (date(1995, 1, 1), date(2002, 12, 31))
ALL_COUNTIES = 2853
"""County-level units of the mainland, National Bureau of Statistics, Yearbook 2012, table 1-1 (end of 2011)."""
COUNTIES = {"1": 424, "2": 288, "3": 641, "4": 634, "8": 3}
"""The same by the first digit, as far as needed; 8 is one number each for Hong Kong, Macao and Taiwan."""
CITY = 10
"""Counties of a large city."""


def rest(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11


def fits(digits: str, mask: str) -> bool:
    return all(shown in {"*", digit} for digit, shown in zip(digits, mask, strict=True))


@cache
def tally(mask: str, kind: str) -> tuple[int, ...]:
    """Count birthdays or sequence numbers that fit a mask, by what they add to the check sum."""
    counts = [0] * 11
    if kind == "born":
        days = (BORN[1] - BORN[0]).days + 1
        words = ((BORN[0] + timedelta(days=day)).strftime("%Y%m%d") for day in range(days))
    else:
        words = (f"{number:03d}" for number in range(1000))
    weights = WEIGHTS[6:14] if kind == "born" else WEIGHTS[14:]
    for word in words:
        if fits(word, mask):
            counts[rest(word, weights)] += 1
    return tuple(counts)


def candidates(mask: str, counties: int) -> int:
    """Return how many valid ID numbers fit a mask at least, of so many counties (one if the mask names it)."""
    born, sequence = tally(mask[6:14], "born"), tally(mask[14:17], "sequence")
    by_rest = [sum(born[a] * sequence[(total - a) % 11] for a in range(11)) for total in range(11)]
    wanted = [CHECK.index(mask[17])] if mask[17] != "*" else range(11)
    known = [rest(mask[:6], WEIGHTS[:6])] if "*" not in mask[:6] else range(11)
    # Which counties there are decides little, so the worst one is counted for all.
    return counties * min(sum(by_rest[(total - county) % 11] for total in wanted) for county in known)


def test_the_counting_agrees_with_trying_every_number() -> None:
    mask = "110105200102030**X"
    tried = [f"11010520010203{n:03d}X" for n in range(100) if CHECK[rest(f"11010520010203{n:03d}", WEIGHTS)] == "X"]
    assert candidates(mask, 1) == len(tried) > 0


def test_the_usual_mask_leaves_a_few_hundred() -> None:
    assert candidates("110105********002X", 1) == 268
    assert candidates("1101052001****002X", 1) < 40


def test_without_the_first_digit_the_last_one_leaves_enough() -> None:
    assert candidates("*" * 17 + "X", ALL_COUNTIES) > 7 * ENOUGH


@pytest.mark.parametrize(("first", "is_enough"), [("1", True), ("3", True), ("4", True), ("2", False), ("8", False)])
def test_the_first_digit_is_no_harmless_hint(first: str, is_enough: bool) -> None:
    """Three north-eastern provinces are few; an 8 tells a resident of Hong Kong, Macao or Taiwan from everybody."""
    assert (candidates(first + "*" * 16 + "X", COUNTIES[first]) >= ENOUGH) is is_enough


def test_the_printed_mask_leaves_enough_wherever_somebody_comes_from() -> None:
    left = {}
    for first, counties in COUNTIES.items():
        mask = IdentityNumber(first + IDENTITY_NUMBER[1:]).masked
        left[first] = candidates(mask, ALL_COUNTIES if mask[0] == "*" else counties)
    assert min(left.values()) >= ENOUGH, left


def test_who_bets_on_the_home_town_has_millions_left() -> None:
    """The price of printing where somebody comes from: see above; the mask is not what gives the number away."""
    assert 10**6 < candidates("*" * 17 + "X", CITY) < ENOUGH
    assert 10**7 < candidates("*" * 18, CITY) < ENOUGH
