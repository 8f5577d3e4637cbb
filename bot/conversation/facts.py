"""The facts (事实) a turn is decided on: looked up beforehand, so that the conversation itself stays pure."""

from dataclasses import dataclass, field
from datetime import date, datetime

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier
from bot.registration.season import Season, day_of


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
    """

    now: datetime
    season: Season
    dossier: Dossier | None = None
    looked_up: str = field(default="", repr=False)
    candidate: Dossier | None = None
    locked_until: datetime | None = None
    binding: ChsiAnswer | None = None
    real_person: RealPerson | None = None

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
