"""The demo roster (示例名册): invented graduates in every situation of N1 to N18, as a file for the real importer.

Nobody in it can be real: the ID numbers begin with 110000, which is Beijing itself and no county of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from bot.registration.archive import ReceivingType, TransferType
from bot.registration.season import add_months
from bot.roster.columns import Column
from handlers.roster.invented import ARCHIVE_OFFICES, COLLEGES, ORIGINS, UNITS, identity_number, name
from handlers.roster.writing import write_roster

Row = dict[Column, str]
"""A row of the file by heading."""

COUNT = 300
SEED = 2023


@dataclass(frozen=True, slots=True)
class Tryout:
    """A person to play in the demo (体验账号).

    Attributes:
        student_number: 学号 to log in with.
        name: 姓名 to log in with.
        identity_tail: last six characters of the ID number.
        situation: what this person will meet, a sentence.
    """

    student_number: str
    name: str
    identity_tail: str
    situation: str


@dataclass(frozen=True, slots=True)
class DemoRoster:
    """The demo roster (示例名册): rows for the file, and whom to try."""

    rows: tuple[Row, ...] = field(repr=False)
    tryouts: tuple[Tryout, ...]


_Change = Callable[[Row, date, Random], None]


def demo_roster(today: date, count: int = COUNT, seed: int = SEED) -> DemoRoster:
    """Invent a roster (生成示例名册); the same arguments give the same graduates.

    Args:
        today: the day the demo starts; graduation lies a few days before it.
        count: number of graduates, at least one for each situation.
        seed: of the invention.
    """
    random = Random(seed)  # noqa: S311 -- an invention that can be repeated, no secret
    situations = tuple(_SITUATIONS.items())
    rows: list[Row] = []
    tryouts: list[Tryout] = []
    for index in range(max(count, len(situations))):
        row = _ordinary(index, today, random)
        sentence, change = situations[index % len(situations)]
        change(row, today, random)
        rows.append(row)
        if index < len(situations):
            tryouts.append(_tryout(row, sentence))
    return DemoRoster(tuple(rows), (*tryouts, *_strangers(rows, today)))


def write_demo_file(path: Path, today: date) -> tuple[Tryout, ...]:
    """Write the demo roster to an .xlsx or .csv file (写出示例名册) and return whom to try."""
    roster = demo_roster(today)
    write_roster(path, roster.rows)
    return roster.tryouts


def _tryout(row: Row, sentence: str) -> Tryout:
    return Tryout(row[Column.STUDENT_NUMBER], row[Column.NAME], row[Column.IDENTITY_NUMBER][-6:], sentence)


def _strangers(rows: list[Row], today: date) -> tuple[Tryout, ...]:
    """People whose login fails because of the school's data (N3)."""
    misspelt = rows[-1]
    return (
        Tryout(f"{today.year}999999", "宋无名", "010018", "学校没有上传这名毕业生：登录不成功，请联系辅导员（N3）"),
        Tryout(
            misspelt[Column.STUDENT_NUMBER],
            f"{misspelt[Column.NAME]}儿",
            misspelt[Column.IDENTITY_NUMBER][-6:],
            "学校上传的姓名与本人不一致：登录不成功，请联系辅导员更正（N3）",
        ),
    )


# -- an ordinary graduate: placed, archive entry still missing, household not moved ---------------------


