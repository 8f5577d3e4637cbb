"""The planned notices (计划通知) of a season: what the calendar sends by itself, on or off, in staff's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import Enum

from bot.conversation.texts import texts
from bot.notices.broadcast import Message
from bot.notices.variables import VARIABLES, checked
from bot.registration.season import Season

OF_VERIFICATION: Mapping[str, str] = {
    "核验项目": "档案信息或户口信息",
    "核验编号": "这份核验的八位编号",
    "有效期至": "这份核验有效期的最后一刻",
}
"""Variables only a notice about one verification has (核验通知的变量), with what staff read about them."""


class Planned(Enum):
    """A kind of planned notice (计划通知种类); the value is what staff read."""

    WINDOW_OPENS = "确认开始"
    THREE_DAYS_LEFT = "还剩三天"
    LAST_DAY = "最后一天"
    VERIFICATION_ENDS = "核验两天后到期"

    def day(self, season: Season) -> date | None:
        """Return the day on which it goes out, None for the one that has a day for each person."""
        return {
            Planned.WINDOW_OPENS: season.opens,
            Planned.THREE_DAYS_LEFT: season.closes - timedelta(days=2),  # that day counts as one of the three
            Planned.LAST_DAY: season.closes,
        }.get(self)


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """One planned notice of a season (计划通知).

    Attributes:
        season_id: the season.
        kind: see Planned.
        is_on: whether it goes out.
        title, text: as of a broadcast, with variables.
        version: 0 while nothing was changed.
    """

    season_id: str
    kind: Planned
    is_on: bool
    title: str
    text: str = field(repr=False)
    version: int = 0


_URGENT_FIRST = (Planned.LAST_DAY, Planned.THREE_DAYS_LEFT, Planned.WINDOW_OPENS)
_DAY = "截止日期"


def default(season_id: str, kind: Planned) -> PlannedNotice:
    """Return a planned notice nobody has changed (默认的计划通知): on, in our words."""
    key = f"planned.{kind.name}"
    return PlannedNotice(season_id, kind, is_on=True, title=texts()[f"{key}.title"], text=texts()[f"{key}.text"])


def due(notices: Sequence[PlannedNotice], season: Season, today: date) -> PlannedNotice | None:
    """Return the one notice about the window that goes out today (今天的计划通知), or None.

    In a short window several fall on one day; nobody wants two, so the most urgent of those that are on goes out.
    """
    if not season.opens <= today <= season.closes:
        return None
    on = {notice.kind: notice for notice in notices if notice.is_on}
    return next((on[kind] for kind in _URGENT_FIRST if kind in on and kind.day(season) == today), None)


def variables_of(kind: Planned) -> Mapping[str, str]:
    """Return the variables a text of this kind may use (可用变量), with what staff read about each."""
    usual = {name: variable.said for name, variable in VARIABLES.items()}
    if kind is Planned.VERIFICATION_ENDS:
        return {**OF_VERIFICATION, **usual, _DAY: "这份核验的最后一天"}
    return {**usual, _DAY: "确认的最后一天"}


def checked_notice(notice: PlannedNotice) -> PlannedNotice:
    """Return a planned notice that can be sent (检查计划通知), its words without blanks around.

    Raises:
        BadValueError: with everything that is wrong, and how to mend it.
    """
    text = notice.text
    if notice.kind is Planned.VERIFICATION_ENDS:
        for name in OF_VERIFICATION:
            text = text.replace(f"{{{name}}}", name)
    title = checked(Message(notice.title, text)).title
    return replace(notice, title=title, text=notice.text.replace("\r\n", "\n").strip())
