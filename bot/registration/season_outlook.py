"""The outlook (影响): what a new calendar would mean for people, said before it is saved (N17, N18)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from bot.registration.season import Season

_FAR = 400  # days; whoever means this year seldom types another


@dataclass(frozen=True, slots=True)
class Standing:
    """How the graduates of a season stand (现状).

    Attributes:
        graduates: how many there are.
        unconfirmed: how many of them have not confirmed.
        unplaced: how many have no destination data.
        runs: cut-off day → how many were registered as 未就业 then.
    """

    graduates: int
    unconfirmed: int
    unplaced: int
    runs: dict[date, int]


def outlook(old: Season | None, new: Season, standing: Standing, today: date) -> tuple[str, ...]:
    """Return what saving would mean (影响), sentences for staff, the weightiest first.

    Args:
        old: the current season, or None.
        new: what would be saved.
        standing: of the graduates of ``new``.
        today: in Shanghai.
    """
    is_new = old is None or old.id != new.id
    before = None if is_new else old
    return (
        *(_other_season(old, new, standing) if is_new else ()),
        *_window(before, new, standing, today),
        *_cutoff(before, new, standing, today),
        *_end(new, today),
        *_rest(before, new),
    )


def _day(day: date) -> str:
    return f"{day.year} 年 {day.month} 月 {day.day} 日"


def _other_season(old: Season | None, new: Season, standing: Standing) -> Iterator[str]:
    if old is not None:
        yield (
            f"这是另一届：保存后，聊天、名册和工作台都换到 {new.id} 届；"
            f"{old.id} 届的登记和核验保留，但不能再在聊天里办理。"
        )
    if not standing.graduates:
        yield f"{new.id} 届还没有毕业生，保存后请导入名册。"


def _window(old: Season | None, new: Season, standing: Standing, today: date) -> Iterator[str]:
    if old is not None and (old.opens, old.closes) == (new.opens, new.closes):
        return
    waiting = f"{standing.unconfirmed:,} 人还没确认"
    if new.closes < today:
        yield f"{waiting}，确认时间在 {_day(new.closes)}已经结束：保存后他们马上不能再确认（学校改过数据的除外）。"
    elif new.opens > today and old is not None and old.opens <= today <= old.closes:
        yield f"今天本来可以确认，保存后要等到 {_day(new.opens)}才开放；{waiting}。"
    elif old is not None and new.closes < old.closes:
        when = "今天" if new.closes == today else _day(new.closes)
        yield f"{waiting}，窗口提前到{when}结束后他们不能再确认。"
    elif old is not None and new.closes > old.closes:
        yield f"{waiting}，他们可以一直确认到 {_day(new.closes)}。"
    if new.opens == new.closes:
        yield "确认时间只有一天，请核对。"
    if abs((new.opens - today).days) > _FAR:
        yield f"确认开始在 {new.opens.year} 年，请核对年份。"


def _cutoff(old: Season | None, new: Season, standing: Standing, today: date) -> Iterator[str]:
    ran = standing.runs.get(new.cutoff)
    if old is not None and old.cutoff != new.cutoff:
        yield f"截点从 {_day(old.cutoff)}改到 {_day(new.cutoff)}。"
        if (before := standing.runs.get(old.cutoff)) is not None:
            yield (
                f"{_day(old.cutoff)}的截点已经把 {before:,} 人登记为未就业，改日期不会撤回；"
                "要改请导入名册，写上他们的去向。"
            )
    elif old is not None:
        return
    if ran is not None:
        yield f"{_day(new.cutoff)}的截点已经登记过 {ran:,} 人，同一天不会再登记一次。"
    elif new.cutoff <= today and standing.graduates:
        yield (
            f"截点 {_day(new.cutoff)}已经到了：保存后十分钟内，"
            f"系统会把现在没有去向数据的 {standing.unplaced:,} 人登记为未就业，并通知他们。"
        )
    elif standing.graduates:
        yield f"照现在的数据，到截点会有 {standing.unplaced:,} 人登记为未就业。"
    if new.cutoff < new.opens:
        yield "截点在确认开始之前：没有去向数据的会先登记为未就业，再来确认。"
    elif new.cutoff <= new.closes:
        yield "截点在确认结束之前：截点那天没有去向数据的会登记为未就业，之后按“未就业”确认。"


def _end(new: Season, today: date) -> Iterator[str]:
    if new.changes_until < today:
        yield f"变更截止 {_day(new.changes_until)}已经过去：保存后学校不再受理任何变更。"
    elif (new.changes_until - new.closes).days > _FAR:
        yield f"变更截止在 {new.changes_until.year} 年，离确认结束一年以上，请核对年份。"


def _rest(old: Season | None, new: Season) -> Iterator[str]:
    if old is None:
        return
    if old.verification_months != new.verification_months:
        yield (
            f"核验最长从毕业后 {old.verification_months} 个月改为 {new.verification_months} 个月："
            "以后授权和延长的核验按新的算，已授权的有效期不变。"
        )
    contacts = ("office", "office_phone", "hotline", "mail", "school_system_url", "chsi_url", "school")
    if any(getattr(old, name) != getattr(new, name) for name in contacts):
        yield "学校、联系方式和链接保存后马上在聊天里显示。"
