"""The ports (端口): what the use cases need from the world, as Protocols that storage and handlers fit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.conversation.reply import Reply
from bot.conversation.talk import Talk
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.verification import Verification

Clock = Callable[[], datetime]
"""Returns the present moment, aware."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known when a message arrives (会话现场): read in one go.

    Attributes:
        talk: the talk, with ``seq`` 0 if the account is new.
        dossier: the bound graduate's dossier in the current season, or None.
        season: the current season, or None before any was set up.
        held: whether notices wait to be shown with the next answer.
    """

    talk: Talk
    dossier: Dossier | None
    season: Season | None
    held: bool = False


class NoticeState(StrEnum):
    """The state of a notice (通知状态)."""

    WAITING = "waiting"  # not tried, or to be tried again at ``next_at``
    SENT = "sent"
    HELD = "held"  # WeChat does not take it now (no window); shown with the next answer
    DROPPED = "dropped"  # nobody to send it to


@dataclass(frozen=True, slots=True)
class Notice:
    """A message of the system's own accord (主动消息) to one WeChat account.

    Attributes:
        id: identifier.
        openid: the account.
        key: the sentence, a key of texts.zh.toml.
        data: values for its placeholders.
        once: a name unique over all notices, so that the same thing is never said twice.
        created_at: when it came up.
        attempts: how often sending was tried.
        state: see NoticeState.
        next_at: when sending may be tried next.
    """

    id: str
    openid: str = field(repr=False)
    key: str
    data: Mapping[str, str] = field(repr=False)
    once: str
    created_at: datetime
    attempts: int = 0
    state: NoticeState = NoticeState.WAITING
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Footstep:
    """One line of the trace (足迹): what a message did, without its words.

    Attributes:
        who: the graduate's identifier or "" before binding.
        rev: revision of the flows.
        step: "flow.step" asked when the message came.
        outcome: the outcome, command or reason.
        to: "flow.step" asked afterwards.
        at: when.
    """

    who: str
    rev: str
    step: str
    outcome: str
    to: str
    at: datetime


class Talks(Protocol):
    """The talks (会话)."""

    def open(self, openid: str) -> Opened:
        """Read talk, dossier and current season in one go."""

    def save(self, old: Talk, new: Talk) -> None:
        """Write ``new`` if the stored row still is ``old`` (by seq). Raises MovedError otherwise."""

    def erase(self, openid: str) -> None:
        """Forget the talk for good (unfollowing, 解除绑定)."""


class Registry(Protocol):
    """The dossiers (去向登记档)."""

    def by_id(self, dossier_id: str) -> Dossier | None:
        """Return the dossier or None."""

    def by_student_number(self, season_id: str, student_number: str) -> Dossier | None:
        """Return the dossier of a student number or None."""

    def by_student_numbers(self, season_id: str, student_numbers: Sequence[str]) -> dict[str, Dossier]:
        """Return the dossiers found, by student number; for files, thousands at a time."""

    def by_verification(self, verification_id: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of a verification's identifier or None."""

    def by_number(self, number: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of an eight-digit number or None."""

    def with_submitted_archive(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose archive entry waits for review, oldest first."""

    def with_open_correction(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose error report waits, by counsellor, oldest first."""

    def without_destination(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers without destination data (N6, N18)."""

    def count(self, season_id: str) -> int:
        """Return how many dossiers the season has."""

    def all_of(self, season_id: str) -> Iterable[Dossier]:
        """Return all dossiers of the season, in the order of their student numbers."""

    def bound(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers with a bound WeChat account."""

    def add_many(self, dossiers: Sequence[Dossier]) -> None:
        """Insert new dossiers."""

    def save(self, old: Dossier, new: Dossier) -> None:
        """Write what changed if the stored row still is ``old`` (by version). Raises MovedError otherwise."""

    def save_many(self, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
        """Do ``save`` for many pairs of old and new; for files, thousands at a time."""


class Guards(Protocol):
    """The identity guards (身份核验防护): failures counted per subject, kept in the database."""

    def locked_until(self, subjects: Sequence[str], now: datetime) -> datetime | None:
        """Return until when any of the subjects is locked, or None."""

    def fail(self, subjects: Sequence[str], now: datetime) -> None:
        """Count a failure for each subject; the fifth within a day locks it for a day."""

    def clear(self, subjects: Sequence[str]) -> None:
        """Forget the failures of the subjects."""


class Notices(Protocol):
    """The outbox of notices (主动消息)."""

    def add(self, notice: Notice) -> bool:
        """Store a notice; False if one with the same ``once`` is there already."""

    def take_held(self, openid: str, now: datetime) -> Sequence[Notice]:
        """Return the account's held notices and mark them sent."""

    def drop(self, openid: str) -> None:
        """Take back what the account was not told yet: it is nobody's, or somebody else's, from now on."""

    def claim(self, now: datetime, lease_until: datetime, most: int) -> Sequence[Notice]:
        """Claim up to ``most`` waiting notices that are due; nobody else gets them before ``lease_until``."""

    def settle(self, notice: Notice, state: NoticeState, next_at: datetime | None) -> None:
        """Write the outcome of a claimed notice."""


class Seasons(Protocol):
    """The seasons (届)."""

    def current(self) -> Season | None:
        """Return the current season or None before any was set up."""

    def save(self, season: Season) -> None:
        """Store the season under its id, as the next version, and make it the current one."""


class Outcome(StrEnum):
    """What became of an attempt to send a notice (发送结果)."""

    SENT = "sent"
    CLOSED = "closed"  # WeChat takes nothing for this person now: show it with the next answer
    GONE = "gone"  # the person does not follow any more, or never did
    LATER = "later"  # a passing fault: try again


class Channel(Protocol):
    """A way to a person who did not just write (主动消息通道)."""

    def send(self, openid: str, reply: Reply, once: str) -> Outcome:
        """Send a reply of our own accord; ``once`` is the same in every attempt."""


class Trail(Protocol):
    """The trace (足迹) of all turns."""

    def add(self, footstep: Footstep) -> None:
        """Append a footstep."""


class UnitOfWork(Protocol):
    """One transaction (事务); leaving it without ``commit`` takes everything back."""

    @property
    def talks(self) -> Talks: ...  # noqa: D102 -- the Protocols above speak for themselves
    @property
    def registry(self) -> Registry: ...  # noqa: D102 -- the same
    @property
    def guards(self) -> Guards: ...  # noqa: D102 -- the same
    @property
    def notices(self) -> Notices: ...  # noqa: D102 -- the same
    @property
    def seasons(self) -> Seasons: ...  # noqa: D102 -- the same
    @property
    def trail(self) -> Trail: ...  # noqa: D102 -- the same

    def commit(self) -> None:
        """Make everything permanent. Raises MovedError if another transaction got in between."""


class Work(Protocol):
    """Opens units of work."""

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """Open one that only reads and holds no lock."""

    def writing(self) -> AbstractContextManager[UnitOfWork]:
        """Open one that may write."""


class ChsiAnswer(StrEnum):
    """What CHSI (学信网) says."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # CHSI is down or too slow: nothing is lost, ask again


@dataclass(frozen=True, slots=True)
class RealPerson:
    """The real-person check (实人验证) of a graduate at CHSI (N12).

    Attributes:
        answer: done, not yet, or unknown.
        at: when it was done, or None.
        url: where the graduate does it; "" where CHSI gives none.
    """

    answer: ChsiAnswer
    at: datetime | None = None
    url: str = field(default="", repr=False)


class Chsi(Protocol):
    """The student-information network (学信网); answers within two seconds, never raises for an outage."""

    def binding(self, dossier: Dossier) -> ChsiAnswer:
        """Tell whether the student status is bound (学籍绑定, N3)."""

    def real_person(self, dossier: Dossier) -> RealPerson:
        """Tell the state of the real-person check (实人验证, N12)."""


class Links(Protocol):
    """Makes the web links a reply may carry: signed, expiring, unguessable."""

    def report(self, verification: Verification) -> str:
        """Return the link to the report page of a verification."""

    def real_person(self, dossier: Dossier) -> str:
        """Return the link that leads the graduate to CHSI's real-person check."""
