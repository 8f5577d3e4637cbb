"""Reveals (查看完整信息): which fields stay masked for staff, and what is kept when somebody looks behind the mask."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from bot.registration.dossier import Dossier
from bot.staff.audit import Entry
from bot.staff.policy import Role

FIELDS, REASON, ROLE, ONCE = "项目", "理由", "角色", "单号"
"""Names of the details in the audit log (审计细节)."""
BETWEEN = "、"


class Field(Enum):
    """A field that is masked until it is revealed with a reason (敏感信息); the value is what people read."""

    IDENTITY_NUMBER = "身份证号"
    EXAM_NUMBER = "考生号"
    MOBILE = "手机号"
    PLACE_OF_ORIGIN = "生源地"
    ARCHIVE_ADDRESS = "档案接收地址"
    ARCHIVE_CONTACT = "档案联系人"
    ARCHIVE_PHONE = "档案联系电话"
    HOUSEHOLD_ADDRESS = "户口迁往地址"
    REPORT = "信息有误原话"


def _words(dossier: Dossier) -> str:
    items = dossier.correction.items if dossier.correction else ()
    return "\n".join(f"{item.value}：{said}" for item, said in items)


_VALUES: Mapping[Field, Callable[[Dossier], str]] = {
    Field.IDENTITY_NUMBER: lambda dossier: dossier.graduate.identity_number.value,
    Field.EXAM_NUMBER: lambda dossier: dossier.graduate.exam_number,
    Field.MOBILE: lambda dossier: dossier.graduate.mobile,
    Field.PLACE_OF_ORIGIN: lambda dossier: dossier.graduate.place_of_origin,
    Field.ARCHIVE_ADDRESS: lambda dossier: dossier.archive.items.address if dossier.archive.items else "",
    Field.ARCHIVE_CONTACT: lambda dossier: dossier.archive.items.contact if dossier.archive.items else "",
    Field.ARCHIVE_PHONE: lambda dossier: dossier.archive.items.phone if dossier.archive.items else "",
    Field.HOUSEHOLD_ADDRESS: lambda dossier: dossier.household.address,
    Field.REPORT: _words,
}


def value_of(dossier: Dossier, asked: Field) -> str:
    """Return what stands behind the mask (原值), "" if nothing is registered."""
    return _VALUES[asked](dossier)


def masked(dossier: Dossier, asked: Field) -> str:
    """Return what everybody of the staff sees instead (遮挡后): whether there is something, never what."""
    if asked is Field.IDENTITY_NUMBER:
        return dossier.graduate.identity_number.masked
    return "已登记，未显示" if value_of(dossier, asked) else "未登记"


def revealable(dossier: Dossier) -> tuple[Field, ...]:
    """Return the fields that have something behind the mask (可查看项目)."""
    return tuple(each for each in Field if value_of(dossier, each))


def details_of(role: Role, fields: Iterable[Field], reason: str, once: str) -> Mapping[str, str]:
    """Return what the audit log keeps of a reveal (审计细节): names and reason, never a value."""
    names = BETWEEN.join(each.value for each in fields)
    return {FIELDS: names, REASON: reason, ROLE: role.value, ONCE: once}


@dataclass(frozen=True, slots=True)
class Reveal:
    """One reveal as the graduate is told of it (被查看一次).

    Attributes:
        at: when.
        role: of whoever looked, then.
        by: that person's name.
        fields: what was looked at, in words.
        reason: why, in that person's words.
    """

    at: datetime
    role: str
    by: str = field(repr=False)
    fields: str = ""
    reason: str = field(default="", repr=False)

    @classmethod
    def read(cls, entry: Entry) -> "Reveal":
        """Read it from its entry in the audit log."""
        details = entry.details
        return cls(entry.at, details.get(ROLE, ""), entry.actor_name, details.get(FIELDS, ""), details.get(REASON, ""))
