"""The room of the audit log (审计): who did what and when, the check of the chain, and the log as a file."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as day_time

from flask import request
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.moments import to_microseconds
from bot.registration.particulars import parse_date
from bot.registration.season import SHANGHAI
from bot.staff.audit import Break, Entry, Search, first_break
from bot.staff.deed import COMMAND, SYSTEM, Action
from bot.staff.policy import Act
from handlers.staff.console import Console
from handlers.staff.exports import Sheet, sent

_A_PAGE = 40
_HEADS = (
    "序号",
    "时间（北京）",
    "微秒（UTC）",
    "账号编号",
    "操作人",
    "操作",
    "操作代码",
    "对象",
    "详情",
    "上一条哈希",
    "哈希",
)
_SEALED = "密文"
_LONGEST_CELL = 32_767  # characters; what Excel takes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found (校验结果).

    Attributes:
        broken: where it breaks, or None.
        seq, hash: number and hash of the newest entry.
        seconds: how long it took.
    """

    broken: Break | None
    seq: int
    hash: str
    seconds: float


def add_to(console: Console) -> None:
    """Add the pages of the audit log (审计)."""

    @console.page("/audit", Act.SEE_AUDIT)
    def audit() -> str:
        return _page(console)

    @console.page("/audit/verify", Act.SEE_AUDIT, ("POST",))
    def audit_verify() -> str:
        return _page(console, _verdict(console, request.form.get("head", "").strip().lower()))

    @console.page("/audit/file", Act.SEE_AUDIT, ("POST",))
    def audit_file() -> Response:
        return _file(console)


def action_name(name: str) -> str:
    """Return what staff call an action (操作名称); one that is gone since stays as it was written."""
    return Action[name].value if name in Action.__members__ else name


def _page(console: Console, verdict: Verdict | None = None) -> str:
    asked, wrong = _search(request.args)
    before = request.args.get("before", "")
    with console.office.work.reading() as uow:
        found = uow.audit.found(asked, _A_PAGE + 1, int(before) if before.isdecimal() and len(before) < 19 else None)
        accounts = uow.accounts.all()
        subjects = {entry.subject for entry in found} - {account.id for account in accounts} - {""}
        graduates = {dossier.id for dossier in uow.registry.by_ids(sorted(subjects))}
        head = uow.audit.head()
    names = {account.id: account.name for account in accounts}
    kept = {name: value for name, value in request.args.items() if name != "before" and value}
    return console.render(
        "staff/audit.html",
        entries=found[:_A_PAGE],
        more={**kept, "before": found[_A_PAGE - 1].seq} if len(found) > _A_PAGE else None,
        asked=request.args,
        kept=kept,
        wrong=wrong,
        people=names | {actor.id: actor.name for actor in (SYSTEM, COMMAND)},
        accounts=names,
        actions=Action,
        action_name=action_name,
        graduates=graduates if "graduate" in console.acts and console.actor.may(Act.SEE_GRADUATES) else set(),
        head=head,
        verdict=verdict,
    )


def _search(asked: Mapping[str, str]) -> tuple[Search, str]:
    """Return what is asked for, and what could not be read of it."""
    wrong = ""
    moments: list[datetime | None] = []
    for name in ("since", "until"):
        text = asked.get(name, "").strip()
        try:
            moments.append(datetime.combine(parse_date(text), day_time(), SHANGHAI) if text else None)
        except BadValueError as error:
            wrong, moments = f"日期没看懂，没有按它筛选：{error}", [*moments, None]
    since, until = moments
    return Search(
        actor_id=asked.get("actor", "").replace("\0", ""),  # PostgreSQL takes no NUL in a text
        action=asked.get("action", "").replace("\0", ""),
        subject=asked.get("subject", "").replace("\0", "").strip(),
        since=since,
        until=until + timedelta(days=1) if until else None,
    ), wrong


def _verdict(console: Console, head: str) -> Verdict:
    began = time.perf_counter()
    newest = (0, "")

    def watched(entries: Iterator[Entry]) -> Iterator[Entry]:
        nonlocal newest
        for entry in entries:
            newest = (entry.seq, entry.hash)
            yield entry

    with console.office.work.reading() as uow:
        broken = first_break(watched(iter(uow.audit.sealed())), head)
    return Verdict(broken, *newest, time.perf_counter() - began)


def _file(console: Console) -> Response:
    """Send the whole log as a file; that it was sent is its own last entry."""
    kind = request.form.get("kind", "")
    if kind not in {"xlsx", "csv"}:
        raise BadValueError("文件格式只有 xlsx 和 csv")
    office = console.acting
    with office.work.writing() as uow:
        last = uow.audit.append(office.by, Action.AUDIT_EXPORTED, "", {"格式": kind}, office.clock())
        uow.commit()
    heads = (*_HEADS, _SEALED) if kind == "csv" else _HEADS
    sheet = Sheet("审计日志", heads, _rows(console, last.seq, with_sealed=kind == "csv"))
    return sent([sheet], f"审计日志 1-{last.seq}", kind)


def _rows(console: Console, last: int, *, with_sealed: bool) -> Iterator[tuple[str | int, ...]]:
    with console.office.work.reading() as uow:
        for entry in uow.audit.all():
            if entry.seq > last:
                return
            row = _row(entry)
            yield (*row, entry.sealed) if with_sealed else row


def _row(entry: Entry) -> tuple[str | int, ...]:
    details = json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True) if entry.details else ""
    return (
        entry.seq,
        f"{entry.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
        str(to_microseconds(entry.at)),
        entry.actor_id,
        entry.actor_name,
        action_name(entry.action),
        entry.action,
        entry.subject,
        details[:_LONGEST_CELL],
        entry.previous,
        entry.hash,
    )
