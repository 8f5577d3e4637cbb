"""The room of notices (通知): what needs somebody now, the broadcasts of the season, closed channels opened again."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.moments import from_microseconds, to_microseconds
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import OPEN, Channel, DeliveryState
from bot.notices.results import TO_CALL, Tally
from bot.notices.scene import ALL, Halt, holding
from bot.staff.policy import EVERYONE, Act
from bot.use_cases.broadcast_results import sights
from bot.use_cases.manage_sending import ALL_CHANNELS, lift_halt
from handlers.staff import notice_drafts, notice_forms, notice_page, notice_results
from handlers.staff.console import Console

A_PAGE = 15
_WAITING = (BroadcastState.AWAITING, BroadcastState.MISSED, BroadcastState.PAUSED)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one broadcast in a list (数字), of those somebody sees.

    Attributes:
        sent: the platform has it, or it arrived; waiting: still to be sent.
        failed: it surely did not arrive; unknown: nobody can say.
        to_call: nobody could be reached, and failures: for the telephone.
        total: everybody.
    """

    sent: int
    waiting: int
    failed: int
    unknown: int
    to_call: int
    total: int

    @classmethod
    def of(cls, tally: Tally) -> "Numbers":
        """Read them from a tally."""
        failed = tally.of(DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM)
        return cls(
            sent=tally.of(DeliveryState.ACCEPTED, DeliveryState.DELIVERED),
            waiting=tally.of(*OPEN),
            failed=failed,
            unknown=tally.of(DeliveryState.UNKNOWN),
            to_call=failed + sum(tally.counts.get((DeliveryState.SKIPPED, reason), 0) for reason in TO_CALL),
            total=tally.total,
        )


@dataclass(frozen=True, slots=True)
class _Needs:
    """What needs somebody now (待办)."""

    halts: Sequence[Halt]
    waiting: Sequence[Broadcast]


def add_to(console: Console) -> None:
    """Add the pages of notices (通知)."""

    @console.page("/broadcasts", Act.SEE_NOTICES)
    def broadcasts() -> str:
        return _page(console)

    @console.page("/broadcasts/halts", Act.SEND_NOTICES, ("POST",))
    def open_channel() -> Response:
        name = request.form.get("scope", "")
        if name != ALL and name not in Channel.__members__:
            raise BadValueError("没有这个渠道，请返回刷新后再点")
        scope = None if name == ALL else Channel[name]
        lift_halt(console.acting, scope)
        flash(f"{scope.value if scope else ALL_CHANNELS}已恢复，等着的消息马上接着发。")
        return redirect(url_for("staff.broadcasts"), 303)

    notice_forms.add_to(console)
    notice_drafts.add_to(console)
    notice_page.add_to(console)
    notice_results.add_to(console)


def _page(console: Console) -> str:
    actor, asked = console.actor, request.args.get("before", "")
    before = from_microseconds(int(asked)) if asked.isdecimal() and len(asked) < 17 else None
    with console.office.work.reading() as uow:
        season = console.season(uow)
        found, more = sights(uow, actor, season.id, A_PAGE, before)
        needs = _Needs((), ())
        if actor.scope == EVERYONE:
            now = console.office.clock()
            halts = holding(uow.halts.all(), now)
            needs = _Needs(halts, uow.broadcasts.in_states(_WAITING))
    return console.render(
        "staff/broadcasts.html",
        needs=needs,
        lines=[(sight.broadcast, Numbers.of(sight.tally)) for sight in found],
        more=to_microseconds(more) if more else None,
        is_first=before is None,
        season=season,
        everything=ALL_CHANNELS,
        whole=ALL,
    )
