"""What a file does not speak of (文件未涉及的列) stays as it is: a missing column is no order to erase."""

from dataclasses import replace

from bot.registration.destination import Destination
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.graduate import Counsellor, Graduate
from bot.registration.household import Household
from bot.roster.columns import Column, Headings

_EVERY = frozenset(Column)
_FIELDS = {
    Column.EXAM_NUMBER: "exam_number",
    Column.CLASS: "class_name",
    Column.COMPLETION: "completion",
    Column.MOBILE: "mobile",
    Column.PLACE_OF_ORIGIN: "place_of_origin",
}
_DESTINATION_FIELDS = {
    Column.UNIT: "unit",
    Column.USCC: "uscc",
    Column.UNIT_PLACE: "place",
    Column.POST: "post",
}


def keep_absent(data: SchoolData, dossier: Dossier, headings: Headings) -> SchoolData:
    """Return the school's data with the dossier's own values where the file has no column (缺列保留原值).

    An empty cell under a heading does erase. Details of a destination or a counsellor are kept only while the
    destination category or the counsellor's name is the same. The archive entry is left to
    ``Dossier.with_school_data``, which never lets a file without one overwrite it.
    """
    absent = _EVERY.difference(headings.places)
    if not absent:
        return data
    return replace(
        data,
        graduate=_graduate(data.graduate, dossier.graduate, absent),
        destination=_destination(data.destination, dossier.destination, absent),
        household=_household(data.household, dossier.household, absent),
        chsi_bound=dossier.chsi_bound if Column.CHSI_BOUND in absent else data.chsi_bound,
    )


def _graduate(new: Graduate, old: Graduate, absent: frozenset[Column]) -> Graduate:
    kept = {name: getattr(old, name) for column, name in _FIELDS.items() if column in absent}
    return replace(new, counsellor=_counsellor(new.counsellor, old.counsellor, absent), **kept)


def _counsellor(new: Counsellor, old: Counsellor, absent: frozenset[Column]) -> Counsellor:
    if new.name != old.name:
        return new
    return Counsellor(
        new.name,
        old.phone if Column.COUNSELLOR_PHONE in absent else new.phone,
        old.staff_number if Column.COUNSELLOR_STAFF_NUMBER in absent else new.staff_number,
    )


def _destination(new: Destination | None, old: Destination | None, absent: frozenset[Column]) -> Destination | None:
    if Column.DESTINATION in absent:
        return old
    if new is None or old is None or new.code != old.code:
        return new
    return replace(
        new, **{name: getattr(old, name) for column, name in _DESTINATION_FIELDS.items() if column in absent}
    )


def _household(new: Household, old: Household, absent: frozenset[Column]) -> Household:
    if Column.HOUSEHOLD_MOVED in absent:
        return old
    if new.moved and Column.HOUSEHOLD_ADDRESS in absent:
        return replace(new, address=old.address)
    return new
