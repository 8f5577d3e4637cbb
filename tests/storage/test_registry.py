from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from bot.errors import MovedError
from bot.ports import Work
from bot.registration.archive import ArchiveEntry, ArchiveStatus
from bot.registration.correction import Correction, CorrectionState, Item
from bot.registration.destination import Destination
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.verification import Subject, Verification
from storage.dossier_rows import GraduateRow
from storage.faults import StoreError, TakenError
from storage.tables import graduate
from storage.unit_of_work import SqlWork

Plain = Callable[[int], Dossier]


def add(work: Work, *dossiers: Dossier) -> None:
    with work.writing() as unit:
        unit.registry.add_many(dossiers)
        unit.commit()


def save(work: Work, old: Dossier, new: Dossier) -> None:
    with work.writing() as unit:
        unit.registry.save(old, new)
        unit.commit()


def save_many(work: Work, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
    with work.writing() as unit:
        unit.registry.save_many(pairs)
        unit.commit()


def read(work: Work, dossier_id: str) -> Dossier:
    with work.reading() as unit:
        found = unit.registry.by_id(dossier_id)
    assert found is not None
    return found


def test_a_row_names_the_columns_of_the_table_in_their_order() -> None:
    kept_by_the_writer = {"stage", "stage_since", "archive_hints", "school_digest"}
    assert GraduateRow._fields == tuple(name for name in graduate.c.keys() if name not in kept_by_the_writer)  # noqa: SIM118 -- a table is no dictionary


def test_every_field_comes_back_as_it_was(work: SqlWork, full: Dossier) -> None:
    add(work, full)
    assert read(work, full.id) == full
    defaults = {f.name for f in fields(Dossier) if f.init and getattr(full, f.name) in (None, (), 0, "")}
    assert defaults == set(), "a field of the sample is empty and would prove nothing"


def test_a_dossier_with_nothing_filled_comes_back_as_it_was(work: SqlWork, plain: Plain) -> None:
    dossier = plain(1)
    add(work, dossier)
    assert read(work, dossier.id) == dossier


def changes(full: Dossier, now: datetime) -> dict[str, Any]:
    """A new value for each field that can change, none of them the stored one."""
    decided = replace(full.correction, state=CorrectionState.APPLIED, answer="已改") if full.correction else None
    closed = replace(full.verifications[0], closed_at=now, superseded_at=None, last_day=date(2023, 12, 31))
    added = Verification("f" * 32, "00000000", Subject.ARCHIVE, "c" * 64, now, date(2023, 12, 1))
    return {
        "graduate": replace(full.graduate, name="欧阳㛃", mobile=""),
        "destination": None,
        "archive": ArchiveEntry(),
        "household": replace(full.household, address=""),
        "chsi_bound": None,
        "checked_at": None,
        "confirmation": None,
        "reopened_at": None,
        "real_person_at": None,
        "correction": decided,
        "verifications": (closed, full.verifications[1], added),
        "openid": None,
    }


@pytest.mark.parametrize("name", sorted({f.name for f in fields(Dossier) if f.init} - {"id", "season_id", "version"}))
def test_a_change_of_one_field_is_stored_and_counted(work: SqlWork, full: Dossier, now: datetime, name: str) -> None:
    add(work, full)
    new = replace(full, **{name: changes(full, now)[name]})
    save(work, full, new)
    assert read(work, full.id) == replace(new, version=full.version + 1)


def test_a_new_error_report_takes_the_place_of_the_old_one(work: SqlWork, full: Dossier, now: datetime) -> None:
    add(work, full)
    new = replace(full, correction=Correction("e" * 32, ((Item.MAJOR, "法学"),), now))
    save(work, full, new)
    assert read(work, full.id).correction == new.correction


def test_saving_what_did_not_change_costs_nothing(work: SqlWork, full: Dossier) -> None:
    add(work, full)
    save(work, full, replace(full))
    assert read(work, full.id).version == full.version


def test_a_dossier_changed_meanwhile_is_not_overwritten(work: SqlWork, full: Dossier, now: datetime) -> None:
    add(work, full)
    save(work, full, full.unbind())
    with pytest.raises(MovedError):
        save(work, full, replace(full, checked_at=now))
    assert read(work, full.id) == replace(full, openid=None, version=full.version + 1)


def test_several_steps_of_one_unit_save_one_after_the_other(work: SqlWork, full: Dossier, now: datetime) -> None:
    add(work, full)
    first = full.unbind()
    second = replace(first, checked_at=now)
    with work.writing() as unit:
        unit.registry.save(full, first)
        unit.registry.save(first, second)
        unit.commit()
    assert read(work, full.id) == replace(second, version=full.version + 2)
    with pytest.raises(MovedError):
        save(work, second, full)


def test_what_was_not_committed_is_taken_back(work: SqlWork, full: Dossier) -> None:
    with work.writing() as unit:
        unit.registry.add_many([full])
    with work.reading() as unit:
        assert unit.registry.by_id(full.id) is None


def test_two_graduates_of_a_season_cannot_share_an_account(work: SqlWork, plain: Plain) -> None:
    one, other = plain(1), plain(2)
    add(work, one, other)
    save(work, one, one.bind("oShared"))
    with pytest.raises(MovedError):
        save(work, other, other.bind("oShared"))
    assert read(work, other.id).openid is None


def test_accounts_that_differ_by_case_are_two(work: SqlWork, plain: Plain) -> None:
    one, other = plain(1), plain(2)
    add(work, replace(one, openid="oABC"), replace(other, openid="oabc"))
    with work.reading() as unit:
        assert unit.talks.open("oabc").dossier == replace(other, openid="oabc")


def test_an_account_serves_its_graduate_again_in_a_later_season(work: SqlWork, season: Season, plain: Plain) -> None:
    add(work, replace(plain(1), openid="oAgain"))
    with work.writing() as unit:
        unit.seasons.save(replace(season, id="2026"))
        unit.commit()
    later = replace(plain(1), season_id="2026", openid="oAgain")
    add(work, later)
    with work.reading() as unit:
        assert unit.talks.open("oAgain").dossier == later


def test_a_student_number_is_there_once_in_a_season(work: SqlWork, plain: Plain) -> None:
    add(work, plain(1))
    with pytest.raises(TakenError):
        add(work, plain(2), plain(1))
    with work.reading() as unit:
        assert unit.registry.by_student_number("2023", "2019000002") is None


def test_a_verification_number_is_given_once(work: SqlWork, full: Dossier, plain: Plain, now: datetime) -> None:
    add(work, full, other := plain(1))
    taken = Verification("d" * 32, full.verifications[0].number, Subject.ARCHIVE, "c" * 64, now, date(2023, 12, 1))
    with pytest.raises(TakenError):
        save(work, other, replace(other, verifications=(taken,)))


def test_a_dossier_needs_its_season(work: SqlWork, full: Dossier) -> None:
    with pytest.raises(StoreError):
        add(work, replace(full, season_id="1999"))


def test_a_fault_does_not_tell_the_values(work: SqlWork, full: Dossier) -> None:
    add(work, full)
    with pytest.raises(TakenError) as caught:
        add(work, full)
    told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    assert full.graduate.student_number not in told
    assert full.id not in told
    assert caught.value.__context__ is None


def test_dossiers_are_found_by_their_numbers(work: SqlWork, full: Dossier, plain: Plain) -> None:
    add(work, full, other := plain(7))
    with work.reading() as unit:
        registry = unit.registry
        assert registry.by_student_number("2023", "M-2020A1") == full
        assert registry.by_student_number("2023", "m-2020a1") is None
        assert registry.by_student_number("2022", "M-2020A1") is None
        both = registry.by_student_numbers("2023", ["M-2020A1", "2019000007", "nobody"])
        assert both == {"M-2020A1": full, "2019000007": other}
        assert registry.by_verification(full.verifications[1].id) == (full, full.verifications[1])
        assert registry.by_number("01234567") == (full, full.verifications[0])
        assert registry.by_number("12345678") is None
        assert registry.name_by_number("01234567") == full.graduate.name
        assert registry.name_by_number("12345678") == ""


def test_archive_entries_wait_in_the_order_they_came(work: SqlWork, plain: Plain, now: datetime) -> None:
    moments = [now, now - timedelta(microseconds=1), now - timedelta(days=1)]
    dossiers = [
        replace(plain(n), archive=ArchiveEntry(ArchiveStatus.SUBMITTED, submitted_at=at))
        for n, at in enumerate(moments)
    ]
    add(work, *dossiers, plain(9))
    with work.reading() as unit:
        assert list(unit.registry.with_submitted_archive("2023")) == dossiers[::-1]
        assert list(unit.registry.with_submitted_archive("2022")) == []


def test_error_reports_wait_by_counsellor(work: SqlWork, plain: Plain, full: Dossier, now: datetime) -> None:
    def reported(number: int, staff: str, at: datetime) -> Dossier:
        made = plain(number)
        counsellor = replace(made.graduate.counsellor, staff_number=staff)
        report = Correction(f"{number:032}", ((Item.NAME, "x"),), at)
        return replace(made, graduate=replace(made.graduate, counsellor=counsellor), correction=report)

    second, third = reported(1, "B", now), reported(2, "B", now + timedelta(seconds=1))
    first = reported(3, "A", now + timedelta(days=1))
    add(work, third, second, first, full, plain(9))
    with work.reading() as unit:
        assert list(unit.registry.with_open_correction("2023")) == [first, second, third]


def test_who_has_no_destination_and_who_is_bound_is_found(work: SqlWork, plain: Plain, full: Dossier) -> None:
    placed = replace(plain(2), destination=Destination("70"))
    add(work, other := plain(1), placed, full)
    with work.reading() as unit:
        assert list(unit.registry.without_destination("2023")) == [other]
        assert list(unit.registry.bound("2023")) == [full]


def test_thousands_are_written_read_and_changed_in_order(work: SqlWork, plain: Plain, now: datetime) -> None:
    dossiers: Sequence[Dossier] = [plain(n) for n in range(1234)]
    add(work, *dossiers)
    changed = [d.check(now) if n % 2 else d.bind(f"o{n}") for n, d in enumerate(dossiers)]
    save_many(work, list(zip(dossiers, changed, strict=True)))
    with work.reading() as unit:
        found = unit.registry.by_student_numbers("2023", [d.graduate.student_number for d in dossiers])
        bound = list(unit.registry.bound("2023"))
    assert found == {d.graduate.student_number: replace(d, version=1) for d in changed}
    assert bound == [replace(d, version=1) for d in changed if d.openid]


def test_one_stale_dossier_among_thousands_stops_all(work: SqlWork, plain: Plain, now: datetime) -> None:
    dossiers = [plain(n) for n in range(50)]
    add(work, *dossiers)
    save(work, dossiers[33], dossiers[33].bind("oFirst"))
    with pytest.raises(MovedError):
        save_many(work, [(d, d.check(now)) for d in dossiers])
    assert read(work, dossiers[0].id).checked_at is None


def test_no_statement_is_made_for_what_a_dossier_does_not_have(
    work: SqlWork, plain: Plain, full: Dossier, statements: list[str]
) -> None:
    add(work, replace(plain(1), openid="oPlain"), full)
    counts = []
    for openid in ("oNobody", "oPlain", full.openid or ""):
        statements.clear()
        with work.reading() as unit:
            unit.talks.open(openid)
        counts.append(len(statements))
    assert counts == [1, 1, 2]
