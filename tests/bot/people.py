"""Invented people and a season for the tests of the mind (bot/): values only."""

from dataclasses import replace
from datetime import date, datetime

from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.correction import Correction, CorrectionState, Item
from bot.registration.destination import Destination
from bot.registration.dossier import Confirmation, Dossier
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.season import SHANGHAI, Season
from bot.registration.verification import Subject, Verification

SEASON = Season(
    id="2023",
    school="示例大学",
    opens=date(2023, 6, 28),
    closes=date(2023, 7, 3),
    cutoff=date(2023, 7, 1),
    changes_until=date(2023, 8, 31),
    office="就业指导中心",
    office_phone="0512-62881234",
    hotline="010-67410388",
    mail="help@example.edu.cn",
    school_system_url="https://jy.example.edu.cn/",
)

BEFORE = datetime(2023, 6, 27, 10, 0, tzinfo=SHANGHAI)
OPEN = datetime(2023, 6, 30, 10, 0, tzinfo=SHANGHAI)
LAST_DAY = datetime(2023, 7, 3, 23, 0, tzinfo=SHANGHAI)
AFTER = datetime(2023, 7, 10, 10, 0, tzinfo=SHANGHAI)
CHANGES_OVER = datetime(2023, 10, 1, 10, 0, tzinfo=SHANGHAI)
HALF_YEAR_OVER = datetime(2023, 12, 31, 10, 0, tzinfo=SHANGHAI)

NUMBER, TAIL = "2023010101", "00002X"
OPENID = "oMe"

ITEMS = ArchiveItems(
    TransferType.UNIT,
    ReceivingType.TRUSTEE,
    "示例市人才服务中心",
    "示例市示例区学府路1号201室",
    "010010",
    "档案科",
    "0512-62881234",
)
DESTINATION = Destination("10", "示例科技有限公司", "", "示例市", "工程师")
MOVED = Household(moved=True, address="示例省示例市学府路1号")

_EARLIER = datetime(2023, 6, 20, 9, 0, tzinfo=SHANGHAI)


def graduate(number: str = NUMBER, name: str = "王小明", identity_number: str = "11010119900100002X") -> Graduate:
    """Make a graduate (毕业生)."""
    return Graduate(
        student_number=number,
        name=name,
        identity_number=IdentityNumber(identity_number),
        college="文学院",
        major="汉语言文学",
        class_name="1班",
        level=Level.BACHELOR,
        graduation_date=date(2023, 6, 30),
        completion=Completion.GRADUATED,
        counsellor=Counsellor("李老师", "13800000000", "T01"),
        place_of_origin="示例省示例市",
    )


def new_dossier(openid: str | None = None, who: Graduate | None = None) -> Dossier:
    """Make a dossier (登记档) in which nothing has happened yet; CHSI knows the status as bound."""
    who = who or graduate()
    return Dossier(id=f"id{who.student_number[-2:]}", season_id=SEASON.id, graduate=who, chsi_bound=True, openid=openid)


def with_archive(dossier: Dossier, status: ArchiveStatus) -> Dossier:
    """Give the dossier an archive entry (档案信息) in this state."""
    if status is ArchiveStatus.MISSING:
        return replace(dossier, archive=ArchiveEntry())
    reason = "单位名称不全" if status is ArchiveStatus.RETURNED else ""
    return replace(dossier, archive=ArchiveEntry(status, ITEMS, reason, submitted_at=_EARLIER))


def with_correction(dossier: Dossier, state: CorrectionState = CorrectionState.OPEN) -> Dossier:
    """Give the dossier an error report (信息有误)."""
    return replace(dossier, correction=Correction("c1", ((Item.MAJOR, "应为英语"),), _EARLIER, state))


def ready(openid: str | None = OPENID) -> Dossier:
    """Make a dossier that lacks nothing but the confirmation (去向登记确认)."""
    known = with_archive(new_dossier(openid), ArchiveStatus.APPROVED)
    return replace(known, destination=DESTINATION, checked_at=_EARLIER)


def confirmed(dossier: Dossier, at: datetime = OPEN) -> Dossier:
    """Confirm what the dossier holds."""
    return replace(dossier, confirmation=Confirmation(at, dossier.digest), reopened_at=None)


def verification(
    dossier: Dossier,
    last_day: date = date(2023, 7, 16),
    subject: Subject = Subject.ARCHIVE,
    issued_at: datetime = OPEN,
) -> Verification:
    """Make a verification (核验授权) of what the dossier holds."""
    number = "23127150" if subject is Subject.ARCHIVE else "65004321"
    return Verification(f"v{subject.name}", number, subject, dossier.digest, issued_at, last_day)


def verified(last_day: date = date(2023, 7, 16)) -> Dossier:
    """Make a dossier with a verification in force until the end of ``last_day``."""
    base = replace(confirmed(ready()), real_person_at=OPEN)
    return replace(base, verifications=(verification(base, last_day),))
