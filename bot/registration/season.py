"""The season (届): the calendar, contacts and periods of one school's graduates of one year (N13, N17, N18, N19)."""

import calendar
from collections.abc import Mapping
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


class SeasonFaultsError(BadValueError):
    """A season that cannot be (日程不成立).

    Attributes:
        faults: attribute → what is wrong with it, a sentence for staff.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("；".join(dict.fromkeys(faults.values())))
        self.faults = faults


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
        SeasonFaultsError: when built with days out of order or missing words.
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
        if faults := self._faults():
            raise SeasonFaultsError(faults)

    def _faults(self) -> dict[str, str]:
        """Return what cannot be, by the name of the attribute that should be mended."""
        needed = ("id", "school", "office", "office_phone")
        faults = {name: "届别、学校、就业办名称和电话都要填写" for name in needed if not getattr(self, name)}
        if self.opens > self.closes:
            faults["closes"] = "确认开始日期晚于确认结束日期"
        elif self.changes_until < self.closes:
            faults["changes_until"] = "变更截止日期早于确认结束日期"
        if self.cutoff > self.changes_until:
            faults["cutoff"] = "未就业登记截点晚于变更截止日期"
        if not 1 <= self.verification_months <= 60:
            faults["verification_months"] = "核验期限月数应在 1 到 60 之间"
        return faults

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


@dataclass(frozen=True, slots=True)
class SeasonVersion:
    """One version of a season's settings, as it was saved (历史版本).

    Attributes:
        season_id, version: which one.
        settings: attribute of Season → its value as a text; attributes may be missing or unknown today.
    """

    season_id: str
    version: int
    settings: Mapping[str, str]
