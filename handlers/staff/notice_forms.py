"""The form of a broadcast (写通知): what was typed, all that is wrong with it at once, and nothing of it lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flask import make_response, redirect, request, url_for
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.wrappers import Response

from bot.errors import BadValueError, MovedError
from bot.notices.audience import MOST_NUMBERS, UNCONFIRMED, Audience, numbers_of
from bot.notices.broadcast import Broadcast, BroadcastState, Message
from bot.notices.parcel import LONGEST_TITLE
from bot.notices.variables import MOST_BYTES, PERSONAL, VARIABLES, checked
from bot.notices.ways import MASS_MOST
from bot.registration.particulars import parse_date
from bot.registration.stage import Stage
from bot.staff.policy import EVERYONE, Act
from bot.staff.roll import Area, By
from bot.use_cases.manage_broadcasts import Seen, broadcast_of, edit_broadcast, write_broadcast
from handlers.staff.console import Console
from handlers.staff.filters import NONE
from handlers.staff.notice_door import door

_PARTS = ("college", "major", "class_name", "counsellor")
_TEXTS = ("title", "text", "day", *_PARTS, "numbers")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form (表单内容), right or wrong.

    Attributes:
        title, text, day, numbers: as typed.
        stages: names of the stages that are ticked.
        college, major, class_name, counsellor: as chosen; "" for all, "-" for those without one.
        use_mass: whether mass messages may be used.
        version: of the broadcast that is edited, "" for a new one.
    """

    title: str = ""
    text: str = field(default="", repr=False)
    day: str = ""
    college: str = ""
    major: str = ""
    class_name: str = ""
    counsellor: str = ""
    numbers: str = field(default="", repr=False)
    stages: tuple[str, ...] = tuple(stage.name for stage in UNCONFIRMED)
    use_mass: bool = False
    version: str = ""

    @classmethod
    def of(cls, broadcast: Broadcast) -> "Typed":
        """Return what the form shows of a broadcast."""
        message, audience = broadcast.message, broadcast.audience
        parts = {name: getattr(audience, name) for name in _PARTS}
        return cls(
            title=message.title,
            text=message.text,
            day=message.day.isoformat() if message.day else "",
            numbers="\n".join(audience.numbers),
            stages=tuple(stage.name for stage in audience.stages),
            use_mass=message.use_mass,
            version=str(broadcast.version),
            **{name: "" if value is None else value or NONE for name, value in parts.items()},
        )

    @classmethod
    def read(cls, form: ImmutableMultiDict[str, str]) -> "Typed":
        """Return what was sent; PostgreSQL takes no NUL in a text."""
        words = {name: form.get(name, "").replace("\0", "") for name in _TEXTS}
        stages = tuple(name for name in form.getlist("stage") if name in Stage.__members__)
        return cls(**words, stages=stages, use_mass="use_mass" in form, version=form.get("version", ""))

    def judged(self) -> tuple[Message, Audience]:
        """Return message and audience (检查).

        Raises:
            BadValueError: with everything that is wrong.
        """
        faults, day = [], None
        try:
            day = parse_date(self.day) if self.day.strip() else None
        except BadValueError as error:
            faults.append(f"截止日期：{error}")
        message = Message(self.title, self.text, day, self.use_mass)
        try:
            message = checked(message)
        except BadValueError as error:
            faults.insert(0, str(error))
        try:
            audience = self._audience()
        except BadValueError as error:
            raise BadValueError("；".join([*faults, str(error)])) from None
        if faults:
            raise BadValueError("；".join(faults))
        return message, audience

    def _audience(self) -> Audience:
        parts = {name: getattr(self, name).strip() for name in _PARTS}
        return Audience(
            tuple(stage for stage in Stage if stage.name in self.stages),
            numbers=numbers_of(self.numbers),
            **{name: None if not value else "" if value == NONE else value for name, value in parts.items()},
        )


