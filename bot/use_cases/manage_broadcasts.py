"""Managing broadcasts (通知管理): written, checked, submitted, approved by a second person, every step audited."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from bot.errors import BadValueError, MovedError
from bot.notices.audience import Audience
from bot.notices.broadcast import Broadcast, Message, Signature
from bot.notices.variables import checked
from bot.ports import UnitOfWork
from bot.registration.season import SHANGHAI
from bot.staff.deed import Action
from bot.staff.policy import EVERYONE, Act, ForbiddenError
from bot.use_cases.staff_changes import ATTEMPTS, NotFoundError, Office

SHORTEST_REASON, LONGEST_REASON = 2, 200


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """The rules of an installation about notices (通知规则).

    Attributes:
        approval_above: a broadcast to more people than this needs a second person (人数门槛).
    """

    approval_above: int = 100


class Seen(NamedTuple):
    """A broadcast as somebody saw it (所见的通知): its version, or None where only its state matters."""

    id: str
    version: int | None = None


class Schedule(NamedTuple):
    """When it goes out (发送时间): at once if ``at`` is None; nobody gets it after ``not_after``."""

    at: datetime | None = None
    not_after: datetime | None = None


Step = Callable[[UnitOfWork, Broadcast, datetime], tuple[Broadcast, Mapping[str, str]]]
"""A step of a broadcast: (unit of work, broadcast, now) → broadcast, and what the audit log keeps of it."""


def step_broadcast(office: Office, seen: Seen, action: Action, step: Step) -> Broadcast:
    """Take a broadcast through a step (办理), store it, and note in the audit log who did it, all or nothing.

    Raises:
        ForbiddenError: the role may not send.
        NotFoundError: there is no such broadcast.
        MovedError: it is not as it was seen, or it kept changing under our hands.
        RuleError: its state does not allow the step.
    """
    demand_sending(office)
    for attempt in range(ATTEMPTS):
        try:
            return _stepped(office, seen, action, step)
        except MovedError:
            if seen.version is not None or attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _stepped(office: Office, seen: Seen, action: Action, step: Step) -> Broadcast:
    now = office.clock()
    with office.work.writing() as uow:
        old = _as_seen(uow, seen)
        new, details = step(uow, old, now)
        # Saved even if it is the same: whoever finishes it at this moment must look again.
        stored = uow.broadcasts.save(old, new)
        uow.audit.append(office.by, action, old.id, {"标题": new.message.title, **details}, now)
        uow.commit()
        return stored


def demand_sending(office: Office) -> None:
    """Do nothing if whoever acts may send to the whole school (发送权限); else raise ForbiddenError."""
    office.by.demand(Act.SEND_NOTICES)
    if office.by.scope != EVERYONE:
        raise ForbiddenError("发送通知要能看到全校毕业生")


def write_broadcast(office: Office, message: Message, audience: Audience) -> Broadcast:
    """Write a new draft (写通知).

    Raises:
        BadValueError: the message cannot be sent, with everything that is wrong with it.
    """
    demand_sending(office)
    message, now = checked(message), office.clock()
    with office.work.writing() as uow:
        season = uow.seasons.current()
        if season is None:
            raise NotFoundError("还没有届别，请管理员先建立")
        draft = Broadcast(office.new_id(), season.id, message, audience, signature(office, now))
        uow.broadcasts.add(draft)
        uow.audit.append(office.by, Action.NOTICE_WRITTEN, draft.id, {"标题": message.title, **contents(draft)}, now)
        uow.commit()
        return replace(draft, version=1)


def edit_broadcast(office: Office, seen: Seen, message: Message, audience: Audience) -> Broadcast:
    """Put other words or another audience into a broadcast that was not sent yet (修改通知).

    It is a draft again, approved by nobody, and whoever wrote last is its author: nobody approves the own words.
    """
    message = checked(message)

    def step(_uow: UnitOfWork, old: Broadcast, _now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        author = Signature(office.by.id, office.by.name, old.created.at)
        new = replace(old.edit(message, audience), created=author)
        return new, contents(new) | {"改动": _changed(old, new)}

    return step_broadcast(office, seen, Action.NOTICE_EDITED, step)


def submit_broadcast(office: Office, seen: Seen, schedule: Schedule, rules: NoticeRules) -> Broadcast:
    """Send a draft on its way (提交): into the schedule, or to a second person if it is for many.

    Raises:
        BadValueError: a time that is over, or nobody to send to.
        MovedError: the draft is not the one that was looked at.
    """
    demand_sending(office)
    now = office.clock()
    if schedule.at is not None and schedule.at <= now:
        raise BadValueError("定时发送的时间已经过了，请改晚一些，或者选“立即发送”")
    demand_future(schedule.not_after, now)
    with office.work.reading() as uow:
        draft = _as_seen(uow, seen)
        many = uow.audiences.headcount(draft.season_id, draft.audience).audience
    if not many:
        raise BadValueError("发送对象里现在一个人也没有，不用发；请修改发送对象")
    needs_approval = many > rules.approval_above

    def step(_uow: UnitOfWork, old: Broadcast, _now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        new = old.submit(schedule.at, schedule.not_after, needs_approval=needs_approval)
        said = {"人数": str(many), "审批": "要另一位老师批准" if needs_approval else "不需要"}
        return new, contents(new) | said | _times(new)

    return step_broadcast(office, Seen(draft.id, draft.version), Action.NOTICE_SUBMITTED, step)


def approve_broadcast(office: Office, seen: Seen) -> Broadcast:
    """Approve a broadcast (批准) as a second person.

    Raises:
        RuleError: it is one's own, or does not wait for approval.
    """

    def step(_uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        return old.approve(signature(office, now)), contents(old)

    return step_broadcast(office, seen, Action.NOTICE_APPROVED, step)


def refuse_broadcast(office: Office, seen: Seen, reason: str) -> Broadcast:
    """Give a broadcast back to its author (退回) with a reason.

    Raises:
        BadValueError: no reason that could be read, or too long a one.
    """
    reason = " ".join(reason.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise BadValueError(f"请写明退回的原因，{SHORTEST_REASON} 到 {LONGEST_REASON} 个字，对方会看到")

    def step(_uow: UnitOfWork, old: Broadcast, _now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        return old.refuse(f"{office.by.name}退回：{reason}"), {"理由": reason}

    return step_broadcast(office, seen, Action.NOTICE_REFUSED, step)


def take_back_broadcast(office: Office, seen: Seen) -> Broadcast:
    """Make a broadcast that was not started a draft again (撤回)."""
    return step_broadcast(office, seen, Action.NOTICE_TAKEN_BACK, lambda _uow, old, _now: (old.take_back(), {}))


def start_broadcast_late(office: Office, seen: Seen, not_after: datetime | None) -> Broadcast:
    """Start a broadcast that missed its time after all (仍要发送), with a latest time of its own.

    Raises:
        BadValueError: the latest time is over too.
    """
    demand_future(not_after, office.clock())

    def step(_uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        new = old.start_late(now, not_after)
        return new, contents(new) | {"最晚": words_of(not_after)}

    return step_broadcast(office, seen, Action.NOTICE_STARTED_LATE, step)


# -- what several steps need -----------------------------------------------------------------------


def signature(office: Office, now: datetime) -> Signature:
    """Return who acts, for the broadcast itself (签署)."""
    return Signature(office.by.id, office.by.name, now)


def contents(broadcast: Broadcast) -> dict[str, str]:
    """Return what the audit log keeps of the contents (内容摘要): enough to prove later what was approved."""
    message = broadcast.message
    parts = (message.title, message.text, str(message.day), str(message.use_mass), broadcast.audience.to_json())
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return {"对象": broadcast.audience.words, "群发": "可以用" if message.use_mass else "不用", "内容摘要": digest}


def words_of(moment: datetime | None, otherwise: str = "不限") -> str:
    """Return a moment as staff read it, in Shanghai (时间)."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else otherwise


