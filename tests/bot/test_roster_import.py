from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from itertools import count

import pytest

from bot.errors import BadValueError, MovedError
from bot.ports import UnitOfWork
from bot.registration.archive import ArchiveItems, ArchiveStatus, TransferType
from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI, Season
from bot.registration.verification import State, Subject, Verification
from bot.roster.cells import Cell
from bot.roster.columns import REQUIRED, Column, Line
from bot.roster.export import to_row
from bot.use_cases.import_roster import Importing, ImportResult, import_roster
from storage.unit_of_work import SqlWork
from tests.telling import claimed, message

NOW = datetime(2023, 6, 28, 9, 30, tzinfo=SHANGHAI)
SEASON = Season(
    "2023",
    "示例大学",
    date(2023, 6, 28),
    date(2023, 7, 3),
    date(2023, 7, 1),
    date(2023, 8, 31),
    "就业办",
    "0512-62880000",
    "010-67410388",
    "help@example.edu.cn",
    "https://jy.example.edu.cn/",
)
OPENID = "openid-of-the-graduate"
SUBJECT = (f"student:{SEASON.id}:20190001",)
Row = Mapping[Column, Cell]
ARCHIVED: Row = {
    Column.TRANSFER_TYPE: "转回生源地",
    Column.ARCHIVE_UNIT: "示例市人才服务中心",
    Column.ARCHIVE_ADDRESS: "示例路 1 号 201 室",
    Column.ARCHIVE_POSTCODE: "215000",
    Column.ARCHIVE_CONTACT: "档案科",
    Column.ARCHIVE_PHONE: "0512-62881234",
}


def identity(serial: int) -> str:
    body = f"11000020010101{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(weights, body, strict=True)) % 11]


def row(serial: int = 1, changes: Row | None = None) -> dict[Column, Cell]:
    plain: dict[Column, Cell] = {
        Column.STUDENT_NUMBER: f"2019{serial:04d}",
        Column.NAME: "张示例",
        Column.IDENTITY_NUMBER: identity(serial),
        Column.COLLEGE: "文学院",
        Column.MAJOR: "汉语言文学",
        Column.LEVEL: "本科",
        Column.GRADUATION_DATE: "2023-06-30",
        Column.COUNSELLOR: "周老师",
        Column.DESTINATION: "10",
        Column.UNIT: "示例公司",
    }
    return plain | dict(changes or {})


def lines(*rows: Row, columns: tuple[Column, ...] = tuple(Column)) -> Iterator[Line]:
    yield Line(1, [str(column) for column in columns])
    for number, cells in enumerate(rows, 2):
        yield Line(number, [cells.get(column) for column in columns])


def note(uow: UnitOfWork, old: Dossier, new: Dossier) -> None:
    assert new.openid is not None
    once = f"school_data:{new.id}:{old.version}"
    uow.notices.add(message(once, new.openid, "notice.school_data", NOW))


Bring = Callable[..., ImportResult]


@pytest.fixture
def bring(work: SqlWork) -> Bring:
    with work.writing() as uow:
        uow.seasons.save(SEASON)
        uow.commit()
    ids = count(1)
    importing = Importing(work, SEASON, NOW, lambda: f"{next(ids):032d}", note)

    def run(
        *rows: Row, columns: tuple[Column, ...] = tuple(Column), dry_run: bool = False, partial: bool = False
    ) -> ImportResult:
        return import_roster(lines(*rows, columns=columns), importing, dry_run=dry_run, partial=partial)

    return run


def dossier(work: SqlWork, serial: int = 1) -> Dossier:
    with work.reading() as uow:
        found = uow.registry.by_student_number(SEASON.id, f"2019{serial:04d}")
    assert found is not None
    return found


def change(work: SqlWork, step: Callable[[Dossier], Dossier]) -> Dossier:
    old = dossier(work)
    with work.writing() as uow:
        uow.registry.save(old, step(old))
        uow.commit()
    return dossier(work)


def is_there(work: SqlWork, serial: int) -> bool:
    with work.reading() as uow:
        return uow.registry.by_student_number(SEASON.id, f"2019{serial:04d}") is not None


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.added, result.changed, result.unchanged, result.refused


def confirmed(bound: Dossier) -> Dossier:
    verification = Verification("a" * 32, "23127150", Subject.ARCHIVE, "", NOW, date(2023, 7, 16))
    return bound.verify_person(NOW).confirm(SEASON, NOW).authorise(verification, SEASON)


