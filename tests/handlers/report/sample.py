"""One invented graduate with both verifications, for the tests of the report and of its landing page."""

from datetime import date, datetime

from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus, ReceivingType, TransferType
from bot.registration.destination import Destination
from bot.registration.dossier import Dossier
from bot.registration.graduate import Completion, Counsellor, Graduate, Level
from bot.registration.household import Household
from bot.registration.identity_number import IdentityNumber
from bot.registration.season import SHANGHAI, Season
from bot.registration.verification import Subject, Verification

NOW = datetime(2023, 6, 30, 10, 0, tzinfo=SHANGHAI)
LAST_DAY = date(2023, 7, 16)
SEASON = Season(
    id="2023",
    school="江南示范大学",
    opens=date(2023, 6, 28),
    closes=date(2023, 7, 3),
    cutoff=date(2023, 7, 1),
    changes_until=date(2023, 8, 31),
    office="就业指导中心",
    office_phone="0512-62880000",
    hotline="400-100-2000",
    mail="jy@example.edu.cn",
    school_system_url="https://jy.example.edu.cn",
)
IDENTITY_NUMBER = "11010520010203002X"
PHONE = "0512-62881234"
CONTACT = "档案科钱老师"
ADDRESS = "江苏省苏州市工业园区苏虹中路 200 号 3 楼 305 室"
HOUSEHOLD_ADDRESS = "江苏省苏州市姑苏区人民路 1 号"


def registered(name: str = "欧阳㛃䶮", unit: str = "苏州某某精密制造有限公司") -> Dossier:
    """Return a confirmed dossier with archive (23127150) and household (03127151) verified until 16 July."""
    graduate = Graduate(
        student_number="20190001",
        name=name,
        identity_number=IdentityNumber(IDENTITY_NUMBER),
        college="机械与电气工程学院",
        major="机械设计制造及其自动化",
        class_name="机械1901",
        level=Level.BACHELOR,
        graduation_date=date(2023, 6, 30),
        completion=Completion.COMPLETED,
        counsellor=Counsellor("李老师", "13900000000"),
        exam_number="19320500123456",
        mobile="13812345678",
        place_of_origin="江苏省苏州市",
    )
    items = ArchiveItems(
        TransferType.UNIT, ReceivingType.TRUSTEE, "园区人力资源管理服务中心𬭊", ADDRESS, "215021", CONTACT, PHONE
    )
    dossier = Dossier(
        id="d1",
        season_id="2023",
        graduate=graduate,
        destination=Destination("10", unit, "91320594MA1XXXXX0A", "江苏省苏州市工业园区", "工艺工程师"),
        archive=ArchiveEntry(ArchiveStatus.APPROVED, items),
        household=Household(moved=True, address=HOUSEHOLD_ADDRESS),
        real_person_at=NOW,
    ).confirm(SEASON, NOW)
    for identifier, number, subject in (
        ("v-archive", "23127150", Subject.ARCHIVE),
        ("v-household", "03127151", Subject.HOUSEHOLD),
    ):
        dossier = dossier.authorise(Verification(identifier, number, subject, dossier.digest, NOW, LAST_DAY), SEASON)
    return dossier