def _ordinary(index: int, today: date, random: Random) -> Row:
    college, majors, counsellors = COLLEGES[index % len(COLLEGES)]
    major = random.choice(majors)
    counsellor, phone, staff_number = random.choice(counsellors)
    row: Row = {
        Column.STUDENT_NUMBER: f"{today.year - 4}{index + 1:06d}",
        Column.NAME: name(random),
        Column.IDENTITY_NUMBER: identity_number(today.year - 22, index),
        Column.EXAM_NUMBER: f"{today.year - 4}"[2:] + f"110000{index + 1:06d}",
        Column.COLLEGE: college,
        Column.MAJOR: major,
        Column.CLASS: f"{major}{(today.year - 4) % 100:02d}{random.randint(1, 3):02d}班",
        Column.LEVEL: "本科",
        Column.GRADUATION_DATE: (today - timedelta(days=5)).isoformat(),
        Column.COMPLETION: "毕业",
        Column.MOBILE: f"1990000{index % 10000:04d}",
        Column.COUNSELLOR: counsellor,
        Column.COUNSELLOR_PHONE: phone,
        Column.COUNSELLOR_STAFF_NUMBER: staff_number,
        Column.PLACE_OF_ORIGIN: random.choice(ORIGINS),
        Column.HOUSEHOLD_MOVED: "否",
        Column.CHSI_BOUND: "是",
        Column.REAL_PERSON: "否",
    }
    _employ(row, random)
    return row


def _grow(row: Row, today: date, age: int) -> None:
    """Give an older graduate the ID number of the right year."""
    row[Column.IDENTITY_NUMBER] = identity_number(today.year - age, int(row[Column.STUDENT_NUMBER][-6:]) - 1)


def _employ(row: Row, random: Random) -> None:
    unit, uscc, place = random.choice(UNITS)
    row[Column.DESTINATION] = random.choice(("签就业协议形式就业", "签劳动合同形式就业"))
    row[Column.UNIT], row[Column.USCC], row[Column.UNIT_PLACE] = unit, uscc, place
    row[Column.POST] = random.choice(("软件工程师", "助理会计", "实验员", "教师", "项目助理", "工艺工程师"))


def _place(row: Row, category: str, unit: str = "", place: str = "") -> None:
    row[Column.DESTINATION], row[Column.UNIT], row[Column.UNIT_PLACE] = category, unit, place
    row[Column.USCC] = row[Column.POST] = ""


def _archive(row: Row, random: Random, transfer: TransferType, receiving: ReceivingType | None) -> None:
    office, address, postcode, phone = random.choice(ARCHIVE_OFFICES)
    row[Column.TRANSFER_TYPE] = transfer.value
    row[Column.RECEIVING_TYPE] = receiving.value if receiving else ""
    row[Column.ARCHIVE_UNIT], row[Column.ARCHIVE_ADDRESS] = office, address
    row[Column.ARCHIVE_POSTCODE], row[Column.ARCHIVE_PHONE] = postcode, phone
    row[Column.ARCHIVE_CONTACT] = "档案管理科"


def _trustee(row: Row, random: Random) -> None:
    _archive(row, random, TransferType.UNIT, ReceivingType.TRUSTEE)


# -- the situations ------------------------------------------------------------------------------------


def _nothing_special(_: Row, __: date, ___: Random) -> None:
    """The ordinary graduate as it is."""


def _archive_approved(row: Row, today: date, random: Random) -> None:
    _trustee(row, random)
    row[Column.REAL_PERSON] = (today - timedelta(days=3)).isoformat()


def _everything_open(row: Row, today: date, random: Random) -> None:
    _archive(row, random, TransferType.UNIT, ReceivingType.SIGNED)
    row[Column.HOUSEHOLD_MOVED] = "是"
    row[Column.HOUSEHOLD_ADDRESS] = f"{row[Column.UNIT_PLACE]}示例路派出所集体户"
    row[Column.REAL_PERSON] = today.isoformat()


def _household_without_address(row: Row, _: date, random: Random) -> None:
    _trustee(row, random)
    row[Column.HOUSEHOLD_MOVED] = "是"


def _back_to_origin(row: Row, _: date, random: Random) -> None:
    _archive(row, random, TransferType.ORIGIN, None)


def _wrong_origin(row: Row, _: date, random: Random) -> None:
    _archive(row, random, TransferType.ORIGIN, None)
    row[Column.PLACE_OF_ORIGIN] = "示例省错填市"


def _superior(row: Row, _: date, random: Random) -> None:
    _archive(row, random, TransferType.UNIT, ReceivingType.SUPERIOR)
    _place(row, "国家基层项目", "示例县乡村教师计划办公室", "示例省示例县")


