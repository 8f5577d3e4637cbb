"""The dossier (登记档): its gates, its digest, and that a change of confirmed data is never overlooked (N15)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.errors import BadValueError, RuleError
from bot.registration.archive import ArchiveItems, ArchiveStatus, bounce_hints
from bot.registration.correction import CorrectionState
from bot.registration.destination import Destination, categories, parse_category
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.graduate import Completion, Counsellor, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.season import Window, add_months
from bot.registration.verification import State, Subject
from tests.bot import people
from tests.bot.people import AFTER, BEFORE, CHANGES_OVER, HALF_YEAR_OVER, OPEN, SEASON

Change = Callable[[Dossier], Dossier]


def _graduate(**changes: object) -> Change:
    return lambda dossier: replace(dossier, graduate=replace(dossier.graduate, **changes))  # type: ignore[arg-type]  # fields


def _archive(**changes: object) -> Change:
    items = replace(people.ITEMS, **changes)  # type: ignore[arg-type]  # changes are fields
    return lambda dossier: replace(dossier, archive=replace(dossier.archive, items=items))


def _destination(**changes: object) -> Change:
    return lambda dossier: replace(dossier, destination=replace(people.DESTINATION, **changes))  # type: ignore[arg-type]  # fields


COVERED: list[Change] = [
    _graduate(name="王小名"),
    _graduate(identity_number=IdentityNumber("110101199001001234")),
    _graduate(college="理学院"),
    _graduate(major="英语"),
    _graduate(level=Level.MASTER),
    _graduate(graduation_date=date(2023, 7, 1)),
    _graduate(completion=Completion.COMPLETED),
    _graduate(place_of_origin="别处"),
    _destination(code="11"),
    _destination(unit="另一家公司"),
    _destination(uscc="91350100M000100Y43"),
    _destination(place="别处"),
    _destination(post="经理"),
    lambda dossier: replace(dossier, destination=None),
    _archive(unit="另一家中心"),
    _archive(address="别处1号"),
    _archive(postcode="100000"),
    _archive(contact="另一科"),
    _archive(phone="010-62881234"),
    lambda dossier: replace(dossier, household=people.MOVED),
    lambda dossier: replace(dossier, household=Household(moved=False, address="别处")),
]
NOT_COVERED: list[Change] = [
    _graduate(mobile="13800000001"),
    _graduate(class_name="2班"),
    _graduate(counsellor=Counsellor("张老师")),
    lambda dossier: replace(dossier, chsi_bound=None),
]


def school(dossier: Dossier) -> SchoolData:
    return SchoolData(dossier.graduate, dossier.destination, dossier.archive, dossier.household, dossier.chsi_bound)


@pytest.mark.parametrize("changed", COVERED)
def test_a_change_of_anything_confirmed_fells_confirmation_and_verification(changed: Change) -> None:
    before = people.verified()
    assert before.running(Subject.ARCHIVE, OPEN)
    after = before.with_school_data(school(changed(before)), SEASON, AFTER)
    assert not after.is_confirmed
    assert after.running(Subject.ARCHIVE, AFTER) is None
    assert after.verifications[0].superseded_at == AFTER
    assert after.reopened_at == AFTER


@pytest.mark.parametrize("changed", COVERED)
def test_even_a_change_made_behind_our_back_leaves_nothing_in_force(changed: Change) -> None:
    after = changed(people.verified())
    assert not after.is_confirmed
    assert after.state_of(after.verifications[0], OPEN) is State.CONFIRM_AGAIN


@pytest.mark.parametrize("changed", NOT_COVERED)
def test_a_change_of_anything_else_fells_nothing(changed: Change) -> None:
    before = people.verified()
    after = before.with_school_data(school(changed(before)), SEASON, AFTER)
    assert after.is_confirmed
    assert after.running(Subject.ARCHIVE, OPEN)
    assert after.checked_at == before.checked_at


def test_personal_data_that_changed_is_checked_again_and_other_data_is_not() -> None:
    before = people.ready()
    assert before.with_school_data(school(_graduate(major="英语")(before)), SEASON, OPEN).checked_at is None
    assert before.with_school_data(school(_destination(unit="另一家")(before)), SEASON, OPEN).checked_at


def test_a_file_without_archive_does_not_overwrite_what_the_graduate_submitted() -> None:
    before = people.with_archive(people.ready(), ArchiveStatus.SUBMITTED)
    data = replace(school(before), archive=people.with_archive(before, ArchiveStatus.MISSING).archive)
    assert before.with_school_data(data, SEASON, OPEN).archive == before.archive


@pytest.mark.parametrize(
    ("dossier", "now", "reason"),
    [
        (people.ready(), OPEN, None),
        (people.ready(), BEFORE, "gate.window_before"),
        (people.ready(), AFTER, "gate.window_after"),
        (replace(people.ready(), reopened_at=OPEN), AFTER, None),
        (replace(people.ready(), reopened_at=OPEN), CHANGES_OVER, "gate.window_after"),
        (people.confirmed(people.ready()), OPEN, "gate.confirmed"),
        (people.with_correction(people.ready()), OPEN, "gate.correction_waits"),
        (people.with_correction(people.ready(), CorrectionState.REFUSED), OPEN, None),
        (replace(people.ready(), destination=None), OPEN, "gate.no_destination"),
        (people.with_archive(people.ready(), ArchiveStatus.MISSING), OPEN, "gate.archive_missing"),
        (people.with_archive(people.ready(), ArchiveStatus.SUBMITTED), OPEN, "gate.archive_waits"),
        (people.with_archive(people.ready(), ArchiveStatus.RETURNED), OPEN, "gate.archive_returned"),
    ],
)
def test_the_confirmation_opens_only_when_all_is_there(dossier: Dossier, now: datetime, reason: str | None) -> None:
    assert dossier.confirmation_gate(SEASON, now) == reason
    if reason is None:
        assert dossier.confirm(SEASON, now).is_confirmed
    else:
        with pytest.raises(RuleError, match=reason.replace(".", r"\.")):
            dossier.confirm(SEASON, now)


@pytest.mark.parametrize(
    ("dossier", "now", "reason"),
    [
        (people.verified(), OPEN, None),
        (people.ready(), OPEN, "gate.confirm_first"),
        (people.confirmed(people.ready()), OPEN, "gate.real_person_first"),
        (people.verified(), HALF_YEAR_OVER, "gate.verification_over"),
    ],
)
def test_a_verification_needs_confirmation_person_and_time(dossier: Dossier, now: datetime, reason: str | None) -> None:
    assert dossier.verification_gate(SEASON, now) == reason


def test_a_verification_stays_within_its_bounds() -> None:
    own = replace(people.verified(), verifications=())
    for last_day, reason in (
        (date(2023, 6, 29), "period.past"),
        (date(2023, 12, 31), "period.too_late"),
    ):
        with pytest.raises(RuleError) as refused:
            own.authorise(people.verification(own, last_day), SEASON)
        assert refused.value.key == reason
    with pytest.raises(RuleError, match="household_not_moved"):
        own.authorise(people.verification(own, subject=Subject.HOUSEHOLD), SEASON)


def test_a_new_verification_closes_the_old_one_and_a_closed_one_is_neither_extended_nor_closed() -> None:
    own = people.verified()
    anew = own.authorise(replace(people.verification(own), id="v2", number="99999999"), SEASON)
    assert [anew.state_of(v, OPEN) for v in anew.verifications] == [State.CLOSED, State.IN_FORCE]
    closed = anew.close(Subject.ARCHIVE, OPEN)
    with pytest.raises(RuleError, match="nothing_to_close"):
        closed.close(Subject.ARCHIVE, OPEN)
    with pytest.raises(RuleError, match="nothing_to_extend"):
        closed.extend(Subject.ARCHIVE, date(2023, 8, 1), SEASON, OPEN)


def test_an_extension_keeps_the_number_and_works_after_expiry_too() -> None:
    own = people.verified(date(2023, 7, 1))
    later = own.extend(Subject.ARCHIVE, date(2023, 7, 20), SEASON, AFTER)
    assert later.verifications[0].number == own.verifications[0].number
    assert later.running(Subject.ARCHIVE, AFTER)
    with pytest.raises(RuleError, match="not_longer"):
        later.extend(Subject.ARCHIVE, date(2023, 7, 19), SEASON, AFTER)


def test_a_report_of_a_mistake_takes_the_confirmation_and_only_one_may_wait() -> None:
    own = people.verified()
    waiting = own.report(replace(people.with_correction(own).correction or pytest.fail("none"), reported_at=OPEN))
    assert not waiting.is_confirmed
    assert waiting.running(Subject.ARCHIVE, OPEN) is None
    with pytest.raises(RuleError, match="correction_waits"):
        waiting.report(waiting.correction or pytest.fail("none"))


def test_days_are_whole_days_in_shanghai() -> None:
    assert SEASON.window(datetime(2023, 6, 27, 16, 0, tzinfo=UTC)) is Window.OPEN
    assert SEASON.window(datetime(2023, 6, 27, 15, 59, tzinfo=UTC)) is Window.BEFORE
    assert SEASON.window(datetime(2023, 7, 3, 15, 59, 59, tzinfo=UTC)) is Window.OPEN
    assert SEASON.window(datetime(2023, 7, 3, 16, 0, tzinfo=UTC)) is Window.AFTER


def test_the_last_second_of_a_verification_is_in_force_and_the_next_is_not() -> None:
    own = people.verified()
    end = own.verifications[0].valid_until
    assert own.running(Subject.ARCHIVE, end)
    assert own.running(Subject.ARCHIVE, end + timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2023, 8, 31), 6, date(2024, 2, 29)),
        (date(2022, 8, 31), 6, date(2023, 2, 28)),
        (date(2023, 12, 31), 1, date(2024, 1, 31)),
        (date(2023, 6, 30), 6, date(2023, 12, 30)),
    ],
)
def test_months_end_where_the_calendar_ends(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"opens": date(2023, 7, 4)},
        {"changes_until": date(2023, 7, 1)},
        {"cutoff": date(2023, 9, 1)},
        {"verification_months": 0},
        {"verification_months": 61},
        {"office": ""},
    ],
)
def test_a_season_out_of_order_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadValueError):
        replace(SEASON, **wrong)  # type: ignore[arg-type]  # fields of Season


def test_categories_are_found_by_code_and_by_name() -> None:
    for code, category in categories().items():
        assert parse_category(code) == parse_category(category.name) == category
    with pytest.raises(BadValueError):
        parse_category("不知道")
    assert Destination("9999").category.name == "9999"


def test_soft_hints_name_what_makes_archives_bounce() -> None:
    assert bounce_hints("王小明", "示例市学府路") == ("person", "room")
    assert bounce_hints("示例市人才服务中心", "示例市学府路1号") == ()
    assert bounce_hints("人社局", "学府路一号") == ()


def test_personal_data_is_in_no_repr() -> None:
    shown = repr(people.verified())
    hidden: list[str] = [people.NUMBER, "王小明", "19900100002X", people.OPENID, "13800000000", "学府路", "23127150"]
    assert [secret for secret in hidden if secret in shown] == []
    assert isinstance(people.ITEMS, ArchiveItems)


@pytest.mark.parametrize(("name", "masked"), [("王明", "王*"), ("王小明", "王*明"), ("欧阳㛃䶮", "欧**䶮")])
def test_a_name_is_masked(name: str, masked: str) -> None:
    assert people.graduate(name=name).masked_name == masked
