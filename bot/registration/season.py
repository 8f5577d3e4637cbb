"""The season (届): the calendar, contacts and periods of one school's graduates of one year (N13, N17, N18, N19)."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from bot.errors import BadValueError

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Every date of the journey is a whole day of this zone (N17)."""


class Window(StrEnum):
    """Where today stands to the confirmation window (确认时间, N17)."""

    BEFORE = "before"
    OPEN = "open"
    AFTER = "after"


def day_of(moment: datetime) -> date:
    """Return the day in Shanghai of an aware moment."""
    return moment.astimezone(SHANGHAI).date()


def end_of_day(day: date) -> datetime:
    """Return 23:59:59 of the day in Shanghai, the last second of a validity period (N13)."""
    return datetime.combine(day, time(23, 59, 59), SHANGHAI)


def add_months(day: date, months: int) -> date:
    """Return the same day some months later, or the month's last day where there is no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Season:
    """A season (届) of a school.

    Attributes:
        id: short name, e.g. "2023".
        school: the school's full name.
        opens, closes: first and last day of the confirmation window (确认时间).
        cutoff: who is not placed before this day is registered as 未就业 (截点, N18).
        changes_until: last day on which the school still takes changes (N18).
        office: name of the employment office (就业办公室); office_phone: its telephone.
        hotline, mail: for account questions (账号问题, N19).
        school_system_url: the school employment system (校版就业系统).
        chsi_url: where student status is bound (学信网).
        verification_months: months after graduation in which verification works (N13).
        version: grows with every change of the settings.

    Raises:
        BadValueError: when built with days out of order or missing words.
    """

    id: str
    school: str
    opens: date
    closes: date
    cutoff: date
    changes_until: date
    office: str
    office_phone: str
    hotline: str
    mail: str
    school_system_url: str
    chsi_url: str = "https://www.chsi.com.cn/"
    verification_months: int = 6
    version: int = 1

    def __post_init__(self) -> None:
        if self.opens > self.closes:
            raise BadValueError("确认时间的开始日期（opens）晚于结束日期（closes）")
        if self.changes_until < self.closes:
            raise BadValueError("变更截止日期（changes_until）早于确认结束日期（closes）")
        if not self.cutoff <= self.changes_until:
            raise BadValueError("未就业登记截点（cutoff）晚于变更截止日期（changes_until）")
        if not 1 <= self.verification_months <= 60:
            raise BadValueError("核验期限月数（verification_months）应在 1 到 60 之间")
        if not (self.id and self.school and self.office and self.office_phone):
            raise BadValueError("届别、学校、就业办名称和电话都要填写")

    def window(self, now: datetime) -> Window:
        """Tell where the moment stands to the confirmation window (N17)."""
        today = day_of(now)
        if today < self.opens:
            return Window.BEFORE
        return Window.OPEN if today <= self.closes else Window.AFTER

    def takes_changes(self, now: datetime) -> bool:
        """Tell whether the school still takes changes after the window (N18)."""
        return day_of(now) <= self.changes_until

    def last_verification_day(self, graduation: date) -> date:
        """Return the last day a verification may be in force for this graduate (N13)."""
        return add_months(graduation, self.verification_months)
