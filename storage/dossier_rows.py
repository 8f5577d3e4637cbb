"""The rows of a dossier (档案行): what stands in a row of ``graduate`` and what it means, in both directions."""

from datetime import date, datetime
from typing import Any, NamedTuple

from bot.registration.address_hints import hints_for
from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.correction import Correction
from bot.registration.destination import Destination
from bot.registration.dossier import Confirmation, Dossier
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.verification import Verification
from storage import tables
from storage.cipher import FieldCipher
from storage.returned_versions import returned_text, to_returned

Columns = dict[str, Any]
"""Values by column name, ready for a statement."""


class GraduateRow(NamedTuple):
    """A row of ``graduate`` (毕业生行), in the order of the columns."""

    id: str
    season_id: str
    version: int
    student_number: str
    name: str
    identity_number: bytes
    identity_index: str
    college: str
    major: str
    class_name: str
    level: str
    graduation_date: date
    completion: str
    counsellor_name: str
    counsellor_phone: bytes | None
    counsellor_staff_number: str
    exam_number: str
    mobile: bytes | None
    place_of_origin: str
    destination_code: str | None
    destination_unit: str
    destination_uscc: str
    destination_place: str
    destination_post: str
    archive_status: str
    archive_transfer_type: str | None
    archive_receiving_type: str | None
    archive_unit: str
    archive_address: bytes | None
    archive_postcode: str
    archive_contact: bytes | None
    archive_phone: bytes | None
    archive_reason: str
    archive_submitted_at: datetime | None
    archive_reviewed_at: datetime | None
    archive_returned: bytes | None
    household_moved: bool
    household_address: bytes | None
    chsi_bound: bool | None
    checked_at: datetime | None
    confirmed_at: datetime | None
    confirmed_digest: str | None
    reopened_at: datetime | None
    real_person_at: datetime | None
    openid: str | None
    correction_id: str | None
    verification_count: int


GRADUATE_COLUMNS = tuple(tables.graduate.c[name] for name in GraduateRow._fields)
"""The columns to select for a GraduateRow."""

_IDENTITY = "graduate:identity_number"
_COUNSELLOR_PHONE = "graduate:counsellor_phone"
_MOBILE = "graduate:mobile"
_ADDRESS = "graduate:archive_address"
_CONTACT = "graduate:archive_contact"
_PHONE = "graduate:archive_phone"
_RETURNED = "graduate:archive_returned"
_HOUSEHOLD = "graduate:household_address"


def identity_index(cipher: FieldCipher, number: IdentityNumber) -> str:
    """Return what stands in ``graduate.identity_index`` for an ID number (身份证号盲索引)."""
    return cipher.blind_index("identity_number", number.value)


# -- entity → columns, one function for each part that changes as a whole ------------------------------


def graduate_columns(cipher: FieldCipher, dossier: Dossier) -> Columns:
    """Return the columns of the personal and study data (个人信息)."""
    graduate, row = dossier.graduate, dossier.id
    return {
        "student_number": graduate.student_number,
        "name": graduate.name,
        "identity_number": cipher.seal(graduate.identity_number.value, _IDENTITY, row),
        "identity_index": identity_index(cipher, graduate.identity_number),
        "college": graduate.college,
        "major": graduate.major,
        "class_name": graduate.class_name,
        "level": graduate.level.name,
        "graduation_date": graduate.graduation_date,
        "completion": graduate.completion.name,
        "counsellor_name": graduate.counsellor.name,
        "counsellor_phone": cipher.seal_optional(graduate.counsellor.phone, _COUNSELLOR_PHONE, row),
        "counsellor_staff_number": graduate.counsellor.staff_number,
        "exam_number": graduate.exam_number,
        "mobile": cipher.seal_optional(graduate.mobile, _MOBILE, row),
        "place_of_origin": graduate.place_of_origin,
    }


def destination_columns(_: FieldCipher, dossier: Dossier) -> Columns:
    """Return the columns of the destination (毕业去向)."""
    destination = dossier.destination
    return {
        "destination_code": destination and destination.code,
        "destination_unit": destination and destination.unit,
        "destination_uscc": destination and destination.uscc,
        "destination_place": destination and destination.place,
        "destination_post": destination and destination.post,
    }


