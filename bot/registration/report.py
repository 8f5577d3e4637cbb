"""The report (去向登记信息核验报告): what it says, to the graduate's paper and to a stranger who scans it (N14, N16).

Masks follow a measurement: with the usual mask of an ID number and a birth month three candidates are left, so
only the last character is shown, no date of birth anywhere, and no 考生号, whose digits tell the region.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.registration.archive import ArchiveItems, TransferType
from bot.registration.dossier import Dossier
from bot.registration.graduate import Graduate
from bot.registration.household import Household
from bot.registration.season import SHANGHAI, Season, end_of_day
from bot.registration.verification import State, Subject, Verification

ABSENT = "—"
"""Printed where the registration holds nothing, so that nobody can write into an empty cell."""


class Standing(StrEnum):
    """The standing (核验结论) shown to whoever asks; the code is stable, printed, and never given a new meaning."""

    IN_FORCE = "V0"
    UNCONFIRMED = "V1"
    EXPIRED = "V2"
    CONFIRM_AGAIN = "V3"
    CLOSED = "V4"
    ANNULLED = "V5"
    UNKNOWN = "V6"

    @classmethod
    def of(cls, state: State) -> "Standing":
        """Return the standing of a verification's state (核验状态)."""
        return cls[state.name]


@dataclass(frozen=True, slots=True)
class Row:
    """A line (一行) of the report.

    Attributes:
        key: stable name, e.g. "archive.unit"; translations hang on it.
        label: Chinese label.
        value: what is registered, or ABSENT.
    """

    key: str
    label: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A part (一节) of the report under its own heading."""

    title: str
    rows: tuple[Row, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The report (核验报告) as it is printed for the archive bag (N16).

    Attributes:
        verification_id: identifier of the verification.
        standing: now; only a report in force may be handed out.
        subject: archive or household (N14).
        number: 核验编号.
        school, season: name of the school and its year (届).
        sections: who, destination, and the items of the subject.
        issued_at: 签发时间.
        valid_until: 有效期至, the last second.
        digest_code: see ``digest_code``.
        office, office_phone: whom to ask.
    """

    verification_id: str
    standing: Standing
    subject: Subject
    number: str = field(repr=False)
    school: str
    season: str
    sections: tuple[Section, ...] = field(repr=False)
    issued_at: datetime
    valid_until: datetime
    digest_code: str = field(repr=False)
    office: str
    office_phone: str


class Happening(StrEnum):
    """What happened to a verification (核验履历)."""

    ISSUED = "issued"
    EXTENDED = "extended"
    CLOSED = "closed"
    REPLACED = "replaced"  # closed because a new one was issued in its place
    SUPERSEDED = "superseded"
    ANNULLED = "annulled"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history (履历一条).

    Attributes:
        happening: what happened.
        at: when.
        until: the last second in force since then, for ISSUED and EXTENDED; else None.
    """

    happening: Happening
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublicView:
    """What a stranger who scans the code may see (公示核验结果): the least that the department needs.

    Attributes:
        standing: now.
        subject: archive or household.
        number: 核验编号, as on the paper.
        school: issuer.
        masked_name: 王*明.
        rows: the items of the subject; empty unless in force.
        issued_at, valid_until: period.
        ended_at: when it was annulled, closed or superseded, or None.
        history: everything that happened to it, oldest first.
        digest_code: to be compared with the paper.
    """

    standing: Standing
    subject: Subject
    number: str = field(repr=False)
    school: str
    masked_name: str = field(repr=False)
    rows: tuple[Row, ...] = field(repr=False)
    issued_at: datetime
    valid_until: datetime
    ended_at: datetime | None
    history: tuple[Event, ...]
    digest_code: str = field(repr=False)


def report_of(season: Season, dossier: Dossier, verification: Verification, now: datetime) -> Report:
    """Build the report (核验报告) of one of the dossier's verifications."""
    items = (
        Section("档案接收信息", _archive_rows(dossier))
        if verification.subject is Subject.ARCHIVE
        else Section("户口迁移信息", _household_rows(dossier.household))
    )
    return Report(
        verification_id=verification.id,
        standing=Standing.of(dossier.state_of(verification, now)),
        subject=verification.subject,
        number=verification.number,
        school=season.school,
        season=dossier.season_id,
        sections=(
            Section("毕业生信息", _graduate_rows(season, dossier.graduate)),
            Section("毕业去向", _destination_rows(dossier)),
            items,
        ),
        issued_at=verification.issued_at,
        valid_until=verification.valid_until,
        digest_code=digest_code(verification),
        office=season.office,
        office_phone=season.office_phone,
    )


