"""The graduate (毕业生): personal and study data as the school uploaded them (N1, N3, N4)."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from bot.registration.identity_number import IdentityNumber


class Level(StrEnum):
    """The level of study (学历层次)."""

    ASSOCIATE = "专科"
    BACHELOR = "本科"
    MASTER = "硕士"
    DOCTOR = "博士"


class Completion(StrEnum):
    """How the studies end (毕结业, N1): with a diploma or without."""

    GRADUATED = "毕业"
    COMPLETED = "结业"


@dataclass(frozen=True, slots=True)
class Counsellor:
    """The counsellor (辅导员) of a graduate.

    Attributes:
        name: full name.
        phone: telephone or "".
        staff_number: staff number (工号) or "", joins the staff account.
    """

    name: str
    phone: str = ""
    staff_number: str = ""


@dataclass(frozen=True, slots=True)
class Graduate:
    """A graduate (毕业生) of one season, as in the roster.

    Attributes:
        student_number: 学号, unique in the season.
        name: 姓名.
        identity_number: 身份证号.
        college: 学院; major: 专业; class_name: 班级 or "".
        level: 学历层次; graduation_date: 毕业日期; completion: 毕业 or 结业.
        counsellor: 辅导员.
        exam_number: 考生号, 14 digits or "".
        mobile: 手机号 or "", for the counsellor's phone list only.
        place_of_origin: 生源地 or "".
    """

    student_number: str = field(repr=False)
    name: str = field(repr=False)
    identity_number: IdentityNumber = field(repr=False)
    college: str
    major: str
    class_name: str
    level: Level
    graduation_date: date
    completion: Completion
    counsellor: Counsellor = field(repr=False)
    exam_number: str = field(default="", repr=False)
    mobile: str = field(default="", repr=False)
    place_of_origin: str = ""

    @property
    def masked_name(self) -> str:
        """The name with all but its first and last character hidden: 王*明, 李*; 欧阳㛃䶮 becomes 欧**䶮."""
        if len(self.name) == 2:  # a two-character name would otherwise be shown whole
            return f"{self.name[0]}*"
        return f"{self.name[0]}{'*' * (len(self.name) - 2)}{self.name[-1]}"