def broadcast_of(uow: UnitOfWork, broadcast_id: str) -> Broadcast:
    """Return a broadcast (通知).

    Raises:
        NotFoundError: there is none.
    """
    found = uow.broadcasts.by_id(broadcast_id)
    if found is None:
        raise NotFoundError("没有这条通知")
    return found


def _as_seen(uow: UnitOfWork, seen: Seen) -> Broadcast:
    found = broadcast_of(uow, seen.id)
    if seen.version is not None and found.version != seen.version:
        raise MovedError("the broadcast is not as it was seen")
    return found


def demand_future(not_after: datetime | None, now: datetime) -> None:
    """Do nothing if a latest time is still to come (核对最晚时间); else raise BadValueError."""
    if not_after is not None and not_after <= now:
        raise BadValueError("最晚时间已经过了，请改晚一些，或者留空")


def _times(broadcast: Broadcast) -> dict[str, str]:
    return {"发送": words_of(broadcast.scheduled_at, "立即"), "最晚": words_of(broadcast.not_after)}


def _changed(old: Broadcast, new: Broadcast) -> str:
    one, other = old.message, new.message
    pairs = (
        ("标题", one.title, other.title),
        ("正文", one.text, other.text),
        ("截止日期", one.day, other.day),
        ("群发", one.use_mass, other.use_mass),
        ("对象", old.audience, new.audience),
    )
    return "、".join(name for name, before, after in pairs if before != after) or "没有改动"
