"""The verification (核验授权): a number, a period, a state (N12 to N15)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.registration.season import end_of_day


class Subject(StrEnum):
    """What a verification is about (核验事项); archive and household are verified separately (N14)."""

    ARCHIVE = "档案信息"
    HOUSEHOLD = "户口信息"


class State(StrEnum):
    """The state of a verification (核验状态, N14); 作废 is the issuer's own withdrawal, which the notice leaves out."""

    IN_FORCE = "生效中"
    UNCONFIRMED = "未确认"
    EXPIRED = "已过期"
    CONFIRM_AGAIN = "需重新确认"
    CLOSED = "已撤销"
    ANNULLED = "已作废"


@dataclass(frozen=True, slots=True)
class Extension:
    """A later last day given to a verification (延长有效期).

    Attributes:
        at: when it was given.
        before: the last day until then, as printed on older paper.
        last_day: the last day since then.
    """

    at: datetime
    before: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Verification:
    """An authorised verification (核验授权).

    Attributes:
        id: identifier.
        number: 核验编号, eight digits as text.
        subject: archive or household.
        digest: of the confirmed data it was issued for.
        issued_at: when.
        last_day: the last day in force; it ends at 23:59:59 of that day (N13).
        extensions: every later last day given, oldest first; the newest is ``last_day``.
        closed_at: when the graduate closed it early, or None.
        superseded_at: when a change of data ended it (N15), or None.
        annulled_at: when the school itself withdrew it (作废), or None.
        annulled_reason: why, for the graduate and staff; never shown to strangers.
    """

    id: str
    number: str = field(repr=False)
    subject: Subject
    digest: str = field(repr=False)
    issued_at: datetime
    last_day: date
    closed_at: datetime | None = None
    superseded_at: datetime | None = None
    annulled_at: datetime | None = None
    annulled_reason: str = field(default="", repr=False)
    extensions: tuple[Extension, ...] = ()

    @property
    def valid_until(self) -> datetime:
        """The last second in force (有效期至)."""
        return end_of_day(self.last_day)

    def state(self, digest: str | None, now: datetime) -> State:
        """Return the state against the digest of what is confirmed now (None: nothing is confirmed).

        A missing or different digest never reads as in force: a stale confirmation fails closed (N15).
        """
        return next(state for state, holds in PRECEDENCE if holds(self, digest, now))


PRECEDENCE: tuple[tuple[State, Callable[[Verification, str | None, datetime], bool]], ...] = (
    (State.ANNULLED, lambda verification, _digest, _now: verification.annulled_at is not None),
    (State.CLOSED, lambda verification, _digest, _now: verification.closed_at is not None),
    (State.CONFIRM_AGAIN, lambda verification, _digest, _now: verification.superseded_at is not None),
    (State.CONFIRM_AGAIN, lambda verification, digest, _now: digest not in {None, verification.digest}),
    (State.EXPIRED, lambda verification, _digest, now: now > verification.valid_until),
    (State.UNCONFIRMED, lambda _verification, digest, _now: digest is None),
    (State.IN_FORCE, lambda _verification, _digest, _now: True),
)
"""The precedence of the states (状态优先级): of all that hold the first one is shown. What the issuer said comes before
what the holder said, that before what happened to the data, that before time; in force is what is left."""
