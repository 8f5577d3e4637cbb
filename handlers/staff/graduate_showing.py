"""What a graduate's page shows (毕业生页内容): facts, verifications and chronicle, with sensitive fields masked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.conversation.lines import chinese_day
from bot.moments import from_microseconds, to_microseconds
from bot.ports import UnitOfWork
from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.registration.season import SHANGHAI, Season
from bot.registration.stage import Stage, stage_of
from bot.registration.verification import State, Verification
from bot.staff.chronicle import Day, Whose, by_day, merged
from bot.staff.chronicle_words import events
from bot.staff.next_step import NextStep, next_step
from bot.staff.policy import Scope
from bot.staff.reveals import Field, masked, revealable
from bot.use_cases.receive_message import guard_subject
from bot.use_cases.staff_changes import NotFoundError

EVENTS = 60
"""Events on a page, so that it stays small however long somebody has talked."""
NOT_FOUND = "没有这名毕业生，或者不在您的可见范围。请回到名单再找。"
_ID = re.compile(r"[0-9a-f]{32}")
_FAR = 10**16  # microseconds: year 2286
_TONE = {
    Stage.VERIFIED: "good",
    Stage.ARCHIVE_RETURNED: "bad",
    Stage.CORRECTING: "wait",
    Stage.ARCHIVE_WAITS: "wait",
}
_STATE_TONE = {State.IN_FORCE: "good", State.ANNULLED: "bad", State.CONFIRM_AGAIN: "wait"}


@dataclass(frozen=True, slots=True)
class Given:
    """A verification as staff see it (核验一份).

    Attributes:
        verification: the verification.
        state: its standing now; tone: how it looks.
        history: what happened to it, in words.
        receipts: what departments recorded at it.
    """

    verification: Verification = field(repr=False)
    state: State
    tone: str
    history: tuple[str, ...]
    receipts: tuple[Receipt, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything on the page but the forms (毕业生页).

    Attributes:
        dossier: whose page it is.
        stage: where the graduate stands; tone: how that looks; since: from when; days: for how long.
        next: what is missing and who has to act.
        facts: label and value, one a line.
        fields: sensitive fields that have something behind the mask.
        given: verifications, newest first.
        days_told: the chronicle, newest first; older: for the link to the next page, or None.
        locked_until: until when the identity check is locked, or None.
    """

    dossier: Dossier = field(repr=False)
    stage: Stage
    tone: str
    since: datetime | None
    days: int
    next: NextStep
    facts: tuple[tuple[str, str], ...] = field(repr=False)
    fields: tuple[Field, ...]
    given: tuple[Given, ...]
    days_told: tuple[Day, ...] = field(repr=False)
    older: int | None
    locked_until: datetime | None


def whose(season: Season, dossier_id: str, scope: Scope) -> Whose:
    """Return who is asked for (查谁).

    Raises:
        NotFoundError: this is no identifier at all.
    """
    if not _ID.fullmatch(dossier_id):
        raise NotFoundError(NOT_FOUND)
    return Whose(season.id, dossier_id, scope)


def found(uow: UnitOfWork, asked: Whose) -> Dossier:
    """Return the dossier.

    Raises:
        NotFoundError: there is none of this season in the scope.
    """
    dossier = uow.chronicle.dossier(asked)
    if dossier is None:
        raise NotFoundError(NOT_FOUND)
    return dossier


def shown(uow: UnitOfWork, season: Season, asked: Whose, now: datetime, before: datetime | None) -> Shown:
    """Return what the page shows.

    Raises:
        NotFoundError: there is no such graduate of this season in the scope.
    """
    dossier = found(uow, asked)
    since = uow.chronicle.stage_since(asked)
    sources = uow.chronicle.sources(asked, EVENTS + 1, before)
    page = merged(events(sources, dossier.verifications), EVENTS, before)
    stage = stage_of(dossier)
    subject = guard_subject(season.id, dossier.graduate.student_number)
    return Shown(
        dossier=dossier,
        stage=stage,
        tone=_TONE.get(stage, ""),
        since=since,
        days=(now - since).days if since else 0,
        next=next_step(dossier, season, now),
        facts=_facts(dossier),
        fields=revealable(dossier),
        given=tuple(_given(dossier, each, sources.receipts, now) for each in reversed(dossier.verifications)),
        days_told=by_day(page.events),
        older=to_microseconds(page.before) if page.before else None,
        locked_until=uow.guards.locked_until((subject,), now),
    )


