"""The way out (名册导出): a dossier as a row under the same headings, so that a file can go out and come back."""

from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from bot.registration.graduate import Graduate
from bot.registration.season import day_of
from bot.roster.columns import Column

_FLAG = {True: "是", False: "否", None: ""}


def to_row(dossier: Dossier) -> dict[Column, str]:
    """Return the cells of a dossier by heading (导出一行), every one as text.

    Coming back unchanged, the row changes nothing. An archive entry that is not approved is left out: the way back
    in would approve it without a review (N7).
    """
    household = dossier.household
    row = _person(dossier.graduate) | _destination(dossier) | _archive(dossier)
    row[Column.HOUSEHOLD_MOVED] = _FLAG[household.moved]
    row[Column.HOUSEHOLD_ADDRESS] = household.address if household.moved else ""
    row[Column.CHSI_BOUND] = _FLAG[dossier.chsi_bound]
    row[Column.REAL_PERSON] = day_of(dossier.real_person_at).isoformat() if dossier.real_person_at else "否"
    return {column: row[column] for column in Column}


def _person(graduate: Graduate) -> dict[Column, str]:
    return {
        Column.STUDENT_NUMBER: graduate.student_number,
        Column.NAME: graduate.name,
        Column.IDENTITY_NUMBER: graduate.identity_number.value,
        Column.EXAM_NUMBER: graduate.exam_number,
        Column.COLLEGE: graduate.college,
        Column.MAJOR: graduate.major,
        Column.CLASS: graduate.class_name,
        Column.LEVEL: graduate.level.value,
        Column.GRADUATION_DATE: graduate.graduation_date.isoformat(),
        Column.COMPLETION: graduate.completion.value,
        Column.MOBILE: graduate.mobile,
        Column.COUNSELLOR: graduate.counsellor.name,
        Column.COUNSELLOR_PHONE: graduate.counsellor.phone,
        Column.COUNSELLOR_STAFF_NUMBER: graduate.counsellor.staff_number,
        Column.PLACE_OF_ORIGIN: graduate.place_of_origin,
    }


def _destination(dossier: Dossier) -> dict[Column, str]:
    destination = dossier.destination
    columns = (Column.DESTINATION, Column.UNIT, Column.USCC, Column.UNIT_PLACE, Column.POST)
    if destination is None:
        return dict.fromkeys(columns, "")
    # An old code that has left the table keeps its number; it is refused on the way in, with a reason.
    cells = (destination.category.name, destination.unit, destination.uscc, destination.place, destination.post)
    return dict(zip(columns, cells, strict=True))


def _archive(dossier: Dossier) -> dict[Column, str]:
    columns = (
        Column.TRANSFER_TYPE,
        Column.RECEIVING_TYPE,
        Column.ARCHIVE_UNIT,
        Column.ARCHIVE_ADDRESS,
        Column.ARCHIVE_POSTCODE,
        Column.ARCHIVE_CONTACT,
        Column.ARCHIVE_PHONE,
    )
    items = dossier.archive.items
    if items is None or dossier.archive.status is not ArchiveStatus.APPROVED:
        return dict.fromkeys(columns, "")
    receiving = items.receiving_type.value if items.receiving_type else ""
    cells = (
        items.transfer_type.value,
        receiving,
        items.unit,
        items.address,
        items.postcode,
        items.contact,
        items.phone,
    )
    return dict(zip(columns, cells, strict=True))
