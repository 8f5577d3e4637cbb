"""The audit log's chain: nothing can be changed, taken out, added or reordered without being seen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.staff.audit import GENESIS, Entry, first_break, hash_of

NOW = datetime(2023, 7, 1, 2, 3, 4, 567890, tzinfo=UTC)


def chain(length: int = 5) -> list[Entry]:
    entries: list[Entry] = []
    for seq in range(1, length + 1):
        previous = entries[-1].hash if entries else GENESIS
        sealed = f"{seq:02x}"
        entry = Entry(seq, NOW + timedelta(seq), "a", "李老师", "archive.approve", "g", {}, sealed, previous, "")
        entries.append(replace(entry, hash=hash_of(entry)))
    return entries


BREAKS: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "changed": lambda e: [*e[:2], replace(e[2], action="archive.return"), *e[3:]],
    "another name": lambda e: [*e[:2], replace(e[2], actor_name="王老师"), *e[3:]],
    "another time": lambda e: [*e[:2], replace(e[2], at=e[2].at + timedelta(microseconds=1)), *e[3:]],
    "other details": lambda e: [*e[:2], replace(e[2], sealed="ff"), *e[3:]],
    "changed and hashed anew": lambda e: [*e[:2], _rehashed(replace(e[2], subject="h")), *e[3:]],
    "taken out": lambda e: [*e[:2], *e[3:]],
    "reordered": lambda e: [e[0], e[2], e[1], *e[3:]],
    "first one gone": lambda e: e[1:],
    "doubled": lambda e: [*e[:3], e[2], *e[3:]],
}


def _rehashed(entry: Entry) -> Entry:
    return replace(entry, hash=hash_of(entry))


def test_an_untouched_chain_holds_and_so_does_an_empty_one() -> None:
    assert first_break(chain()) is None
    assert first_break([]) is None
    assert first_break(chain(), head=chain()[-1].hash) is None


@pytest.mark.parametrize("name", BREAKS)
def test_whatever_is_done_to_it_is_found_at_its_place(name: str) -> None:
    found = first_break(BREAKS[name](chain()))
    assert found is not None
    assert found.seq in {1, 2, 3, 4}


def test_an_end_that_was_cut_off_is_found_by_the_hash_noted_down_outside() -> None:
    noted = chain()[-1].hash
    assert first_break(chain(4)) is None, "by itself a shorter chain looks whole"
    found = first_break(chain(4), head=noted)
    assert found is not None
    assert "末尾" in found.why
    assert first_break([], head=noted) is not None
