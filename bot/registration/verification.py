"""The verification (核验授权): a number, a period, a state (N12 to N15)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.registration.season import end_of_day


class Subject(StrEnum):
    """What a verification is about (核验事项); archive and household are verified separately (N14)."""

    ARCHIVE = "档案信息"
    HOUSEHOLD = "户口信息"


class State(StrEnum):
    """The state of a verification (核验状态, N14), with the code shown beside it."""

    IN_FORCE = "生效中"
    UNCONFIRMED = "未确认"
    EXPIRED = "已过期"
    CONFIRM_AGAIN = "需重新确认"
    CLOSED = "已撤销"


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
        closed_at: when the graduate closed it early, or None.
        superseded_at: when a change of data ended it (N15), or None.
    """

    id: str
    number: str = field(repr=False)
    subject: Subject
    digest: str = field(repr=False)
    issued_at: datetime
    last_day: date
    closed_at: datetime | None = None
    superseded_at: datetime | None = None

    @property
    def valid_until(self) -> datetime:
        """The last second in force (有效期至)."""
        return end_of_day(self.last_day)

    def state(self, digest: str | None, now: datetime) -> State:
        """Return the state against the digest of what is confirmed now (None: nothing is confirmed).

        Precedence: closed by the holder, then changed data, then time. A missing or different digest
        never reads as in force: a stale confirmation fails closed (N15).
        """
        if self.closed_at is not None:
            return State.CLOSED
        if self.superseded_at is not None or digest != self.digest:
            return State.CONFIRM_AGAIN
        return State.IN_FORCE if now <= self.valid_until else State.EXPIRED
