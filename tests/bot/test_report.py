from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.registration.archive import ReceivingType, TransferType
from bot.registration.dossier import Dossier
from bot.registration.report import PublicView, Report, Standing, moment_text, public_view, report_of
from bot.registration.season import SHANGHAI
from bot.registration.verification import State, Subject
from tests.handlers.report.sample import (
    ADDRESS,
    CONTACT,
    HOUSEHOLD_ADDRESS,
    IDENTITY_NUMBER,
    NOW,
    PHONE,
    SEASON,
    registered,
)

LAST_SECOND = datetime(2023, 7, 16, 23, 59, 59, tzinfo=SHANGHAI)


def report(dossier: Dossier, subject: Subject = Subject.ARCHIVE, now: datetime = NOW) -> Report:
    verification = dossier.verification_of(subject)
    assert verification
    return report_of(SEASON, dossier, verification, now)


def view(dossier: Dossier, subject: Subject = Subject.ARCHIVE, now: datetime = NOW) -> PublicView:
    verification = dossier.verification_of(subject)
    assert verification
    return public_view(SEASON, dossier, verification, now)


def values(made: Report) -> dict[str, str]:
    return {row.key: row.value for section in made.sections for row in section.rows}


def test_the_report_says_who_where_to_and_what_the_archive_office_needs() -> None:
    said = values(report(registered()))
    assert said["who.name"] == "欧阳㛃䶮"
    assert said["who.identity_number"] == "*****************X"
    assert said["who.completion"] == "结业"
    assert said["destination.category"] == "签就业协议形式就业"
    assert said["archive.transfer_type"] == "单位接收档案 · 托管单位接收"
    assert (said["archive.address"], said["archive.contact"], said["archive.phone"]) == (ADDRESS, CONTACT, PHONE)
    assert not any(key.startswith("household") for key in said)


def test_a_household_report_holds_household_items_and_none_of_the_archive() -> None:
    said = values(report(registered(), Subject.HOUSEHOLD))
    assert said["household.address"] == HOUSEHOLD_ADDRESS
    assert not any(key.startswith("archive") for key in said)


def test_an_archive_that_goes_back_says_to_which_place_of_origin() -> None:
    dossier = registered()
    assert dossier.archive.items
    items = replace(dossier.archive.items, transfer_type=TransferType.ORIGIN, receiving_type=None)
    said = values(report(replace(dossier, archive=replace(dossier.archive, items=items))))
    assert (said["archive.transfer_type"], said["archive.place_of_origin"]) == ("转回生源地", "江苏省苏州市")


def test_what_is_not_registered_is_printed_as_a_dash_and_never_left_empty() -> None:
    dossier = registered(unit="")
    said = values(report(dossier))
    assert said["destination.unit"] == "—"
    assert "who.exam_number" not in said, "its digits tell the region of the ID number"
    assert all(said.values())


@pytest.mark.parametrize("subject", Subject)
def test_a_stranger_sees_no_birth_date_no_full_name_and_no_telephone(subject: Subject) -> None:
    seen = view(registered(), subject)
    shown = " ".join([seen.masked_name, seen.number, *(row.value for row in seen.rows)])
    assert seen.masked_name == "欧**䶮"
    for secret in ("欧阳㛃䶮", IDENTITY_NUMBER, "20010203", "2001-02-03", PHONE, CONTACT, "13812345678", "20190001"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("subject", "keys"),
    [
        (Subject.ARCHIVE, ["archive.transfer_type", "archive.unit", "archive.address"]),
        (Subject.HOUSEHOLD, ["household.moved", "household.address"]),
    ],
)
def test_each_audience_sees_its_own_items_only(subject: Subject, keys: list[str]) -> None:
    assert [row.key for row in view(registered(), subject).rows] == keys


def test_validity_ends_at_the_last_second_of_the_day_in_shanghai() -> None:
    assert moment_text(report(registered()).valid_until) == "2023-07-16 23:59:59"
    assert report(registered(), now=LAST_SECOND).standing is Standing.IN_FORCE
    assert report(registered(), now=LAST_SECOND.astimezone(UTC)).standing is Standing.IN_FORCE
    assert report(registered(), now=LAST_SECOND + timedelta(seconds=1)).standing is Standing.EXPIRED


def test_items_disappear_from_the_public_page_as_soon_as_the_report_is_not_in_force() -> None:
    dossier = registered()
    closed = dossier.close(Subject.ARCHIVE, NOW)
    fallen = dossier.fallen(NOW)
    expired = view(dossier, now=LAST_SECOND + timedelta(seconds=1))
    assert [view(closed).standing, view(fallen).standing, expired.standing] == [
        Standing.CLOSED,
        Standing.CONFIRM_AGAIN,
        Standing.EXPIRED,
    ]
    assert view(closed).rows == view(fallen).rows == expired.rows == ()
    assert view(closed).ended_at == NOW


def test_every_state_has_a_standing_and_codes_never_change() -> None:
    assert {state: Standing.of(state).value for state in State} == {
        State.IN_FORCE: "V0",
        State.UNCONFIRMED: "V1",
        State.EXPIRED: "V2",
        State.CONFIRM_AGAIN: "V3",
        State.CLOSED: "V4",
        State.ANNULLED: "V5",
    }
    assert Standing.UNKNOWN.value == "V6"


def test_the_data_check_code_changes_with_the_data() -> None:
    code = report(registered()).digest_code
    assert len(code) == len("59D6 D311 E146")
    assert code == report(registered(), Subject.HOUSEHOLD).digest_code
    assert code != report(registered(unit="另一家公司")).digest_code


def test_a_report_and_its_view_show_no_personal_data_when_written_to_a_log() -> None:
    dossier = registered()
    written = repr(report(dossier)) + repr(view(dossier))
    for secret in ("欧阳", "欧**䶮", ADDRESS, "23127150", PHONE):
        assert secret not in written


def test_a_receiving_type_is_shown_for_units_only() -> None:
    dossier = registered()
    assert dossier.archive.items
    for kind in ReceivingType:
        items = replace(dossier.archive.items, receiving_type=kind)
        said = values(report(replace(dossier, archive=replace(dossier.archive, items=items))))
        assert said["archive.transfer_type"] == f"单位接收档案 · {kind.value}"
