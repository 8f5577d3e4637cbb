"""Look up a report (查询核验报告): by the link the graduate got, or by the number in the QR code."""

from dataclasses import dataclass

from bot.ports import UnitOfWork, Work
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.verification import Verification


@dataclass(frozen=True, slots=True)
class Found:
    """A verification with everything its report needs (查询结果)."""

    season: Season
    dossier: Dossier
    verification: Verification


def by_verification(work: Work, verification_id: str) -> Found | None:
    """Return what belongs to a verification's identifier (授权标识), or None."""
    with work.reading() as uow:
        return _found(uow, uow.registry.by_verification(verification_id))


def by_number(work: Work, number: str) -> Found | None:
    """Return what belongs to an eight-digit number (核验编号), or None."""
    with work.reading() as uow:
        return _found(uow, uow.registry.by_number(number))


def season_now(work: Work) -> Season | None:
    """Return the current season (当前届), whose office answers questions about unknown codes too."""
    with work.reading() as uow:
        return uow.seasons.current()


def _found(uow: UnitOfWork, hit: tuple[Dossier, Verification] | None) -> Found | None:
    # The current season speaks for the school's name and telephones even about last year's graduates;
    # the period of a verification is stored with it and needs no season.
    season = uow.seasons.current()
    if hit is None or season is None:
        return None
    dossier, verification = hit
    return Found(season, dossier, verification)
