"""Who may do what, and to whom."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import BadValueError
from bot.registration.graduate import Counsellor
from bot.staff.account import Account
from bot.staff.policy import ALLOWED, EVERYONE, Act, Actor, ForbiddenError, Role, Scope
from tests.bot import people

NOW = datetime(2023, 6, 1, tzinfo=UTC)
CHANGES = {
    *(Act.REVIEW, Act.APPLY_CORRECTIONS, Act.IMPORT, Act.CHANGE_VERIFICATIONS, Act.SEND_NOTICES),
    *(Act.MANAGE_SEASONS, Act.MANAGE_STAFF),
}


def account(role: Role = Role.COUNSELLOR, staff_number: str = "T01") -> Account:
    return Account("a" * 32, "t01", "李老师", role, NOW, staff_number)


def test_every_role_has_its_acts_and_every_act_somebody_who_may() -> None:
    assert set(ALLOWED) == set(Role)
    assert set().union(*ALLOWED.values()) == set(Act)
    assert ALLOWED[Role.ADMINISTRATOR] == set(Act)


def test_the_auditor_changes_nothing_and_sees_nothing_unmasked() -> None:
    assert not ALLOWED[Role.AUDITOR] & (CHANGES | {Act.REVEAL, Act.EXPORT})


def test_a_counsellor_changes_nothing_and_only_the_administrator_manages() -> None:
    assert not ALLOWED[Role.COUNSELLOR] & CHANGES
    for act in (Act.MANAGE_SEASONS, Act.MANAGE_STAFF):
        assert [role for role in Role if act in ALLOWED[role]] == [Role.ADMINISTRATOR]


def test_a_counsellor_sees_own_students_and_everybody_else_the_school() -> None:
    mine = people.ready()
    other = replace(mine, graduate=replace(mine.graduate, counsellor=Counsellor("李老师", "", "T02")))
    unknown = replace(mine, graduate=replace(mine.graduate, counsellor=Counsellor("李老师")))
    scope = account().actor.scope
    assert [scope.covers(dossier) for dossier in (mine, other, unknown)] == [True, False, False]
    assert all(EVERYONE.covers(dossier) for dossier in (mine, other, unknown))
    assert not Scope("").covers(unknown), "a counsellor without a number is nobody's"
    assert account(Role.OFFICE).actor.scope == EVERYONE


def test_what_is_not_allowed_is_refused_with_a_sentence() -> None:
    actor = Actor("a", "李老师", Role.COUNSELLOR, "T01")
    actor.demand(Act.SEE_GRADUATES)
    with pytest.raises(ForbiddenError, match="辅导员不能审核档案信息"):
        actor.demand(Act.REVIEW)


@pytest.mark.parametrize(
    "change", [{"login": "T01"}, {"login": " t"}, {"login": ""}, {"name": " "}, {"staff_number": ""}]
)
def test_an_account_that_would_not_work_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(BadValueError):
        replace(account(), **change)  # type: ignore[arg-type]  # words for fields of words


def test_whatever_changes_the_access_ends_all_sessions() -> None:
    old = account()
    steps = (
        old.with_password("x"),
        old.with_role(Role.OFFICE, ""),
        old.deactivated(),
        old.with_totp("s"),
    )
    assert {new.epoch for new in steps} == {1}
    assert old.deactivated().activated().is_active
    assert "李老师" not in repr(old)
