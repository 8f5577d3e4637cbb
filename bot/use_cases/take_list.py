"""Take a list out (导出名单): who may, what it holds, and the entry in the audit log before anybody has the file."""

from collections.abc import Callable, Iterable
from enum import Enum

from bot.errors import BadValueError
from bot.staff.deed import Action
from bot.staff.policy import Act, ForbiddenError
from bot.staff.roll import Line, Wanted
from bot.use_cases.staff_changes import Office

SHORTEST_REASON = 4


class Listed(Enum):
    """What a list holds (名单内容): the plain one has nothing sensitive, the phone list has mobiles, for calls only."""

    PLAIN = "普通名单"
    PHONES = "电话名单"


Write = Callable[[Iterable[Line]], int]
"""Writes lines into a file and returns how many there were."""


def take_list(office: Office, wanted: Wanted, listed: Listed, reason: str, write: Write) -> int:
    """Write a list (导出名单) and note it in the audit log; the file may leave the house only after this has returned.

    Args:
        office: see Office; who acts has to see the graduates.
        wanted: which graduates.
        listed: see Listed.
        reason: why the mobiles are needed; nothing for the plain list.
        write: see Write; no lock is held while it works.

    Returns:
        How many graduates the list holds.

    Raises:
        ForbiddenError: the role does not allow it, or the list goes beyond what this person sees.
        BadValueError: mobiles without a reason.
    """
    office.by.demand(Act.EXPORT)
    if wanted.area.scope != office.by.scope:
        raise ForbiddenError("这份名单超出您的可见范围")
    is_phones = listed is Listed.PHONES
    if is_phones:
        office.by.demand(Act.REVEAL)
        if len(reason.strip()) < SHORTEST_REASON:
            raise BadValueError(f"电话名单里有手机号，请写明用途，至少 {SHORTEST_REASON} 个字")
    with office.work.reading() as uow:
        count = write(uow.roll.lines(wanted, with_mobile=is_phones))
    with office.work.writing() as uow:
        details = _details(wanted, listed, count) | ({"用途": reason.strip()} if is_phones else {})
        uow.audit.append(office.by, Action.LIST_EXPORTED, "", details, office.clock())
        uow.commit()
    return count


def _details(wanted: Wanted, listed: Listed, count: int) -> dict[str, str]:
    """Return what the log keeps of a list (审计内容): the filters, but not a name that was searched for."""
    area = wanted.area
    parts = {
        "内容": listed.value,
        "人数": str(count),
        "学院": area.college,
        "专业": area.major,
        "班级": area.class_name,
        "辅导员工号": area.counsellor if area.scope.staff_number is None else area.scope.staff_number,
        "办理阶段": wanted.stage.value if wanted.stage else None,
        "按姓名或学号": "是" if wanted.words else None,
    }
    return {name: value or "（空）" for name, value in parts.items() if value is not None}
