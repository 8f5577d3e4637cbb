"""The contract of storage holds on every database: here ``engine`` is parametrised, and ``work`` with it."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.correction import Correction, CorrectionState, Item
from bot.registration.destination import Destination
from bot.registration.dossier import Confirmation, Dossier
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.season import SHANGHAI, Season
from bot.registration.verification import Extension, Subject, Verification
from storage.engine import open_engine
from storage.unit_of_work import SqlWork


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on every database."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()


NOW = datetime(2023, 6, 1, 10, 30, 0, 123456, SHANGHAI)


def new_id() -> str:
    """Return an identifier as callers make them."""
    return uuid.uuid4().hex


@pytest.fixture
def now() -> datetime:
    """A moment with microseconds, in Shanghai."""
    return NOW


@pytest.fixture
def season(work: SqlWork) -> Season:
    """The current season, stored."""
    season = Season(
        id="2023",
        school="示例大学",
        opens=date(2023, 5, 15),
        closes=date(2023, 6, 25),
        cutoff=date(2023, 8, 31),
        changes_until=date(2023, 12, 31),
        office="就业指导中心",
        office_phone="0512-62881234",
        hotline="010-67410388",
        mail="help@example.edu.cn",
        school_system_url="https://jy.example.edu.cn/?a=1",
        verification_months=7,
    )
    with work.writing() as unit:
        unit.seasons.save(season)
        unit.commit()
    return season


@pytest.fixture
def plain(season: Season) -> Callable[[int], Dossier]:
    """Makes a dossier with what a roster must have, and nothing else."""

    def make(number: int) -> Dossier:
        graduate = Graduate(
            student_number=f"2019{number:06}",
            name="王小明",
            identity_number=IdentityNumber(f"11010119990101{number % 10000:04}"),
            college="文学院",
            major="汉语言文学",
            class_name="",
            level=Level.BACHELOR,
            graduation_date=date(2023, 6, 30),
            completion=Completion.GRADUATED,
            counsellor=Counsellor("李老师"),
        )
        return Dossier(id=new_id(), season_id=season.id, graduate=graduate)

    return make


@pytest.fixture
def full(season: Season) -> Dossier:
    """A dossier in which every field is filled, with rare characters and emoji."""
    return Dossier(
        id=new_id(),
        season_id=season.id,
        graduate=Graduate(
            student_number="M-2020A1",
            name="欧阳㛃䶮𬭊",
            identity_number=IdentityNumber("11010119990307803X"),
            college="文学院 🎓",
            major="汉语言文学（师范）",
            class_name="2班",
            level=Level.MASTER,
            graduation_date=date(2023, 6, 30),
            completion=Completion.COMPLETED,
            counsellor=Counsellor("李䶮", "0512-62880000转8", "T0091"),
            exam_number="20320581150123",
            mobile="13912345678",
            place_of_origin="江苏省苏州市",
        ),
        destination=Destination("10", "苏州㛃科技😀有限公司", "91320594MA1XXXXX0A", "苏州", "工程师"),
        archive=ArchiveEntry(
            ArchiveStatus.RETURNED,
            ArchiveItems(
                TransferType.UNIT,
                ReceivingType.TRUSTEE,
                "苏州市人才中心",
                "人民路1号𬭊大厦3楼",
                "215000",
                "赵女士",
                "0512-65220000",
            ),
            reason="单位名称不全，请补充 🙏",
            submitted_at=NOW - timedelta(days=3),
            reviewed_at=NOW - timedelta(days=2),
        ),
        household=Household(moved=True, address="江苏省苏州市姑苏区平江路99号"),
        chsi_bound=True,
        checked_at=NOW - timedelta(days=4),
        confirmation=Confirmation(NOW - timedelta(days=1), "a" * 64),
        reopened_at=NOW - timedelta(hours=5),
        real_person_at=NOW - timedelta(hours=4),
        correction=Correction(
            new_id(),
            ((Item.NAME, "应为欧阳㛃䶮"), (Item.OTHER, "😀")),
            NOW - timedelta(hours=3),
            CorrectionState.REFUSED,
            NOW - timedelta(hours=2),
            "与身份证一致，不改",
        ),
        verifications=tuple(
            Verification(
                new_id(),
                number,
                subject,
                "b" * 64,
                NOW,
                date(2023, 12, 30),
                closed_at=NOW + timedelta(days=1),
                superseded_at=NOW + timedelta(days=2),
                annulled_at=NOW + timedelta(days=3),
                annulled_reason="误发 😀",
                extensions=(Extension(NOW + timedelta(hours=1), date(2023, 7, 1), date(2023, 12, 30)),),
            )
            for number, subject in (("01234567", Subject.ARCHIVE), ("99999999", Subject.HOUSEHOLD))
        ),
        openid="oFull_-AbC123",
        version=3,
    )