def test_a_dry_run_counts_and_writes_nothing(bring: Bring, work: SqlWork) -> None:
    result = bring(row(1), row(2), dry_run=True)
    assert counts(result) == (2, 0, 0, 0)
    assert not result.is_applied
    assert not is_there(work, 1)


def test_new_graduates_are_added_with_all_that_the_file_says(bring: Bring, work: SqlWork) -> None:
    result = bring(row(1, {**ARCHIVED, Column.REAL_PERSON: "2023-06-01", Column.CHSI_BOUND: "是"}), row(2))
    assert counts(result) == (2, 0, 0, 0)
    assert result.is_applied
    first = dossier(work)
    assert first.archive.status is ArchiveStatus.APPROVED
    assert first.chsi_bound is True
    assert first.real_person_at == datetime(2023, 6, 1, tzinfo=SHANGHAI)


def test_the_same_file_again_writes_nothing(bring: Bring, work: SqlWork) -> None:
    rows = [row(1, {**ARCHIVED, Column.REAL_PERSON: "是"}), row(2)]
    bring(*rows)
    before = dossier(work)
    assert counts(bring(*rows)) == (0, 0, 2, 0)
    assert dossier(work) == before


def test_only_what_changed_is_written(bring: Bring, work: SqlWork) -> None:
    bring(row(1), row(2))
    assert counts(bring(row(1, {Column.UNIT: "另一公司"}), row(2))) == (0, 1, 1, 0)
    assert (dossier(work, 1).version, dossier(work, 2).version) == (1, 0)


def test_graduates_missing_in_the_file_are_left_alone(bring: Bring, work: SqlWork) -> None:
    bring(row(1), row(2), row(3))
    result = bring(row(2))
    assert result.known == 1
    assert is_there(work, 1)
    assert is_there(work, 3)


def test_one_fault_keeps_the_whole_file_out(bring: Bring, work: SqlWork) -> None:
    result = bring(row(1), row(2, {Column.LEVEL: "高中"}))
    assert counts(result) == (1, 0, 0, 1)
    assert not result.is_applied
    assert [(fault.row, fault.column) for fault in result.faults] == [(3, "H")]
    assert not is_there(work, 1)


def test_partial_takes_the_good_rows_only_when_asked(bring: Bring, work: SqlWork) -> None:
    result = bring(row(1), row(2, {Column.LEVEL: "高中"}), partial=True)
    assert result.is_applied
    assert is_there(work, 1)
    assert not is_there(work, 2)


@pytest.mark.parametrize("column", [Column.STUDENT_NUMBER, Column.IDENTITY_NUMBER])
def test_rows_that_share_a_number_are_both_refused_with_each_others_row(
    bring: Bring, work: SqlWork, column: Column
) -> None:
    result = bring(row(1), row(2), row(3, {column: row(1)[column]}), partial=True)
    assert [(fault.row, fault.reason) for fault in result.faults] == [
        (2, f"与第 4 行的{column}重复，两行都请核对"),
        (4, f"与第 2 行的{column}重复，两行都请核对"),
    ]
    assert counts(result) == (1, 0, 0, 2)
    assert [is_there(work, serial) for serial in (1, 2, 3)] == [False, True, False]


