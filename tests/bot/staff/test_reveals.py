"""What stays masked, and the one sentence that says who has to act."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.registration.archive import ArchiveStatus
from bot.registration.correction import Correction, Item
from bot.registration.dossier import Dossier
from bot.registration.stage import Stage, stage_of
from bot.staff.next_step import GRADUATE, NOBODY, OFFICE, next_step
from bot.staff.reveals import Field, masked, revealable, value_of
from bot.staff.roll import waits_for
from tests.bot import people


def full() -> Dossier:
    made = people.with_archive(people.new_dossier(people.OPENID), ArchiveStatus.APPROVED)
    who = replace(made.graduate, exam_number="20320581150123", mobile="13912345678", place_of_origin="示例省甲市")
    reported = Correction("c" * 32, ((Item.MAJOR, "应为英语"), (Item.OTHER, "电话变了")), people.OPEN)
    return replace(made, graduate=who, household=people.MOVED, correction=reported)


def test_no_mask_shows_any_part_of_what_is_behind_it() -> None:
    own = full()
    assert revealable(own) == tuple(Field)
    for each in Field:
        pieces = {value_of(own, each)[at : at + 4] for at in range(max(1, len(value_of(own, each)) - 3))}
        assert not any(piece in masked(own, each) for piece in pieces), each


def test_what_is_not_registered_is_said_and_not_offered() -> None:
    bare = people.new_dossier()
    assert masked(bare, Field.MOBILE) == "未登记"
    assert Field.MOBILE not in revealable(bare)
    assert Field.REPORT not in revealable(bare)


# -- who has to act ------------------------------------------------------------------------------------


def unconfirmed() -> Dossier:
    own = people.with_archive(people.new_dossier(people.OPENID), ArchiveStatus.APPROVED)
    return replace(own, checked_at=people.BEFORE, destination=people.DESTINATION)


def test_every_stage_has_a_sentence_and_somebody_to_act() -> None:
    own = unconfirmed()
    waiting = people.with_archive(own, ArchiveStatus.SUBMITTED)
    cases = {
        replace(own, openid=None): (Stage.UNBOUND, GRADUATE),
        replace(own, checked_at=None): (Stage.UNCHECKED, GRADUATE),
        replace(own, correction=Correction("c", ((Item.MAJOR, "英语"),), people.OPEN)): (Stage.CORRECTING, OFFICE),
        replace(own, destination=None): (Stage.NO_DESTINATION, GRADUATE),
        people.with_archive(own, ArchiveStatus.MISSING): (Stage.ARCHIVE_MISSING, GRADUATE),
        people.with_archive(own, ArchiveStatus.RETURNED): (Stage.ARCHIVE_RETURNED, GRADUATE),
        waiting: (Stage.ARCHIVE_WAITS, OFFICE),
        own: (Stage.UNCONFIRMED, GRADUATE),
        replace(people.verified(), real_person_at=None, verifications=()): (Stage.NO_REAL_PERSON, GRADUATE),
        replace(people.verified(), verifications=()): (Stage.UNVERIFIED, GRADUATE),
        people.verified(): (Stage.VERIFIED, NOBODY),
    }
    assert {stage for stage, _ in cases.values()} == set(Stage)
    for dossier, (stage, who) in cases.items():
        step = next_step(dossier, people.SEASON, people.OPEN)
        assert (stage_of(dossier), step.who) == (stage, who)
        assert waits_for(stage) == who, "the progress pages must name the same person"
        assert step.words.endswith("。")
        assert len(step.words) <= 60


@pytest.mark.parametrize(
    ("now", "reopened", "who", "said"),
    [
        (people.BEFORE, None, NOBODY, "6 月 28 日开始确认"),
        (people.OPEN, None, GRADUATE, "7 月 3 日 24 点截止"),
        (people.AFTER, None, OFFICE, "由就业办更新数据"),
        (people.AFTER, people.AFTER, GRADUATE, "8 月 31 日前还能确认"),
        (people.CHANGES_OVER, people.AFTER, OFFICE, "都已截止"),
    ],
)
def test_the_calendar_decides_who_acts_on_a_missing_confirmation(
    now: datetime, reopened: datetime | None, who: str, said: str
) -> None:
    step = next_step(replace(unconfirmed(), reopened_at=reopened), people.SEASON, now)
    assert step.who == who
    assert said in step.words


def test_an_expired_verification_is_the_graduates_to_extend_until_the_service_ends() -> None:
    assert next_step(people.verified(), people.SEASON, people.CHANGES_OVER).who == GRADUATE
    assert next_step(people.verified(), people.SEASON, people.HALF_YEAR_OVER).who == NOBODY