def moment_of(text: str) -> datetime | None:
    """Return the moment a page link names (microseconds since 1970), None for none or nonsense."""
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_FAR)) or int(text) > _FAR:
        return None
    return from_microseconds(int(text))


def _facts(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    return (*_personal(dossier), *_registered(dossier), *_report(dossier))


def _personal(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    who = dossier.graduate
    bound = {True: "已绑定", False: "未绑定", None: "学校没有数据"}[dossier.chsi_bound]
    return (
        ("层次", f"{who.level.value}（{who.completion.value}）"),
        ("毕业日期", chinese_day(who.graduation_date)),
        *(
            (each.value, masked(dossier, each))
            for each in (Field.IDENTITY_NUMBER, Field.EXAM_NUMBER, Field.MOBILE, Field.PLACE_OF_ORIGIN)
        ),
        ("学信网学籍", bound),
        ("微信", "已绑定" if dossier.openid else "未绑定"),
        ("个人信息", f"{_day(dossier.checked_at)}核对过" if dossier.checked_at else "还没有核对"),
    )


def _registered(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    destination, archive, household = dossier.destination, dossier.archive, dossier.household
    lines = [("毕业去向", destination.category.name if destination else "没有数据")]
    if destination:
        told = (("去向单位", destination.unit), ("单位所在地", destination.place), ("职位", destination.post))
        lines += [(label, value) for label, value in told if value]
    lines.append(("档案信息", archive.status.value + (f"：{archive.reason}" if archive.reason else "")))
    if items := archive.items:
        kind = items.transfer_type.value + (f"（{items.receiving_type.value}）" if items.receiving_type else "")
        lines += [("转递类型", kind), ("档案接收单位", items.unit)]
        lines += [
            (each.value, masked(dossier, each))
            for each in (Field.ARCHIVE_ADDRESS, Field.ARCHIVE_CONTACT, Field.ARCHIVE_PHONE)
        ]
    lines.append(("户口", "已转入学校" if household.moved else "没有转入学校，不用办"))
    if household.moved:
        lines.append((Field.HOUSEHOLD_ADDRESS.value, masked(dossier, Field.HOUSEHOLD_ADDRESS)))
    confirmed = dossier.confirmation if dossier.is_confirmed else None
    lines.append(("去向确认", f"{_day(confirmed.at)}确认" if confirmed else "未确认"))
    lines.append(("实人验证", f"{_day(dossier.real_person_at)}完成" if dossier.real_person_at else "未完成"))
    return tuple(lines)


def _report(dossier: Dossier) -> tuple[tuple[str, str], ...]:
    correction = dossier.correction
    if correction is None:
        return ()
    names = "、".join(item.value for item, _ in correction.items)
    return (
        ("信息有误", f"{_day(correction.reported_at)}报告：{names}（{correction.state.value}）"),
        (Field.REPORT.value, masked(dossier, Field.REPORT)),
    )


def _given(dossier: Dossier, each: Verification, receipts: Sequence[Receipt], now: datetime) -> Given:
    state = dossier.state_of(each, now)
    told = [f"{_day(each.issued_at)}授权，现在到 {_short(each.last_day)} 24 点"]
    told += [f"{_day(more.at)}延长：{_short(more.before)} → {_short(more.last_day)}" for more in each.extensions]
    told += [f"{_day(each.closed_at)}毕业生关闭"] if each.closed_at else []
    told += [f"{_day(each.superseded_at)}因数据更新失效"] if each.superseded_at else []
    told += [f"{_day(each.annulled_at)}学校作废：{each.annulled_reason}"] if each.annulled_at else []
    mine = tuple(receipt for receipt in receipts if receipt.verification_id == each.id)
    return Given(each, state, _STATE_TONE.get(state, ""), tuple(told), mine)


def _day(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.month} 月 {local.day} 日 {local:%H:%M} "


def _short(day: date) -> str:
    return f"{day.month} 月 {day.day} 日"
