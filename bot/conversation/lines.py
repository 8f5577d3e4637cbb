"""Lines (资料行): how days, contacts, archive and destination read, in the chat and on the staff's screen."""

from datetime import date, datetime

from bot.registration.archive import ArchiveItems
from bot.registration.correction import Correction, Item, Outcome, Verdict
from bot.registration.destination import Destination
from bot.registration.graduate import Counsellor
from bot.registration.season import SHANGHAI, Season


def chinese_day(day: date) -> str:
    """Return a day as people write it: 2023 年 7 月 3 日."""
    return f"{day.year} 年 {day.month} 月 {day.day} 日"


def chinese_moment(moment: datetime) -> str:
    """Return a moment of Shanghai as on the report: 2023-07-16 23:59:59."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def contacts_of(counsellor: Counsellor | None, season: Season) -> str:
    """Return whom to ask: the counsellor if known, and the employment office (N3, N17)."""
    office = f"{season.office}：{season.office_phone}"
    if counsellor is None:
        return office
    return f"辅导员{counsellor.name}：{counsellor.phone or '电话问学院'}\n{office}"


def archive_lines(items: ArchiveItems | None) -> str:
    """Return the archive items, one a line."""
    if items is None:
        return "未填写"
    kind = items.transfer_type.value + (f"（{items.receiving_type.value}）" if items.receiving_type else "")
    return (
        f"转递类型：{kind}\n接收单位：{items.unit}\n地址：{items.address}\n邮编：{items.postcode}\n"
        f"联系人：{items.contact}\n电话：{items.phone}"
    )


def destination_lines(destination: Destination | None) -> str:
    """Return the destination, one item a line, empty ones left out."""
    if destination is None:
        return "学校系统里还没有"
    rows = (
        ("类别", destination.category.name),
        ("单位", destination.unit),
        ("所在地", destination.place),
        ("职位", destination.post),
    )
    return "\n".join(f"{label}：{value}" for label, value in rows if value)


_UNSAID = frozenset([Item.NAME, Item.IDENTITY_NUMBER, Item.ARCHIVE, Item.HOUSEHOLD])
"""Items whose new value is not repeated in a message: WeChat shows messages on locked screens."""


def correction_lines(correction: Correction | None) -> str:
    """Return what became of an error report, one item a line: 专业：已改为“英语”."""
    if correction is None:
        return ""
    if not correction.outcomes:
        return f"{'、'.join(item.value for item, _ in correction.items)}：已更正"
    return "\n".join(f"{outcome.item.value}：{_outcome_words(outcome)}" for outcome in correction.outcomes)


def _outcome_words(outcome: Outcome) -> str:
    if outcome.verdict is Verdict.REFUSED:
        return f"没有采纳，{outcome.reason}"
    if outcome.item is Item.OTHER or not outcome.after:
        return outcome.reason or "已处理"
    is_told = outcome.item not in _UNSAID and "\n" not in outcome.after
    return (f"已改为“{outcome.after}”" if is_told else "已更正") + (f"（{outcome.reason}）" if outcome.reason else "")
