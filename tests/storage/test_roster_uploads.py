"""Uploads, the comparison by digest, and the undo, on every database."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.season import Season
from bot.roster.ledger import pack, unpack
from bot.staff.uploads import PIECE, UNDO_FOR, Findings, Kind, Upload, UploadState
from storage.cipher import CipherError
from storage.staff_tables import roster_piece
from storage.tables import graduate, verification
from storage.unit_of_work import SqlWork
from tests.storage.conftest import NOW, new_id

Make = Callable[[int], Dossier]
AT = NOW.astimezone(UTC)


@pytest.fixture
def upload(work: SqlWork, season: Season) -> Upload:
    """An upload that waits."""
    made = Upload(new_id(), season.id, new_id(), "名册😀.xlsx", 9, UploadState.LOOKING, AT)
    with work.writing() as uow:
        uow.uploads.add(made)
        uow.commit()
    return made


def stored(work: SqlWork, upload: Upload) -> Upload:
    with work.reading() as uow:
        found = uow.uploads.by_id(upload.id)
    assert found
    return found


def add(work: SqlWork, *dossiers: Dossier) -> None:
    with work.writing() as uow:
        uow.registry.add_many(dossiers)
        uow.commit()


def said(dossier: Dossier) -> SchoolData:
    return SchoolData(
        dossier.graduate, dossier.destination, dossier.archive, dossier.household, chsi_bound=dossier.chsi_bound
    )


def test_an_upload_comes_back_as_it_was_with_all_that_was_found(work: SqlWork, upload: Upload) -> None:
    assert stored(work, upload) == upload
    findings = Findings(
        1,
        2,
        3,
        4,
        5,
        6,
        ("政治面貌",),
        ("两个工作表",),
        "f" * 64,
        {"added": (7, 8)},
        "理由",
        asked_by=("a", "甲", "OFFICE"),
    )
    with work.writing() as uow:
        uow.uploads.save(upload, replace(upload, state=UploadState.READY, findings=findings, finished_at=AT))
        uow.commit()
    found = stored(work, upload)
    assert found == replace(upload, state=UploadState.READY, findings=findings, finished_at=AT, version=1)
    with work.writing() as uow, pytest.raises(MovedError):
        uow.uploads.save(upload, upload)


def test_one_worker_has_an_upload_until_its_lease_runs_out(work: SqlWork, upload: Upload) -> None:
    with work.writing() as uow:
        claimed = uow.uploads.save(upload, replace(upload, lease_until=AT + timedelta(minutes=1)))
        uow.commit()
    with work.writing() as uow:
        assert uow.uploads.to_do(AT) is None
        assert uow.uploads.note_progress(claimed, 10, 20, AT + timedelta(minutes=3))
        uow.commit()
    with work.writing() as uow:
        assert uow.uploads.to_do(AT + timedelta(minutes=2)) is None
        late = uow.uploads.to_do(AT + timedelta(minutes=4))
        assert late is not None
        assert (late.rows_seen, late.rows_total) == (10, 20)
        uow.uploads.save(late, late)
        assert not uow.uploads.note_progress(claimed, 11, 20, AT)
        uow.commit()


def test_large_pieces_come_back_sealed_to_their_place(work: SqlWork, upload: Upload, engine: Engine) -> None:
    pieces = [bytes([number]) * PIECE for number in range(3)]
    with work.writing() as uow:
        assert uow.uploads.add_pieces(upload.id, Kind.FILE, pieces) == 3
        uow.uploads.add_pieces(upload.id, Kind.UNDO, [b"x"], 5)
        uow.commit()
    with work.reading() as uow:
        assert list(uow.uploads.pieces(upload.id, Kind.FILE)) == pieces
        assert uow.uploads.piece(upload.id, Kind.UNDO, 5) == b"x"
        assert uow.uploads.piece(upload.id, Kind.UNDO, 6) is None
    with engine.connect() as connection:
        moved = connection.scalars(select(roster_piece.c.data).where(roster_piece.c.ordinal == 1)).one()
        connection.execute(roster_piece.update().where(roster_piece.c.ordinal == 2).values(data=moved))
    with work.reading() as uow, pytest.raises(CipherError):
        uow.uploads.piece(upload.id, Kind.FILE, 2)
    with work.writing() as uow:
        uow.uploads.forget(upload.id, [Kind.FILE])
        uow.commit()
    with work.reading() as uow:
        assert list(uow.uploads.pieces(upload.id, Kind.FILE)) == []
        assert uow.uploads.piece(upload.id, Kind.UNDO, 5) == b"x"


def test_what_is_over_is_found_as_long_as_anything_is_left_of_it(work: SqlWork, upload: Upload) -> None:
    with work.writing() as uow:
        uow.uploads.add_pieces(upload.id, Kind.ADDED, [b"x"])
        uow.uploads.save(upload, replace(upload, state=UploadState.APPLIED, finished_at=AT))
        uow.commit()
    with work.writing() as uow:
        assert not uow.uploads.over(AT)
        assert [one.id for one in uow.uploads.over(AT + UNDO_FOR)] == [upload.id]
        uow.uploads.forget(upload.id, Kind)
        assert not uow.uploads.over(AT + UNDO_FOR)
        uow.commit()


def test_equal_data_is_told_without_a_doubt_and_anything_else_is_not(work: SqlWork, plain: Make, full: Dossier) -> None:
    one = plain(1)
    add(work, one, full)

    def same(data: SchoolData, *, is_person: bool = False) -> bool:
        number = data.graduate.student_number
        with work.reading() as uow:
            return uow.enrolment.compare(one.season_id, {number: (data, is_person)})[number]

    assert same(said(one))
    assert not same(said(one), is_person=True)
    assert same(replace(said(full), archive=one.archive), is_person=True)
    # What a file says of an archive counts as approved, so it never equals an entry that is not.
    assert not same(replace(said(full), archive=full.archive.approved(AT)))
    other = replace(one.graduate, mobile="13912345678")
    assert not same(replace(said(one), graduate=other))
    assert not same(replace(said(one), chsi_bound=True))
    with work.writing() as uow:
        uow.registry.save(one, replace(one, graduate=other))
        uow.commit()
    assert same(replace(said(one), graduate=other))
    with work.reading() as uow:
        assert uow.enrolment.compare(one.season_id, {"20190000": None, "M-2020A1": None}) == {"M-2020A1": False}


def test_who_holds_an_id_number_and_who_is_registered_is_told(work: SqlWork, plain: Make, full: Dossier) -> None:
    add(work, plain(2), plain(1), full)
    with work.reading() as uow:
        held = uow.enrolment.holders(full.season_id, ["11010119990307803X", "110101199901010009"])
        assert held == {"11010119990307803X": "M-2020A1"}
        assert uow.enrolment.holders("1999", ["11010119990307803X"]) == {}
        numbers = [one.student_number for one in uow.enrolment.everybody(full.season_id)]
    assert numbers == ["2019000001", "2019000002", "M-2020A1"]


def test_rows_are_put_back_byte_by_byte_unless_touched_since(
    work: SqlWork, plain: Make, full: Dossier, engine: Engine
) -> None:
    touched, added, kept = plain(1), plain(2), plain(3)
    add(work, full, touched)

    def rows() -> list[tuple[object, ...]]:
        columns = [column for column in graduate.c if column.name != "version"]
        with engine.connect() as connection:
            found = connection.execute(select(*columns).where(graduate.c.id == full.id)).all()
            return [*map(tuple, found), *map(tuple, connection.execute(select(verification)).all())]

    before = rows()
    with work.writing() as uow:
        lines = [*uow.restoring.keep({full.id: True, touched.id: True}), uow.restoring.keep_added(added.id)]
        lines.append(uow.restoring.keep_added(kept.id))
        fallen = replace(full.fallen(AT), graduate=replace(full.graduate, mobile="", college="理学院"))
        running = [replace(v, superseded_at=AT) for v in fallen.verifications]
        uow.registry.save(full, replace(fallen, verifications=tuple(running)))
        uow.registry.save(touched, touched.check(AT))
        uow.registry.add_many([added, kept])
        uow.commit()
    assert rows() != before
    for one in (touched, kept):
        with work.writing() as uow:
            found = uow.registry.by_id(one.id)
            assert found
            uow.registry.save(found, found.bind(f"o-{one.id}"))
            uow.commit()
    with work.writing() as uow:
        done = uow.restoring.restore(unpack(pack(lines)))
        uow.commit()
    assert (done.restored, done.removed, list(done.told)) == (1, 1, [full.id])
    assert sorted(done.left) == [("2019000001", "王小明"), ("2019000003", "王小明")]
    assert rows() == before
    with work.reading() as uow:
        assert uow.registry.by_id(added.id) is None
        again = uow.registry.by_id(full.id)
    assert again
    assert again.version == full.version + 2
    assert replace(again, version=full.version) == full


def test_moments_far_from_now_survive_the_undo_to_the_microsecond(work: SqlWork, plain: Make, engine: Engine) -> None:
    at = datetime(2099, 12, 31, 23, 59, 59, 999999, UTC)
    one = replace(plain(1), checked_at=at)
    add(work, one)
    with work.writing() as uow:
        lines = list(uow.restoring.keep({one.id: False}))
        uow.registry.save(one, replace(one, checked_at=None))
        uow.restoring.restore(unpack(pack(lines)))
        uow.commit()
    with engine.connect() as connection:
        assert connection.scalars(select(graduate.c.checked_at)).one() == at
