"""How far a graduate has come, and what happened on the way."""

from dataclasses import replace
from datetime import date, timedelta

from bot.registration.archive import ArchiveStatus
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier
from bot.registration.stage import Milestone, Stage, passed, stage_of
from bot.registration.verification import Subject
from tests.bot import people

NOW = people.OPEN
REAL = replace(people.confirmed(people.ready()), real_person_at=NOW)
JOURNEY: tuple[tuple[Stage, Dossier], ...] = (
    (Stage.UNBOUND, people.new_dossier()),
    (Stage.UNCHECKED, people.new_dossier(people.OPENID)),
    (Stage.CORRECTING, people.with_correction(people.ready())),
    (Stage.NO_DESTINATION, replace(people.ready(), destination=None)),
    (Stage.ARCHIVE_MISSING, people.with_archive(people.ready(), ArchiveStatus.MISSING)),
    (Stage.ARCHIVE_RETURNED, people.with_archive(people.ready(), ArchiveStatus.RETURNED)),
    (Stage.ARCHIVE_WAITS, people.with_archive(people.ready(), ArchiveStatus.SUBMITTED)),
    (Stage.UNCONFIRMED, people.ready()),
    (Stage.NO_REAL_PERSON, people.confirmed(people.ready())),
    (Stage.UNVERIFIED, REAL),
    (Stage.VERIFIED, people.verified()),
)


def milestones(old: Dossier, new: Dossier) -> list[Milestone]:
    return [each.milestone for each in passed(old, new)]


def test_every_stage_is_reached_in_the_order_of_the_journey() -> None:
    assert [stage_of(dossier) for _, dossier in JOURNEY] == [stage for stage, _ in JOURNEY] == list(Stage)
    assert [stage.rank for stage in Stage] == list(range(len(Stage)))


def test_unfollowing_takes_no_confirmation_back() -> None:
    assert stage_of(people.verified().unbind()) is Stage.VERIFIED
    assert stage_of(people.confirmed(people.ready()).unbind()) is Stage.NO_REAL_PERSON


def test_a_closed_verification_is_none_and_an_expired_one_was_one() -> None:
    assert stage_of(people.verified().close(Subject.ARCHIVE, NOW)) is Stage.UNVERIFIED
    assert stage_of(people.verified(date(2020, 1, 1))) is Stage.VERIFIED
    annulled = people.verified()
    assert stage_of(annulled.annul(annulled.verifications[0].id, "误发", NOW)) is Stage.UNVERIFIED


def test_each_step_is_a_milestone_with_the_number_it_is_about() -> None:
    own = people.verified()
    later = own.extend(Subject.ARCHIVE, date(2023, 8, 1), people.SEASON, NOW)
    (extended,) = passed(own, later)
    assert (extended.milestone, extended.detail) == (Milestone.EXTENDED, "23127150")
    assert milestones(later, later.close(Subject.ARCHIVE, NOW)) == [Milestone.CLOSED]
    assert milestones(own, own.annul(own.verifications[0].id, "误发", NOW)) == [Milestone.ANNULLED]
    new = replace(REAL, real_person_at=NOW).authorise(people.verification(REAL), people.SEASON)
    assert milestones(REAL, new) == [Milestone.AUTHORISED]


def test_what_staff_and_graduate_do_is_told_apart() -> None:
    ready = people.ready()
    missing = people.with_archive(ready, ArchiveStatus.MISSING)
    submitted = missing.submit_archive(people.ITEMS, NOW)
    assert milestones(missing, submitted) == [Milestone.ARCHIVE_SUBMITTED]
    assert milestones(submitted, submitted.approve_archive(NOW)) == [Milestone.ARCHIVE_APPROVED]
    returned = submitted.return_archive("名称不全", NOW)
    assert milestones(submitted, returned) == [Milestone.ARCHIVE_RETURNED]
    again = returned.submit_archive(people.ITEMS, NOW + timedelta(hours=1))
    assert milestones(returned, again) == [Milestone.ARCHIVE_SUBMITTED]
    reported = people.with_correction(ready)
    assert milestones(ready, reported) == [Milestone.REPORTED]
    decided = reported.decide_correction(CorrectionState.REFUSED, "不改", NOW)
    assert milestones(reported, decided) == [Milestone.CORRECTION_REFUSED]
    applied = reported.decide_correction(CorrectionState.APPLIED, "", NOW)
    assert milestones(reported, applied) == [Milestone.CORRECTION_APPLIED]


def test_binding_checking_confirming_and_losing_it_are_milestones() -> None:
    new = people.new_dossier()
    bound = new.bind(people.OPENID)
    assert milestones(new, bound) == [Milestone.BOUND]
    assert milestones(bound, bound.check(NOW)) == [Milestone.CHECKED]
    assert milestones(bound, bound.unbind()) == [Milestone.UNBOUND]
    ready = people.ready()
    confirmed = people.confirmed(ready)
    assert milestones(ready, confirmed) == [Milestone.CONFIRMED]
    assert milestones(confirmed, confirmed.fallen(NOW)) == [Milestone.CONFIRMATION_FELL]
    assert milestones(confirmed, confirmed.verify_person(NOW)) == [Milestone.REAL_PERSON]
    without = replace(ready, destination=None)
    assert milestones(without, ready) == [Milestone.DESTINATION_ARRIVED]
    renamed = replace(ready, graduate=replace(ready.graduate, major="英语"))
    assert milestones(ready, renamed) == [Milestone.DATA_CHANGED]
    assert passed(ready, ready) == ()
