"""One broadcast (一条通知): how far it is, live; what can be done with it now; who did what to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, flash, jsonify, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.errors import BadValueError, MovedError, RuleError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.notices.delivery import OPEN, DeliveryState, Reason
from bot.notices.mass import MassBatch
from bot.notices.results import Tally, Which
from bot.notices.scene import Halt, holding
from bot.ports import UnitOfWork
from bot.staff.audit import Entry
from bot.staff.policy import EVERYONE, Act
from bot.use_cases import manage_broadcasts, manage_sending
from bot.use_cases.broadcast_results import sight_of
from bot.use_cases.manage_broadcasts import Seen
from bot.use_cases.staff_changes import Office
from handlers.public_pages import HEADERS
from handlers.staff.audit import action_name
from handlers.staff.charts import width
from handlers.staff.console import Console
from handlers.staff.notice_drafts import moment_of
from handlers.staff.notice_forms import version_of

_POLICY = f"{HEADERS['Content-Security-Policy']}; connect-src 'self'"
"""The page asks its own address how far the sending is."""
_ENTRIES = 40
_SILENCE = timedelta(minutes=1)
_MOVES = frozenset({BroadcastState.SCHEDULED, BroadcastState.RUNNING})
_PARTS: tuple[tuple[str, str, frozenset[DeliveryState]], ...] = (
    ("sent", "已发出", frozenset({DeliveryState.ACCEPTED, DeliveryState.DELIVERED})),
    ("skipped", "没有发送", frozenset({DeliveryState.SKIPPED})),
    ("failed", "未送达", frozenset({DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM})),
    ("unknown", "结果不明", frozenset({DeliveryState.UNKNOWN})),
    ("open", "待发", OPEN),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bar (进度条一段)."""

    name: str
    label: str
    count: int
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the numbers (统计一行): a state, its reason, how many, and how an address names both."""

    state: DeliveryState
    reason: Reason | None
    count: int
    key: str


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind the numbers (背景), for those who see the whole school."""

    entries: Sequence[Entry] = ()
    batches: Sequence[MassBatch] = ()
    halts: Sequence[Halt] = ()
    is_stuck: bool = False


def key_of(state: DeliveryState, reason: Reason | None) -> str:
    """Return what names a state and its reason in an address (筛选参数)."""
    return f"{state.name}.{reason.name}" if reason else state.name


def rows_of(tally: Tally) -> list[Row]:
    """Return the numbers in the order of the states (统计各行)."""
    order, reasons = list(DeliveryState), [None, *Reason]
    counted = sorted(tally.counts.items(), key=lambda item: (order.index(item[0][0]), reasons.index(item[0][1])))
    return [Row(state, reason, count, key_of(state, reason)) for (state, reason), count in counted]


def parts_of(tally: Tally) -> list[Part]:
    """Return the parts of the bar (进度条), which add up to everybody."""
    found, before = [], 0
    for name, label, states in _PARTS:
        count = tally.of(*states)
        found.append(Part(name, label, count, width(_share(before, tally)), width(_share(count, tally))))
        before += count
    return found


def _share(count: int, tally: Tally) -> float:
    return count / tally.total if tally.total else 0.0


def add_to(console: Console) -> None:
    """Add the page of a broadcast and its steps (一条通知)."""

    @console.page("/broadcasts/<broadcast_id>", Act.SEE_NOTICES)
    def broadcast(broadcast_id: str) -> Response:
        return _page(console, broadcast_id)

    @console.page("/broadcasts/<broadcast_id>/numbers", Act.SEE_NOTICES)
    def broadcast_numbers(broadcast_id: str) -> Response:
        with console.office.work.reading() as uow:
            found, tally = sight_of(uow, console.actor, broadcast_id)
        return jsonify(
            version=found.version,
            total=tally.total,
            rows={row.key: row.count for row in rows_of(tally)},
            parts={part.name: [part.count, part.start, part.width] for part in parts_of(tally)},
            channels={channel.name: count for channel, count in tally.channels.items()},
        )

    @console.page("/broadcasts/<broadcast_id>/step", Act.SEND_NOTICES, ("POST",))
    def broadcast_step(broadcast_id: str) -> AnyResponse:
        return _stepped(console, broadcast_id)


