"""Taking a list out: the scope and the act are asked again here, and the log knows before anybody has the file."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from bot.errors import BadValueError
from bot.staff.policy import EVERYONE, Actor, ForbiddenError, Role, Scope
from bot.staff.roll import Area, Line, Wanted
from bot.use_cases.take_list import Listed, take_list
from tests.bot import people
from tests.bot.use_cases.stage import Stage

COUNSELLOR = Actor("a1", "陈静", Role.COUNSELLOR, "T01")
WHOLE = Wanted(Area(people.SEASON.id, EVERYONE))


def _never(_: Iterable[Line]) -> int:
    raise AssertionError("a list was written")


def test_a_list_beyond_the_scope_is_refused_whoever_made_it(stage: Stage) -> None:
    office = replace(stage.office, by=COUNSELLOR)
    for scope in (EVERYONE, Scope("T02"), Scope("")):
        with pytest.raises(ForbiddenError):
            take_list(office, Wanted(Area(people.SEASON.id, scope)), Listed.PLAIN, "", _never)


def test_the_auditor_takes_nothing_out(stage: Stage) -> None:
    with pytest.raises(ForbiddenError):
        take_list(replace(stage.office, by=Actor("a2", "审计", Role.AUDITOR)), WHOLE, Listed.PLAIN, "", _never)


def test_mobiles_need_a_purpose(stage: Stage) -> None:
    for reason in ("", "   ", "打电话", " 电话 "):
        with pytest.raises(BadValueError):
            take_list(stage.office, WHOLE, Listed.PHONES, reason, _never)


def test_a_file_that_could_not_be_written_is_not_in_the_log(stage: Stage) -> None:
    def fails(_: Iterable[Line]) -> int:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        take_list(stage.office, WHOLE, Listed.PLAIN, "", fails)
    with stage.work.reading() as uow:
        assert list(uow.audit.all()) == []
    assert take_list(stage.office, WHOLE, Listed.PLAIN, "", lambda lines: len(list(lines))) == 0
    with stage.work.reading() as uow:
        assert [entry.details["人数"] for entry in uow.audit.all()] == ["0"]
