"""The facts (事实) a turn is decided on: looked up beforehand, so that the conversation itself stays pure."""

from dataclasses import dataclass, field
from datetime import date, datetime

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier
from bot.registration.look import Look, Receipt
from bot.registration.season import Season, day_of
from bot.staff.reveals import Reveal


@dataclass(frozen=True, slots=True)
class Seen:
    """Who asked about the graduate's verifications (查看情况).

    Attributes:
        looks: the newest, newest first.
        total: how many there were in all.
        receipts: of the archive, withdrawn ones included, oldest first.
        reveals: the newest times staff looked at the graduate's full data, newest first.
        reveal_total: how many such times there were in all.
    """

    looks: tuple[Look, ...] = ()
    total: int = 0
    receipts: tuple[Receipt, ...] = ()
    reveals: tuple[Reveal, ...] = ()
    reveal_total: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a message is answered (事实).

    Attributes:
        now: the present moment, aware.
        season: the current season.
        dossier: the bound graduate's, or None.
        looked_up: the student number a candidate was looked up for, "" if none yet.
        candidate: the dossier of that student number, or None if there is none.
        locked_until: until when the identity check is locked, or None.
        binding: CHSI's answer about the candidate's student status, or None if not asked.
        real_person: CHSI's answer about the real-person check, or None if not asked.
        seen: who looked and who received, or None if not looked up.
    """

    now: datetime
    season: Season
    dossier: Dossier | None = None
    looked_up: str = field(default="", repr=False)
    candidate: Dossier | None = None
    locked_until: datetime | None = None
    binding: ChsiAnswer | None = None
    real_person: RealPerson | None = None
    seen: Seen | None = None

    @property
    def today(self) -> date:
        """The day in Shanghai."""
        return day_of(self.now)

    @property
    def own(self) -> Dossier:
        """The bound graduate's dossier; flows behind the login have one.

        Raises:
            LookupError: nobody is bound; a flow was entered that must not be.
        """
        if self.dossier is None:
            raise LookupError("no graduate is bound")
        return self.dossier
