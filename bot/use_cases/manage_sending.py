"""Managing what is being sent (发送控制): pause, resume, cancel, retry, and open a channel that was closed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.errors import RuleError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import Channel, DeliveryState
from bot.ports import UnitOfWork
from bot.staff.deed import Action
from bot.use_cases.manage_broadcasts import Seen, demand_future, demand_sending, step_broadcast, words_of
from bot.use_cases.staff_changes import Office

ALL_CHANNELS = "全部渠道"
_STARTED = frozenset({BroadcastState.RUNNING, BroadcastState.PAUSED, BroadcastState.DONE})


def pause_broadcast(office: Office, seen: Seen) -> Broadcast:
    """Pause a broadcast (暂停); what is under way is finished, nothing else is sent."""

    def step(_uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        return old.pause(f"{office.by.name}在 {words_of(now)} 暂停"), {}

    return step_broadcast(office, seen, Action.NOTICE_PAUSED, step)


def resume_broadcast(office: Office, seen: Seen, not_after: datetime | None = None) -> Broadcast:
    """Go on with a paused broadcast (继续); a latest time that is over is replaced by the one given."""

    def step(_uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        return _with_time(old.resume(), not_after, now)

    return step_broadcast(office, seen, Action.NOTICE_RESUMED, step)


def cancel_broadcast(office: Office, seen: Seen) -> Broadcast:
    """Cancel a broadcast (取消): whoever was not sent anything yet will not be."""

    def step(uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        new = old.cancel(now)
        uow.broadcasts.cancel_rest(old.id)
        return new, {"原来": old.state.value}

    return step_broadcast(office, seen, Action.NOTICE_CANCELLED, step)


def retry_broadcast(
    office: Office, seen: Seen, not_after: datetime | None = None, *, with_unknown: bool = False
) -> Broadcast:
    """Send once more to those who failed for the time (重试), and only to them.

    Args:
        office: see Office.
        seen: see Seen.
        not_after: a latest time in place of one that is over; None for none.
        with_unknown: whether also to those of whom nobody knows: some of them may get it twice.

    Raises:
        RuleError: it was not started, or nobody failed so that trying again could help.
    """
    states = [DeliveryState.FAILED_TEMP, *([DeliveryState.UNKNOWN] if with_unknown else [])]

    def step(uow: UnitOfWork, old: Broadcast, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
        if old.state not in _STARTED:
            raise RuleError("sending.rule.retry_state", f"这条通知现在是“{old.state.value}”，没有可以重试的")
        new, said = _with_time(old.reopen() if old.state is BroadcastState.DONE else old, not_after, now)
        many = uow.broadcasts.retry(old.id, states, now)
        if not many:
            raise RuleError("sending.rule.nothing_to_retry", "现在没有可以重试的人；请刷新看看")
        return new, {"人数": str(many), "包括结果不明的": "是" if with_unknown else "否", **said}

    return step_broadcast(office, seen, Action.NOTICE_RETRIED, step)


def lift_halt(office: Office, scope: Channel | None) -> None:
    """Open a channel again, or all of them after a restore (恢复发送); what waited for it is due at once.

    Raises:
        RuleError: it is open already.
    """
    demand_sending(office)
    now = office.clock()
    with office.work.writing() as uow:
        halt = next((each for each in uow.halts.all() if each.scope is scope), None)
        if halt is None or not uow.halts.lift(scope):
            raise RuleError("sending.rule.not_halted", "已经恢复了，不用再点")
        hurried = uow.ledger.hurry(halt.code, now) if halt.code else 0
        details = {"渠道": scope.value if scope else ALL_CHANNELS, "停用原因": halt.said, "错误码": str(halt.code)}
        uow.audit.append(office.by, Action.SENDING_RESTORED, "", details | {"马上再试": str(hurried)}, now)
        uow.commit()


def _with_time(broadcast: Broadcast, not_after: datetime | None, now: datetime) -> tuple[Broadcast, Mapping[str, str]]:
    """Return it with a latest time that is not over: everybody else would be skipped at once."""
    if broadcast.not_after is None or broadcast.not_after > now:
        return broadcast, {}
    demand_future(not_after, now)
    return replace(broadcast, not_after=not_after), {"最晚": words_of(not_after)}