def public_view(season: Season, dossier: Dossier, verification: Verification, now: datetime) -> PublicView:
    """Build what a receiving department sees (核验结果); items only while in force."""
    standing = Standing.of(dossier.state_of(verification, now))
    items = (
        _public_archive_rows(dossier.archive.items)
        if verification.subject is Subject.ARCHIVE
        else _household_rows(dossier.household)
    )
    return PublicView(
        standing=standing,
        subject=verification.subject,
        number=verification.number,
        school=season.school,
        masked_name=dossier.graduate.masked_name,
        rows=items if standing is Standing.IN_FORCE else (),
        issued_at=verification.issued_at,
        valid_until=verification.valid_until,
        ended_at=ended_at(verification),
        history=history_of(dossier, verification),
        digest_code=digest_code(verification),
    )


def ended_at(verification: Verification) -> datetime | None:
    """Return when a verification was ended by somebody (终止时间), in the precedence of its states, or None."""
    return verification.annulled_at or verification.closed_at or verification.superseded_at


def history_of(dossier: Dossier, verification: Verification) -> tuple[Event, ...]:
    """Return everything that happened to one of the dossier's verifications (核验履历), oldest first."""
    first_day = verification.extensions[0].before if verification.extensions else verification.last_day
    events = [Event(Happening.ISSUED, verification.issued_at, end_of_day(first_day))]
    events += [Event(Happening.EXTENDED, e.at, end_of_day(e.last_day)) for e in verification.extensions]
    if verification.closed_at is not None:
        others = (v for v in dossier.verifications if v.id != verification.id)
        renewed = {v.issued_at for v in others if v.subject is verification.subject}
        happening = Happening.REPLACED if verification.closed_at in renewed else Happening.CLOSED
        events.append(Event(happening, verification.closed_at))
    if verification.superseded_at is not None:
        events.append(Event(Happening.SUPERSEDED, verification.superseded_at))
    if verification.annulled_at is not None:
        events.append(Event(Happening.ANNULLED, verification.annulled_at))
    return tuple(sorted(events, key=lambda event: event.at))


def digest_code(verification: Verification) -> str:
    """Return the data check code (数据校验码): twelve hex digits of the confirmed data's digest, in groups of four."""
    code = verification.digest[:12].upper()
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def moment_text(moment: datetime) -> str:
    """Write a moment in Shanghai time (北京时间), e.g. 2023-07-16 23:59:59 (N14)."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def _row(key: str, label: str, value: str) -> Row:
    return Row(key, label, value or ABSENT)


def _graduate_rows(season: Season, graduate: Graduate) -> tuple[Row, ...]:
    return (
        _row("who.name", "姓名", graduate.name),
        _row("who.identity_number", "证件号码", graduate.identity_number.masked),
        _row("who.school", "毕业院校", season.school),
        _row("who.college", "学院", graduate.college),
        _row("who.major", "专业", graduate.major),
        _row("who.level", "学历层次", graduate.level.value),
        _row("who.graduation_date", "毕业日期", graduate.graduation_date.isoformat()),
        _row("who.completion", "毕（结）业", graduate.completion.value),
    )


def _destination_rows(dossier: Dossier) -> tuple[Row, ...]:
    destination = dossier.destination
    if destination is None:
        return (_row("destination.category", "毕业去向类别", ""),)
    return (
        _row("destination.category", "毕业去向类别", destination.category.name),
        _row("destination.unit", "单位名称", destination.unit),
        _row("destination.uscc", "统一社会信用代码", destination.uscc),
        _row("destination.place", "单位所在地", destination.place),
        _row("destination.post", "职位", destination.post),
    )


def _archive_rows(dossier: Dossier) -> tuple[Row, ...]:
    items = dossier.archive.items
    if items is None:
        return _public_archive_rows(items)
    origin = dossier.graduate.place_of_origin if items.transfer_type is TransferType.ORIGIN else ""
    return (
        *_public_archive_rows(items),
        *((_row("archive.place_of_origin", "生源地", origin),) if origin else ()),
        _row("archive.postcode", "邮政编码", items.postcode),
        _row("archive.contact", "联系人", items.contact),
        _row("archive.phone", "联系电话", items.phone),
    )


def _public_archive_rows(items: ArchiveItems | None) -> tuple[Row, ...]:
    if items is None:
        return (_row("archive.transfer_type", "户档转递类型", ""),)
    kinds = [items.transfer_type.value, *([items.receiving_type.value] if items.receiving_type else [])]
    return (
        _row("archive.transfer_type", "户档转递类型", " · ".join(kinds)),
        _row("archive.unit", "档案接收单位", items.unit),
        _row("archive.address", "档案接收地址", items.address),
    )


def _household_rows(household: Household) -> tuple[Row, ...]:
    return (
        _row("household.moved", "户口已转入学校", "是" if household.moved else "否"),
        _row("household.address", "户口迁往地址", household.address),
    )