def archive_columns(cipher: FieldCipher, dossier: Dossier) -> Columns:
    """Return the columns of the archive entry (档案信息)."""
    entry, row = dossier.archive, dossier.id
    items = entry.items
    receiving = items.receiving_type if items else None
    return {
        "archive_status": entry.status.name,
        "archive_transfer_type": items and items.transfer_type.name,
        "archive_receiving_type": receiving and receiving.name,
        "archive_unit": items and items.unit,
        "archive_address": items and cipher.seal_optional(items.address, _ADDRESS, row),
        "archive_postcode": items and items.postcode,
        "archive_contact": items and cipher.seal_optional(items.contact, _CONTACT, row),
        "archive_phone": items and cipher.seal_optional(items.phone, _PHONE, row),
        "archive_reason": entry.reason,
        "archive_submitted_at": entry.submitted_at,
        "archive_reviewed_at": entry.reviewed_at,
        "archive_returned": cipher.seal_optional(returned_text(entry.returned), _RETURNED, row),
        "archive_hints": len(hints_for(dossier)) if entry.status is ArchiveStatus.SUBMITTED else None,
    }


def household_columns(cipher: FieldCipher, dossier: Dossier) -> Columns:
    """Return the columns of the household entry (户口信息)."""
    household = dossier.household
    return {
        "household_moved": household.moved,
        "household_address": cipher.seal_optional(household.address, _HOUSEHOLD, dossier.id),
    }


def mark_columns(_: FieldCipher, dossier: Dossier) -> Columns:
    """Return the columns of what happened so far (办理进度)."""
    confirmation = dossier.confirmation
    return {
        "chsi_bound": dossier.chsi_bound,
        "checked_at": dossier.checked_at,
        "confirmed_at": confirmation and confirmation.at,
        "confirmed_digest": confirmation and confirmation.digest,
        "reopened_at": dossier.reopened_at,
        "real_person_at": dossier.real_person_at,
        "openid": dossier.openid,
        "correction_id": dossier.correction and dossier.correction.id,
        "verification_count": len(dossier.verifications),
    }


# -- row → entity -------------------------------------------------------------------------------------


def to_dossier(
    cipher: FieldCipher, row: GraduateRow, correction: Correction | None, verifications: tuple[Verification, ...]
) -> Dossier:
    """Return the dossier (去向登记档) of a row.

    Raises:
        CipherError: a sealed value is not this row's.
    """
    return Dossier(
        id=row.id,
        season_id=row.season_id,
        graduate=_graduate(cipher, row),
        destination=_destination(row),
        archive=ArchiveEntry(
            status=ArchiveStatus[row.archive_status],
            items=_archive_items(cipher, row),
            reason=row.archive_reason,
            submitted_at=row.archive_submitted_at,
            reviewed_at=row.archive_reviewed_at,
            returned=to_returned(cipher.unseal_optional(row.archive_returned, _RETURNED, row.id)),
        ),
        household=Household(row.household_moved, cipher.unseal_optional(row.household_address, _HOUSEHOLD, row.id)),
        chsi_bound=row.chsi_bound,
        checked_at=row.checked_at,
        confirmation=_confirmation(row),
        reopened_at=row.reopened_at,
        real_person_at=row.real_person_at,
        correction=correction,
        verifications=verifications,
        openid=row.openid,
        version=row.version,
    )


def _graduate(cipher: FieldCipher, row: GraduateRow) -> Graduate:
    return Graduate(
        student_number=row.student_number,
        name=row.name,
        identity_number=IdentityNumber(cipher.unseal(row.identity_number, _IDENTITY, row.id)),
        college=row.college,
        major=row.major,
        class_name=row.class_name,
        level=Level[row.level],
        graduation_date=row.graduation_date,
        completion=Completion[row.completion],
        counsellor=Counsellor(
            name=row.counsellor_name,
            phone=cipher.unseal_optional(row.counsellor_phone, _COUNSELLOR_PHONE, row.id),
            staff_number=row.counsellor_staff_number,
        ),
        exam_number=row.exam_number,
        mobile=cipher.unseal_optional(row.mobile, _MOBILE, row.id),
        place_of_origin=row.place_of_origin,
    )


def _destination(row: GraduateRow) -> Destination | None:
    if row.destination_code is None:
        return None
    return Destination(
        code=row.destination_code,
        unit=row.destination_unit,
        uscc=row.destination_uscc,
        place=row.destination_place,
        post=row.destination_post,
    )


def _archive_items(cipher: FieldCipher, row: GraduateRow) -> ArchiveItems | None:
    if row.archive_transfer_type is None:
        return None
    return ArchiveItems(
        transfer_type=TransferType[row.archive_transfer_type],
        receiving_type=ReceivingType[row.archive_receiving_type] if row.archive_receiving_type else None,
        unit=row.archive_unit,
        address=cipher.unseal_optional(row.archive_address, _ADDRESS, row.id),
        postcode=row.archive_postcode,
        contact=cipher.unseal_optional(row.archive_contact, _CONTACT, row.id),
        phone=cipher.unseal_optional(row.archive_phone, _PHONE, row.id),
    )


def _confirmation(row: GraduateRow) -> Confirmation | None:
    if row.confirmed_at is None or row.confirmed_digest is None:
        return None
    return Confirmation(row.confirmed_at, row.confirmed_digest)
