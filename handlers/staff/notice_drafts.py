"""The check of a draft (发送前核对): whom it reaches, what one of them reads, and when it goes out."""

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.conversation.texts import texts
from bot.errors import BadValueError, MovedError, RuleError
from bot.notices.broadcast import Broadcast, BroadcastState
from bot.registration.particulars import parse_date
from bot.registration.season import SHANGHAI, day_of
from bot.staff.policy import Act
from bot.use_cases.broadcast_words import held_words
from bot.use_cases.manage_broadcasts import Schedule, Seen, submit_broadcast
from bot.use_cases.preview_broadcast import Preview, look_ahead
from handlers.staff.console import Console
from handlers.staff.notice_door import door
from handlers.staff.notice_forms import draft, version_of

MOST_BYTES = 2000
"""Bytes one customer-service message may have (客服消息字节数)."""

_BEFORE = frozenset({BroadcastState.DRAFT, BroadcastState.AWAITING, BroadcastState.SCHEDULED, BroadcastState.MISSED})
"""Whoever approves looks at the same page as whoever wrote."""
_END = time(23, 59)
_LONGEST_NUMBER = 32


@dataclass(frozen=True, slots=True)
class Timing:
    """When it shall go out, as typed (发送时间): at once or later, and the latest moment."""

    is_later: bool = False
    day: str = ""
    hour: str = ""
    until_day: str = ""
    until_hour: str = ""

    @classmethod
    def usual(cls, now: datetime) -> "Timing":
        """Return what the form begins with: the next full hour, for whoever chooses later."""
        soon = now.astimezone(SHANGHAI) + timedelta(hours=1)
        return cls(day=f"{soon:%Y-%m-%d}", hour=f"{soon:%H}:00")

    @classmethod
    def typed(cls) -> "Timing":
        """Return what was sent."""
        names = ("day", "hour", "until_day", "until_hour")
        return cls(request.form.get("when") == "later", *(request.form.get(name, "").strip() for name in names))

    def read(self) -> Schedule:
        """Return the moments (时间).

        Raises:
            BadValueError: one cannot be read.
        """
        at = None
        if self.is_later:
            if not self.day or not self.hour:
                raise BadValueError("定时发送要填日期和时间")
            at = moment_of(self.day, self.hour, "发送时间")
        return Schedule(at, moment_of(self.until_day, self.until_hour, "最晚时间"))


def moment_of(day: str, hour: str, name: str) -> datetime | None:
    """Return the moment of a day and a time in Shanghai (时刻); the end of the day without a time; None for neither.

    Raises:
        BadValueError: it cannot be read; says which.
    """
    if not day:
        if hour:
            raise BadValueError(f"{name}还要填日期")
        return None
    try:
        clock = time.fromisoformat(hour) if hour else _END
    except ValueError:
        raise BadValueError(f"{name}的钟点请写成 18:30 的样子") from None
    if clock.tzinfo is not None:
        raise BadValueError(f"{name}的钟点请写成 18:30 的样子")
    try:
        return datetime.combine(parse_date(day), clock, SHANGHAI)
    except BadValueError as error:
        raise BadValueError(f"{name}：{error}") from None


@dataclass(frozen=True, slots=True)
class Bubble:
    """What the phone shows (手机上的样子).

    Attributes:
        now: what arrives at once; "" for nothing.
        title, day: of the form that arrives, in place of a text.
        later: what is shown with the next answer.
    """

    now: str = ""
    title: str = ""
    day: str = ""
    later: str = ""


def add_to(console: Console) -> None:
    """Add the check of a draft and its submission (核对、提交)."""

    @console.page("/broadcasts/<broadcast_id>/check", Act.SEND_NOTICES, ("GET", "POST"))
    def broadcast_check(broadcast_id: str) -> str | Response:
        if draft(console, broadcast_id).state not in _BEFORE:
            return redirect(url_for("staff.broadcast", broadcast_id=broadcast_id))
        return _page(console, broadcast_id, Timing.usual(console.office.clock()))

    @console.page("/broadcasts/<broadcast_id>/submit", Act.SEND_NOTICES, ("POST",))
    def broadcast_submit(broadcast_id: str) -> str | Response:
        draft(console, broadcast_id)
        return _submitted(console, broadcast_id)


def _page(console: Console, broadcast_id: str, timing: Timing, refusal: str = "") -> str:
    number = request.form.get("number", "").replace("\0", "").strip().upper()[:_LONGEST_NUMBER]
    office, known = console.acting, door()
    outlook = look_ahead(office, broadcast_id, known.channels, number)
    preview = outlook.preview
    return console.render(
        "staff/broadcast_check.html",
        outlook=outlook,
        broadcast=outlook.draft,
        head=outlook.headcount,
        preview=preview,
        bubble=_bubble(console, preview, outlook.draft),
        number=number,
        is_draft=outlook.draft.state is BroadcastState.DRAFT,
        needs_approval=outlook.headcount.audience > known.rules.approval_above,
        rules=known.rules,
        timing=timing,
        today=day_of(office.clock()),
        refusal=refusal,
        most=MOST_BYTES,
        has_pages="graduate" in console.acts,
    )


def _bubble(console: Console, preview: Preview | None, broadcast: Broadcast) -> Bubble:
    if preview is None:
        return Bubble()
    held = held_words(day_of(console.office.clock()), preview.reply)
    if preview.channel is not None and preview.channel.has_form:
        at = preview.form_at.astimezone(SHANGHAI)
        day = f"{at.year} 年 {at.month} 月 {at.day} 日 {at:%H:%M}"
        return Bubble(title=broadcast.message.title, day=day, later=held)
    if len(door().render(preview.reply)) > 1:
        return Bubble(now=texts()["notice.long"], later=held)
    return Bubble(now=preview.reply.text)


def _submitted(console: Console, broadcast_id: str) -> Response:
    timing, seen = Timing.typed(), Seen(broadcast_id, version_of(request.form.get("version", "")))
    try:
        stored = submit_broadcast(console.acting, seen, timing.read(), door().rules)
    except BadValueError as error:
        return _again(console, broadcast_id, timing, str(error), 400)
    except RuleError as error:
        if draft(console, broadcast_id).state is not BroadcastState.DRAFT:
            raise
        return _again(console, broadcast_id, timing, str(error), 400)
    except MovedError:
        if draft(console, broadcast_id).state is not BroadcastState.DRAFT:
            raise
        said = "您核对的时候，这份草稿被改过，所以没有提交。下面是改过以后的内容，请再核对一遍。"
        return _again(console, broadcast_id, timing, said, 409)
    flash(_said(stored.state, timing))
    return redirect(url_for("staff.broadcast", broadcast_id=broadcast_id), 303)


def _again(console: Console, broadcast_id: str, timing: Timing, said: str, status: int) -> Response:
    now = Timing.usual(console.office.clock())
    shown = replace(timing, day=timing.day or now.day, hour=timing.hour or now.hour)
    return make_response(_page(console, broadcast_id, shown, said), status)


def _said(state: BroadcastState, timing: Timing) -> str:
    if state is BroadcastState.AWAITING:
        return "已送审，请另一位老师批准后才会发送。"
    return "已排好，到时间自动发送。" if timing.is_later else "已提交，马上开始发送。"
