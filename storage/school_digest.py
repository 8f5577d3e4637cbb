"""The school digest (学校数据摘要): a keyed hash of what a roster says; equal data is found without decrypting."""

from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier, SchoolData
from storage.cipher import FieldCipher

HALF = 32
"""Hex digits of each half: 128 bits."""

_NO_ARCHIVE = "0" * HALF


def school_digest(cipher: FieldCipher, school: Dossier | SchoolData) -> str:
    """Return 64 hex digits (学校数据摘要): the first half covers all but the archive entry, the second its items.

    An entry that is not approved counts as none: a file never equals what still waits for a review (N7). Lines of
    our own hold no NUL, so that it parts the values.
    """
    who, destination, household = school.graduate, school.destination, school.household
    counsellor = who.counsellor
    facts: tuple[str, ...] = (
        *(who.student_number, who.name, who.identity_number.value, who.exam_number, who.mobile, who.place_of_origin),
        *(who.college, who.major, who.class_name, who.level, who.graduation_date.isoformat(), who.completion),
        *(counsellor.name, counsellor.phone, counsellor.staff_number),
        f"{household.moved}{school.chsi_bound}",
        household.address,
    )
    if destination is not None:
        facts += (destination.code, destination.unit, destination.uscc, destination.place, destination.post)
    return cipher.blind_index("school", "\0".join(facts))[:HALF] + _archive(cipher, school)


def _archive(cipher: FieldCipher, school: Dossier | SchoolData) -> str:
    items = school.archive.items
    if items is None or school.archive.status is not ArchiveStatus.APPROVED:
        return _NO_ARCHIVE
    # Bound to the graduate: equal addresses of two people must not show as equal.
    facts = (school.graduate.student_number, *items.facts)
    return cipher.blind_index("archive", "\0".join(facts))[:HALF]
