"""Effects (效果): what a turn wants done, as values; the use case does them in the turn's own transaction."""

from dataclasses import dataclass, field
from datetime import date

from bot.registration.archive import ArchiveItems
from bot.registration.correction import Item
from bot.registration.verification import Subject


@dataclass(frozen=True, slots=True)
class Consent:
    """Note that the person agreed to the consent text (知情同意)."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind the candidate to this WeChat account (绑定)."""


@dataclass(frozen=True, slots=True)
class FailIdentity:
    """Count a failed identity check against student number and account (核验失败)."""


@dataclass(frozen=True, slots=True)
class Check:
    """Note that the personal data is right (N4)."""


@dataclass(frozen=True, slots=True)
class SubmitArchive:
    """Submit the archive entry (N7)."""

    items: ArchiveItems


@dataclass(frozen=True, slots=True)
class Report:
    """Send an error report (信息有误, N11)."""

    items: tuple[tuple[Item, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm the destination (N9)."""


@dataclass(frozen=True, slots=True)
class VerifyPerson:
    """Note that CHSI has seen the real person (N12)."""


@dataclass(frozen=True, slots=True)
class Authorise:
    """Authorise a verification until the end of a day (N13, N14)."""

    subject: Subject
    last_day: date


@dataclass(frozen=True, slots=True)
class Extend:
    """Give the running verification a later last day (延长有效期)."""

    subject: Subject
    last_day: date


@dataclass(frozen=True, slots=True)
class Close:
    """Close the running verification early (提前关闭)."""

    subject: Subject


@dataclass(frozen=True, slots=True)
class WithdrawReceipts:
    """Take back the standing records that the archive was received (撤回接收登记)."""


@dataclass(frozen=True, slots=True)
class Unbind:
    """Take the binding away and forget the talk (解除绑定)."""


Effect = (
    Consent
    | Bind
    | FailIdentity
    | Check
    | SubmitArchive
    | Report
    | Confirm
    | VerifyPerson
    | Authorise
    | Extend
    | Close
    | WithdrawReceipts
    | Unbind
)
