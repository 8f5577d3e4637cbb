"""Managing the season (届别管理): values from words, what a change would mean, and saving it with who did it."""

import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from bot.errors import BadValueError, MovedError
from bot.registration.particulars import parse_date
from bot.registration.season import Season, SeasonFaultsError
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.use_cases.staff_changes import Office

NAMES = {
    "id": "届别",
    "school": "学校",
    "opens": "确认开始",
    "closes": "确认结束",
    "cutoff": "未就业登记截点",
    "changes_until": "变更截止",
    "office": "就业办",
    "office_phone": "就业办电话",
    "hotline": "账号问题电话",
    "mail": "账号问题邮箱",
    "school_system_url": "校版就业系统",
    "chsi_url": "学信网",
    "verification_months": "核验月数",
    "version": "版本",
}
"""Attribute of Season → what staff call it."""
LASTING = frozenset({"school", "office", "office_phone", "hotline", "mail", "school_system_url", "chsi_url"})
"""What a new season takes over from the last one."""

_LINKS = ("school_system_url", "chsi_url")
_LONGEST = {"id": 32} | dict.fromkeys(_LINKS, 500)


@dataclass(frozen=True, slots=True)
class Change:
    """One changed setting (改动一项): its attribute, what staff call it, before and after."""

    name: str
    label: str
    old: str
    new: str


def drafted(base: Season | None, words: Mapping[str, str]) -> Season:
    """Return the season that words ask for (拟定届别): a change of ``base``, or a new season beside it.

    Args:
        base: the current season; None before the first.
        words: attribute → what was typed. Another ``id`` makes a new season, which takes over what lasts.

    Raises:
        SeasonFaultsError: with all that is wrong, by attribute.
    """
    faults: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, text in words.items():
        try:
            values[name] = _value(name, text.strip(), base)
        except BadValueError as error:
            faults[name] = str(error)
    is_new = base is None or values.get("id", base.id) != base.id
    known = {name: value for name, value in asdict(base).items() if not is_new or name in LASTING} if base else {}
    known |= values
    needed = [f.name for f in fields(Season) if f.default is MISSING and f.name not in faults]
    faults |= {name: f"新的一届还需要 {name}（{NAMES[name]}）" for name in needed if name not in known}
    try:
        season = Season(**_filled(known, faults), version=1 if is_new or base is None else base.version)
    except SeasonFaultsError as error:
        faults = {name: why for name, why in error.faults.items() if name not in faults} | faults
    if faults:
        raise SeasonFaultsError(faults)
    return season


def _filled(known: Mapping[str, Any], faults: Mapping[str, str]) -> dict[str, Any]:
    """Return the values with something harmless for each that could not be read, so that the others are judged too."""
    values = {name: value for name, value in known.items() if name != "version"}
    days = [value for value in values.values() if isinstance(value, date)]
    day = max(days, default=date(2000, 1, 1))
    harmless = {"opens": min(days, default=day), "cutoff": min(days, default=day), "verification_months": 6}
    for name in faults:
        values[name] = harmless.get(name, day if Season.__annotations__[name] is date else "-")
    return values


def _value(name: str, text: str, base: Season | None) -> Any:  # noqa: ANN401 -- the fields of a season have different types
    kind = Season.__annotations__[name]
    if kind is date and not text:
        raise BadValueError(f"{NAMES[name]}要填写")
    if kind is date:
        return parse_date(text)
    if kind is int:
        if not (text.isascii() and text.isdigit() and len(text) < 4):
            raise BadValueError(f"{NAMES[name]}应为整数")
        return int(text)
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BadValueError(f"{NAMES[name]}里有看不见的字符，请重新输入")
    longest = _LONGEST.get(name, 100)
    if len(text) > longest:
        raise BadValueError(f"{NAMES[name]}最多 {longest} 个字")
    if name in _LINKS and text != getattr(base, name, None) and not _is_link(text):
        raise BadValueError(f"{NAMES[name]}要填完整网址，以 https:// 或 http:// 开头")
    return text


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not any(c.isspace() for c in text)


def changes(old: Season | None, new: Season) -> tuple[Change, ...]:
    """Return what differs between two seasons (改动); everything if there was none before."""
    return differing(asdict(old) if old else {}, asdict(new))


def differing(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[Change, ...]:
    """Return what differs between the settings of two versions (版本差异)."""
    pairs = [(name, label, str(old.get(name, "")), str(new.get(name, ""))) for name, label in NAMES.items()]
    return tuple(Change(*pair) for pair in pairs if pair[0] != "version" and pair[2] != pair[3])


def save_season(office: Office, new: Season, base: Season | None) -> Season:
    """Save a season as the next version of its settings (保存届别), and say so in the audit log.

    Args:
        office: see Office.
        new: of ``drafted``.
        base: the season that was current when ``new`` was drafted; None if there was none.

    Returns:
        The season as stored; ``base`` itself if nothing is different.

    Raises:
        ForbiddenError: the role may not do it.
        MovedError: somebody else saved in between; nothing was stored.
    """
    office.by.demand(Act.MANAGE_SEASONS)
    made = changes(base, new)
    if base is not None and not made:
        return base
    with office.work.writing() as uow:
        if uow.seasons.current() != base:
            raise MovedError("the season was changed meanwhile")
        uow.seasons.save(new, base)  # compares once more, under the row's lock: others may have saved since the look
        stored = uow.seasons.current()
        if stored is None:
            raise MovedError("the season is gone")
        details = {change.label: f"{change.old or '（空）'} → {change.new or '（空）'}" for change in made}
        uow.audit.append(
            office.by, Action.SEASON_SAVED, new.id, details | {"版本": str(stored.version)}, office.clock()
        )
        uow.commit()
        return stored