def _without_diploma(row: Row, _: date, __: Random) -> None:
    row[Column.COMPLETION] = "结业"


def _not_bound(row: Row, _: date, __: Random) -> None:
    row[Column.CHSI_BOUND] = "否"


def _no_destination(row: Row, _: date, __: Random) -> None:
    _place(row, "")


def _looking(row: Row, _: date, random: Random) -> None:
    _place(row, "待就业")
    _archive(row, random, TransferType.ORIGIN, None)


def _long_ago(row: Row, today: date, random: Random) -> None:
    _trustee(row, random)
    row[Column.GRADUATION_DATE] = (add_months(today, -6) - timedelta(days=20)).isoformat()
    row[Column.REAL_PERSON] = "是"


def _doctor(row: Row, today: date, _: Random) -> None:
    row[Column.LEVEL] = "博士"
    _grow(row, today, 29)
    _place(row, "科研助理、管理助理", "示例大学重点实验室", "示例省示例市")


def _further_study(row: Row, _: date, random: Random) -> None:
    _place(row, "升学", "示例科技大学研究生院", "示例省省会市")
    _archive(row, random, TransferType.UNIT, ReceivingType.SIGNED)


def _master(row: Row, today: date, _: Random) -> None:
    row[Column.LEVEL] = "硕士"
    _grow(row, today, 25)


def _associate(row: Row, _: date, __: Random) -> None:
    row[Column.LEVEL] = "专科"
    row[Column.EXAM_NUMBER] = ""
    _place(row, "升学", "示例职业技术大学", "示例省示例市")


def _abroad(row: Row, _: date, __: Random) -> None:
    _place(row, "出国、出境", "Example University", "海外")


def _rare_name(row: Row, _: date, random: Random) -> None:
    row[Column.NAME] = "欧阳㛃䶮" if row[Column.STUDENT_NUMBER].endswith("18") else name(random, rare=True)


def _dotted_name(row: Row, _: date, random: Random) -> None:
    row[Column.NAME] = random.choice(("迪丽热巴·示例江", "阿依古丽·示例提", "买买提·示例别克"))
    _trustee(row, random)


def _wrong_major(row: Row, _: date, random: Random) -> None:
    row[Column.MAJOR] = "（错录的专业）"
    _trustee(row, random)


_SITUATIONS: dict[str, _Change] = {
    "已有去向，还没有档案信息：先填档案、等审核，再确认（N5、N7）": _nothing_special,
    "档案信息已由学校提供，实人验证已完成：直接确认，再选有效期（N7、N9、N13）": _archive_approved,
    "一路畅通：档案齐全、户口已转入学校、实人验证已完成，档案和户口分别核验（N8、N14）": _everything_open,
    "户口已转入学校但还没有迁往地址：须由学校补充（N8）": _household_without_address,
    "学信网没有绑定学籍：先去绑定（N3）": _not_bound,
    "平台上没有去向数据：先到校版就业系统完善（N6）": _no_destination,
    "档案转回生源地（N10）": _back_to_origin,
    "生源地有误：请就业办更正（N10、N11）": _wrong_origin,
    "基层项目，上级主管单位接收档案（N10）": _superior,
    "结业生也要参加（N1）": _without_diploma,
    "待就业，截点前未落实去向（N18）": _looking,
    "毕业已超过六个月：可以确认，不能再核验（N13）": _long_ago,
    "博士，科研助理，档案待填写（N5、N7）": _doctor,
    "升学，签约单位接收档案，实人验证还没有做（N12）": _further_study,
    "硕士毕业生（N4）": _master,
    "专科毕业生，没有考生号，专升本（N4）": _associate,
    "出国、出境（N5）": _abroad,
    "姓名有生僻字（N4、N16）": _rare_name,
    "姓名有间隔点（N4）": _dotted_name,
    "专业录错：核对个人信息时报告错误（N4、N11）": _wrong_major,
}