def test_doubles_are_found_over_chunks_and_in_rows_with_other_faults(
    bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.use_cases.look_at_roster.CHUNK", 2)
    result = bring(row(1, {Column.LEVEL: "高中"}), row(2), row(3), row(4), row(1), dry_run=True)
    assert {fault.row for fault in result.faults} == {2, 6}
    assert counts(result) == (3, 0, 0, 2)


def test_a_file_larger_than_a_chunk_goes_in_as_a_whole(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.use_cases.look_at_roster.CHUNK", 3)
    rows = [row(serial) for serial in range(1, 9)]
    assert counts(bring(*rows)) == (8, 0, 0, 0)
    assert counts(bring(*rows[:5], *(r | {Column.UNIT: "另一公司"} for r in rows[5:]))) == (0, 3, 5, 0)


def test_progress_is_told_chunk_by_chunk(work: SqlWork, bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bring is not None
    monkeypatch.setattr("bot.use_cases.look_at_roster.CHUNK", 2)
    told: list[int] = []
    importing = Importing(work, SEASON, NOW, lambda: "", note)
    import_roster(lines(row(1), row(2), row(3)), importing, dry_run=True, progress=told.append)
    assert told == [2, 3]


def test_changed_data_fells_confirmation_and_verification_and_tells_the_graduate(bring: Bring, work: SqlWork) -> None:
    bring(row(1, ARCHIVED))
    before = confirmed(change(work, lambda old: old.bind(OPENID)))
    change(work, lambda _: before)
    bring(row(1, {**ARCHIVED, Column.UNIT: "另一公司"}))
    after = dossier(work)
    assert not after.is_confirmed
    assert after.state_of(after.verifications[0], NOW) is State.CONFIRM_AGAIN
    with work.writing() as uow:
        assert [notice.openid for notice in claimed(uow, NOW)] == [OPENID]


def test_unchanged_data_leaves_confirmation_and_verification_standing(bring: Bring, work: SqlWork) -> None:
    bring(row(1, ARCHIVED))
    change(work, lambda old: confirmed(old.bind(OPENID)))
    assert counts(bring(row(1, ARCHIVED))) == (0, 0, 1, 0)
    assert dossier(work).is_confirmed


def test_nobody_is_told_without_a_bound_account(bring: Bring, work: SqlWork) -> None:
    bring(row(1))
    bring(row(1, {Column.UNIT: "另一公司"}))
    with work.writing() as uow:
        assert not claimed(uow, NOW)


def test_an_archive_entry_of_the_graduate_survives_a_file_without_one(bring: Bring, work: SqlWork) -> None:
    bring(row(1))
    items = ArchiveItems(TransferType.ORIGIN, None, "示例局", "示例路 2 号", "215001", "李科长", "0512-62881235")
    entry = change(work, lambda old: old.submit_archive(items, NOW)).archive
    assert counts(bring(row(1))) == (0, 0, 1, 0)
    assert dossier(work).archive == entry


@pytest.mark.parametrize(
    ("column", "cell"), [(Column.NAME, "张示丽"), (Column.IDENTITY_NUMBER, identity(900)), (Column.UNIT, "另一公司")]
)
def test_a_corrected_name_or_id_number_unlocks_the_graduate(
    bring: Bring, work: SqlWork, column: Column, cell: str
) -> None:
    bring(row(1))
    for _ in range(5):
        with work.writing() as uow:
            uow.guards.fail(SUBJECT, NOW)
            uow.commit()
    bring(row(1, {column: cell}))
    with work.reading() as uow:
        assert (uow.guards.locked_until(SUBJECT, NOW) is None) is (column != Column.UNIT)


def test_a_known_real_person_check_keeps_its_moment(bring: Bring, work: SqlWork) -> None:
    bring(row(1))
    change(work, lambda old: old.verify_person(NOW))
    assert counts(bring(row(1, {Column.REAL_PERSON: "2023-06-01"}))) == (0, 0, 1, 0)
    assert counts(bring(row(1, {Column.REAL_PERSON: "否"}))) == (0, 0, 1, 0)
    assert dossier(work).real_person_at == NOW


FULL: Row = {
    **ARCHIVED,
    Column.EXAM_NUMBER: "23320500123456",
    Column.CLASS: "汉语 1901",
    Column.COMPLETION: "结业",
    Column.MOBILE: "13812345678",
    Column.COUNSELLOR_PHONE: "0512-62881234",
    Column.COUNSELLOR_STAFF_NUMBER: "T0001",
    Column.PLACE_OF_ORIGIN: "江苏省苏州市",
    Column.USCC: "91350100M000100Y43",
    Column.UNIT_PLACE: "苏州市",
    Column.POST: "教师",
    Column.HOUSEHOLD_MOVED: "是",
    Column.HOUSEHOLD_ADDRESS: "示例路派出所",
    Column.CHSI_BOUND: "是",
    Column.REAL_PERSON: "2023-06-01",
}


def test_columns_a_file_does_not_have_erase_nothing(bring: Bring, work: SqlWork) -> None:
    bring(row(1, FULL))
    before = dossier(work)
    assert counts(bring(row(1), columns=REQUIRED)) == (0, 0, 1, 0)
    assert dossier(work) == before


def test_an_empty_cell_under_a_heading_does_erase(bring: Bring, work: SqlWork) -> None:
    bring(row(1, FULL))
    bring(row(1, {Column.DESTINATION: "", Column.UNIT: ""}))
    after = dossier(work)
    assert after.destination is None
    assert (after.graduate.mobile, after.graduate.class_name, after.household.moved) == ("", "", False)
    assert after.archive.status is ArchiveStatus.APPROVED


def test_details_are_kept_only_for_the_same_destination_and_the_same_counsellor(bring: Bring, work: SqlWork) -> None:
    bring(row(1, FULL))
    columns = (*REQUIRED, Column.DESTINATION)
    bring(row(1), columns=columns)
    kept = dossier(work)
    assert kept.destination is not None
    assert (kept.destination.unit, kept.graduate.counsellor.phone) == ("示例公司", "0512-62881234")
    bring(row(1, {Column.DESTINATION: "70", Column.COUNSELLOR: "林老师"}), columns=columns)
    new = dossier(work)
    assert new.destination is not None
    assert (new.destination.code, new.destination.unit, new.graduate.counsellor.phone) == ("70", "", "")


@pytest.mark.parametrize(
    "rows", [[row(1)], [row(1, FULL), row(2, ARCHIVED)], [row(1, {Column.DESTINATION: "", Column.UNIT: ""})]]
)
def test_what_goes_out_comes_back_and_changes_nothing(bring: Bring, work: SqlWork, rows: list[Row]) -> None:
    bring(*rows)
    change(work, lambda old: old.bind(OPENID).check(NOW))
    out = [to_row(dossier(work, serial)) for serial in range(1, len(rows) + 1)]
    assert counts(bring(*out)) == (0, 0, len(rows), 0)


def test_an_entry_that_waits_for_review_does_not_come_back_approved(bring: Bring, work: SqlWork) -> None:
    bring(row(1))
    items = ArchiveItems(TransferType.ORIGIN, None, "示例局", "示例路 2 号", "215001", "李科长", "0512-62881235")
    change(work, lambda old: old.submit_archive(items, NOW))
    bring(to_row(dossier(work)))
    assert dossier(work).archive.status is ArchiveStatus.SUBMITTED


def test_an_import_is_applied_to_what_is_stored_then_not_to_what_was_read_before(bring: Bring, work: SqlWork) -> None:
    bring(row(1))

    def rows() -> Iterator[Line]:
        yield from lines(row(1, {Column.UNIT: "另一公司"}))

    def meanwhile(_: int) -> None:
        change(work, lambda old: old.bind(OPENID))

    importing = Importing(work, SEASON, NOW, lambda: "", note)
    import_roster(rows(), importing, dry_run=False, progress=meanwhile)
    after = dossier(work)
    assert after.openid == OPENID
    assert after.destination is not None
    assert after.destination.unit == "另一公司"


def test_a_transaction_that_others_got_into_is_tried_again_and_leaves_no_half(bring: Bring, work: SqlWork) -> None:
    bring(row(1), row(2))
    change(work, lambda old: old.bind(OPENID))
    attempts: list[str] = []

    def told(_: UnitOfWork, __: Dossier, new: Dossier) -> None:
        attempts.append(new.id)
        raise MovedError("somebody else was quicker")

    importing = Importing(work, SEASON, NOW, lambda: "", told)
    changed = [row(1, {Column.UNIT: "另一公司"}), row(2, {Column.UNIT: "另一公司"})]
    with pytest.raises(MovedError):
        import_roster(lines(*changed), importing, dry_run=False)
    assert len(attempts) == 3
    assert dossier(work, 2).version == 0


def test_a_file_without_the_headings_is_refused_before_anything_else(bring: Bring, work: SqlWork) -> None:
    with pytest.raises(BadValueError, match="缺少必需的列"):
        bring(row(1), columns=(Column.STUDENT_NUMBER, Column.NAME))
    assert not is_there(work, 1)


def test_unknown_headings_are_told(work: SqlWork, bring: Bring) -> None:
    assert bring is not None
    heads = Line(1, [*map(str, Column), "政治面貌"])
    importing = Importing(work, SEASON, NOW, lambda: "1" * 32, note)
    result = import_roster(iter([heads, *list(lines(row(1)))[1:]]), importing, dry_run=True)
    assert result.unknown_headings == ("政治面貌",)
    assert result == replace(result, added=1)