def add_to(console: Console) -> None:
    """Add the form for a new broadcast and for a draft (写通知、修改通知)."""

    @console.page("/broadcasts/new", Act.SEND_NOTICES)
    def broadcast_new() -> str:
        return _form(console, Typed())

    @console.page("/broadcasts/new", Act.SEND_NOTICES, ("POST",))
    def write() -> str | Response:
        return _taken(console, "")

    @console.page("/broadcasts/<broadcast_id>/edit", Act.SEND_NOTICES)
    def broadcast_edit(broadcast_id: str) -> str | Response:
        found = draft(console, broadcast_id)
        if found.state is not BroadcastState.DRAFT:
            return redirect(url_for("staff.broadcast", broadcast_id=broadcast_id))
        return _form(console, Typed.of(found), broadcast_id)

    @console.page("/broadcasts/<broadcast_id>/edit", Act.SEND_NOTICES, ("POST",))
    def edit(broadcast_id: str) -> str | Response:
        draft(console, broadcast_id)
        return _taken(console, broadcast_id)


def draft(console: Console, broadcast_id: str) -> Broadcast:
    """Return a broadcast for whoever may send (通知).

    Raises:
        NotFoundError: there is none.
    """
    with console.office.work.reading() as uow:
        return broadcast_of(uow, broadcast_id)


def version_of(text: str) -> int:
    """Return the version a form was made from (表单版本); what nobody has sent is no version at all."""
    return int(text) if text.isdecimal() else -1


def _taken(console: Console, broadcast_id: str) -> str | Response:
    """Do what was asked for with what was typed: tick a preset, list finer choices, or store and go on to the check."""
    typed, wish = Typed.read(request.form), request.form.get("do", "")
    if wish == "unconfirmed":
        return _form(console, replace(typed, stages=Typed().stages), broadcast_id)
    if wish == "options":
        return _form(console, typed, broadcast_id)
    try:
        message, audience = typed.judged()
        if broadcast_id:
            seen = Seen(broadcast_id, version_of(typed.version))
            stored = edit_broadcast(console.acting, seen, message, audience)
        else:
            stored = write_broadcast(console.acting, message, audience)
    except BadValueError as error:
        return make_response(_form(console, typed, broadcast_id, str(error).split("；")), 400)
    except MovedError:
        return make_response(_overtaken(console, typed, broadcast_id), 409)
    return redirect(url_for("staff.broadcast_check", broadcast_id=stored.id), 303)


def _overtaken(console: Console, typed: Typed, broadcast_id: str) -> str:
    """Show what was typed on top of what somebody else stored meanwhile; the next press replaces it."""
    now = draft(console, broadcast_id)
    said = f"您填写的时候，{now.created.name}先保存了。您填的都还在下面，还没有保存；再点一次就换成您的内容。"
    return _form(console, replace(typed, version=str(now.version)), broadcast_id, [said])


def _form(console: Console, typed: Typed, broadcast_id: str = "", faults: Sequence[str] = ()) -> str:
    with console.office.work.reading() as uow:
        season = console.season(uow)
        whole = Area(season.id, EVERYONE)
        college, major = _chosen(typed.college), _chosen(typed.major)
        part = replace(whole, college=college)
        lists = [("college", "学院", uow.roll.names(whole, By.COLLEGE), typed.college)]
        if college is not None:
            lists.append(("major", "专业", uow.roll.names(part, By.MAJOR), typed.major))
        if college is not None and major is not None:
            classes = uow.roll.names(replace(part, major=major), By.CLASS)
            lists.append(("class_name", "班级", classes, typed.class_name))
        counsellors = uow.accounts.counsellors(season.id)
    return console.render(
        "staff/broadcast_form.html",
        typed=typed,
        broadcast_id=broadcast_id,
        faults=faults,
        season=season,
        lists=lists,
        counsellors=counsellors,
        stages=Stage,
        variables=VARIABLES,
        personal=PERSONAL,
        longest=LONGEST_TITLE,
        most=MOST_BYTES,
        most_numbers=MOST_NUMBERS,
        mass_most=MASS_MOST,
        has_mass=door().has_mass,
    )


def _chosen(value: str) -> str | None:
    return None if not value else "" if value == NONE else value