def _page(console: Console, broadcast_id: str, refusal: str = "", status: int = 200) -> Response:
    actor, now = console.actor, console.office.clock()
    with console.office.work.reading() as uow:
        found, tally = sight_of(uow, actor, broadcast_id)
        to_call = uow.results.count(Which(found.id, actor.scope, by_phone=True)) if tally.total else 0
        behind = _behind(uow, found, now) if actor.scope == EVERYONE else Behind()
    body = console.render(
        "staff/broadcast.html",
        broadcast=found,
        tally=tally,
        rows=rows_of(tally),
        parts=parts_of(tally),
        to_call=to_call,
        behind=behind,
        retry=(tally.of(DeliveryState.FAILED_TEMP), tally.of(DeliveryState.UNKNOWN)),
        is_own=found.created.account_id == actor.id,
        is_over=found.not_after is not None and found.not_after <= now,
        is_late=found.scheduled_at is not None and found.scheduled_at <= now,
        action_name=action_name,
        asked=request.form,
        refusal=refusal,
    )
    answer = make_response(body, status)
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _behind(uow: UnitOfWork, found: Broadcast, now: datetime) -> Behind:
    last = uow.beats.last()
    waits = found.state in _MOVES and (found.scheduled_at is None or found.scheduled_at <= now)
    return Behind(
        entries=uow.audit.of(found.id, _ENTRIES),
        batches=uow.batches.of(found.id),
        halts=holding(uow.halts.all(), now) if waits else (),
        is_stuck=waits and (last is None or now - last > _SILENCE),
    )


# -- steps -----------------------------------------------------------------------------------------


def _version() -> int:
    return version_of(request.form.get("version", ""))


def _until() -> datetime | None:
    form = request.form
    return moment_of(form.get("until_day", "").strip(), form.get("until_hour", "").strip(), "最晚时间")


_STEPS: Mapping[str, tuple[str, Callable[[Office, str], object]]] = {
    "approve": (
        "已批准。",
        lambda office, id_: manage_broadcasts.approve_broadcast(office, Seen(id_, _version())),
    ),
    "refuse": (
        "已退回，对方会看到您写的原因。",
        lambda office, id_: manage_broadcasts.refuse_broadcast(
            office, Seen(id_, _version()), request.form.get("reason", "")
        ),
    ),
    "take_back": (
        "已撤回，现在是草稿，可以修改后再提交。",
        lambda office, id_: manage_broadcasts.take_back_broadcast(office, Seen(id_)),
    ),
    "start_late": (
        "开始发送。",
        lambda office, id_: manage_broadcasts.start_broadcast_late(office, Seen(id_, _version()), _until()),
    ),
    "pause": (
        "已暂停，正在发出的几条发完就停。",
        lambda office, id_: manage_sending.pause_broadcast(office, Seen(id_)),
    ),
    "resume": (
        "继续发送，只发还没发的。",
        lambda office, id_: manage_sending.resume_broadcast(office, Seen(id_), _until()),
    ),
    "cancel": (
        "已取消，还没发的不会再发。",
        lambda office, id_: manage_sending.cancel_broadcast(office, Seen(id_)),
    ),
    "retry": (
        "已排队重试。",
        lambda office, id_: manage_sending.retry_broadcast(
            office, Seen(id_), _until(), with_unknown="unknown" in request.form
        ),
    ),
}
"""What a button is called in the form → what is said afterwards, and what it does."""


def _stepped(console: Console, broadcast_id: str) -> AnyResponse:
    with console.office.work.reading() as uow:
        sight_of(uow, console.actor, broadcast_id)
    known = _STEPS.get(request.form.get("do", ""))
    if known is None:
        raise BadValueError("没有这项操作，请返回刷新后再试")
    said, do = known
    try:
        do(console.acting, broadcast_id)
    except BadValueError as error:
        return _page(console, broadcast_id, str(error), 400)
    except RuleError as error:
        return _page(console, broadcast_id, str(error), 409)
    except MovedError:
        return _page(console, broadcast_id, "这条通知刚刚有了变化，所以没有办。下面是现在的样子，请看过再办。", 409)
    flash(said)
    return redirect(url_for("staff.broadcast", broadcast_id=broadcast_id), 303)
