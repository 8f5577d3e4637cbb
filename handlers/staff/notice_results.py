"""Results person by person (逐人结果): filtered, paged, as a file; and whom to telephone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

from flask import request
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.notices.delivery import DeliveryState, Reason
from bot.notices.results import Result, Which
from bot.registration.season import SHANGHAI, day_of
from bot.staff.policy import Act
from bot.use_cases.broadcast_results import sight_of, take_results
from handlers.staff.console import Console
from handlers.staff.exports import Cell, Sheet, write, written
from handlers.staff.notice_page import Row, rows_of

A_PAGE = 50
_RULE = "/broadcasts/<broadcast_id>"
_RESULTS = (
    "学号",
    "姓名",
    "学院",
    "班级",
    "辅导员",
    "结果",
    "原因",
    "渠道",
    "渠道说明",
    "发送时间",
    "聊天里看到",
    "错误码",
)
_PHONES = ("辅导员", "学号", "姓名", "手机号", "学院", "班级", "没送到的原因")
_KINDS = frozenset({"xlsx", "csv"})


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of the filter (筛选项)."""

    value: str
    label: str
    count: int


def add_to(console: Console) -> None:
    """Add results and files (逐人结果、导出、电话名单)."""

    @console.page(f"{_RULE}/results", Act.SEE_NOTICES)
    def broadcast_results(broadcast_id: str) -> str:
        return _page(console, broadcast_id)

    @console.page(f"{_RULE}/results/file", Act.EXPORT, ("POST",))
    def broadcast_file(broadcast_id: str) -> Response:
        which = _asked(console, broadcast_id, request.form.get("what", ""))
        return _file(console, which, "通知结果")

    @console.page(f"{_RULE}/phones", Act.EXPORT, ("POST",))
    def broadcast_phones(broadcast_id: str) -> Response:
        which = replace(_asked(console, broadcast_id, ""), by_phone=True)
        return _file(console, which, "电话名单")


def _asked(console: Console, broadcast_id: str, what: str) -> Which:
    """Return which results are asked for, of a broadcast this person sees; what nobody can mean means all."""
    actor = console.actor
    with console.office.work.reading() as uow:
        sight_of(uow, actor, broadcast_id)
    state, _, reason = what.partition(".")
    return Which(
        broadcast_id,
        actor.scope,
        states=frozenset({DeliveryState[state]} if state in DeliveryState.__members__ else ()),
        reasons=frozenset({Reason[reason]} if reason in Reason.__members__ else ()),
    )


def _page(console: Console, broadcast_id: str) -> str:
    actor, what = console.actor, request.args.get("what", "")
    after = request.args.get("after", "").replace("\0", "")
    which = _asked(console, broadcast_id, what)
    with console.office.work.reading() as uow:
        found, tally = sight_of(uow, actor, broadcast_id)
        results = uow.results.page(which, after, A_PAGE + 1)
    rows = rows_of(tally)
    options = _options(rows)
    here = next((option for option in options if option.value == what), None)
    return console.render(
        "staff/broadcast_results.html",
        broadcast=found,
        total=tally.total,
        options=options,
        here=here,
        results=results[:A_PAGE],
        more=results[A_PAGE - 1].delivery.id if len(results) > A_PAGE else "",
        is_first=not after,
        has_pages="graduate" in console.acts,
    )


def _options(rows: Sequence[Row]) -> list[Option]:
    """Return the choices: each state, and below it each of its reasons."""
    options: list[Option] = []
    for state in DeliveryState:
        own = [row for row in rows if row.state is state]
        if not own:
            continue
        options.append(Option(state.name, state.value, sum(row.count for row in own)))
        options += [Option(row.key, f"　{row.reason.value}", row.count) for row in own if row.reason]
    return options


# -- files -----------------------------------------------------------------------------------------


def _file(console: Console, which: Which, name: str) -> Response:
    """Write a list into a file; what it holds is noted before a byte of it leaves."""
    kind = request.form.get("kind", "")
    if kind not in _KINDS:
        raise BadValueError("文件格式只有 xlsx 和 csv")

    def fill(file: IO[bytes]) -> None:
        take_results(console.acting, which, lambda results: write(file, [_sheet(which, name, results)], kind))

    return written(fill, f"{name}-{day_of(console.office.clock())}", kind)


def _sheet(which: Which, name: str, results: Iterable[Result]) -> Sheet:
    if which.by_phone:
        return Sheet(name, _PHONES, _phone_rows(results))
    return Sheet(name, _RESULTS, _result_rows(results))


def _result_rows(results: Iterable[Result]) -> Iterator[Sequence[Cell]]:
    for result in results:
        delivery = result.delivery
        yield (
            result.student_number,
            result.name,
            result.college,
            result.class_name,
            result.counsellor,
            delivery.state.value,
            delivery.reason.value if delivery.reason else "",
            delivery.channel.value if delivery.channel else "",
            delivery.why,
            f"{delivery.sending_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" if delivery.sending_at else "",
            f"{result.shown_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if result.shown_at else "",
            str(delivery.code) if delivery.code else "",
        )


def _phone_rows(results: Iterable[Result]) -> Iterator[Sequence[Cell]]:
    for result in results:
        reason = result.delivery.reason
        yield (
            result.counsellor,
            result.student_number,
            result.name,
            result.mobile,
            result.college,
            result.class_name,
            reason.value if reason else result.delivery.state.value,
        )
