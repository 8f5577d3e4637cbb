"""The chronicle (经过时间线): everything known about one graduate in time order, put together from many sources."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import groupby

from bot.registration.look import Look, Receipt
from bot.registration.season import day_of
from bot.staff.audit import Entry
from bot.staff.policy import Scope


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose chronicle is asked for, and by whom (查谁): a graduate out of season or scope is not found.

    Attributes:
        season_id: the season (届) it must belong to.
        dossier_id: the dossier.
        scope: what the person asking may see.
    """

    season_id: str
    dossier_id: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn of the talk, without its words (对话一轮): step asked, outcome, moment."""

    step: str
    outcome: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """A milestone as stored (经过一条): name of Milestone, number it is about or "", moment."""

    milestone: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A message of our own accord without its text (通知一条).

    Attributes:
        key: of the sentence; "" for a broadcast.
        state: name of DeliveryState, or what another version wrote.
        at: when it came up.
        shown_at: when it was shown above an answer, or None.
        title: of the broadcast, or "".
    """

    key: str
    state: str
    at: datetime
    shown_at: datetime | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """What the store knows about one graduate (各处记录), each newest first and older than what was asked for."""

    spoken: Sequence[Spoken] = ()
    happened: Sequence[Happened] = ()
    told: Sequence[Told] = ()
    looks: Sequence[Look] = ()
    receipts: Sequence[Receipt] = ()
    entries: Sequence[Entry] = field(default=(), repr=False)


class Kind(StrEnum):
    """The kind of an event (类别), in the order in which events of one moment are read."""

    STEP = "经过"
    TALK = "对话"
    STAFF = "老师办理"
    NOTICE = "通知"
    LOOK = "被查看"
    RECEIPT = "接收登记"


_ORDER = {kind: place for place, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Event:
    """One event (一件事).

    Attributes:
        at: when.
        kind: see Kind.
        words: what happened.
        detail: what else is worth knowing, or "".
        who: who did it, if it was somebody of the staff or a department, else "".
    """

    at: datetime
    kind: Kind
    words: str
    detail: str = ""
    who: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the chronicle (一页).

    Attributes:
        events: newest first.
        before: ask for what is older than this to get the next page; None on the last.
    """

    events: tuple[Event, ...]
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Events shown as one (一段): several turns of the talk in a row, or a single event."""

    events: tuple[Event, ...]

    @property
    def newest(self) -> Event:
        """The newest event."""
        return self.events[0]

    @property
    def oldest(self) -> Event:
        """The oldest event."""
        return self.events[-1]


@dataclass(frozen=True, slots=True)
class Day:
    """A day in Shanghai (一天) with its runs, newest first."""

    day: date
    runs: tuple[Run, ...]


def merged(sources: Iterable[Iterable[Event]], most: int, before: datetime | None = None) -> Page:
    """Put sources together, newest first (合并), and cut a page of at most so many events.

    The next page starts before a moment, so events of one moment are never torn apart: they go to the next page
    together. Only a moment with more events than a page holds makes a longer page.

    Args:
        sources: each with at least ``most`` + 1 of its newest events, or all it has.
        most: events on a page.
        before: only what is older counts; None for everything.
    """
    found = (event for source in sources for event in source if before is None or event.at < before)
    events = sorted(found, key=lambda event: _ORDER[event.kind])
    events.sort(key=lambda event: event.at, reverse=True)
    if len(events) <= most:
        return Page(tuple(events))
    torn = events[most].at
    kept = [event for event in events[:most] if event.at != torn]
    if not kept:
        kept = [event for event in events if event.at == torn]
    return Page(tuple(kept), kept[-1].at if len(kept) < len(events) else None)


def by_day(events: Iterable[Event]) -> tuple[Day, ...]:
    """Group events by day, and turns of the talk that follow each other to one run (分组)."""
    return tuple(Day(day, _runs(tuple(same))) for day, same in groupby(events, key=lambda event: day_of(event.at)))


def _runs(events: Sequence[Event]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for is_talk, group in groupby(events, key=lambda event: event.kind is Kind.TALK):
        same = tuple(group)
        runs += [Run(same)] if is_talk else [Run((event,)) for event in same]
    return tuple(runs)
