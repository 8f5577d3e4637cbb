"""Look up a report (查询核验报告): by link, by number, by signed code; departments' looks are written down."""

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.conversation.lines import chinese_moment
from bot.conversation.texts import texts
from bot.ports import Clock, Links, UnitOfWork, Work
from bot.registration.dossier import Dossier
from bot.registration.look import Look, Way
from bot.registration.particulars import same_name
from bot.registration.report import Standing
from bot.registration.season import Season
from bot.registration.verification import State, Verification
from bot.use_cases.tell import Teller

# Compared with where there is no name, so that there always is a comparison.
_NOBODY = "某某某"


@dataclass(frozen=True, slots=True)
class Found:
    """A verification with everything its report needs (查询结果)."""

    season: Season
    dossier: Dossier
    verification: Verification


@dataclass(frozen=True, slots=True)
class Counter:
    """What the counter of departments needs from the world (核验窗口).

    Attributes:
        work: opens units of work.
        clock: the present moment; the only clock that decides validity.
        links: makes web links, for the notice.
        new_id: makes identifiers.
    """

    work: Work
    clock: Clock
    links: Links = field(repr=False)
    new_id: Callable[[], str]


def by_verification(work: Work, verification_id: str) -> Found | None:
    """Return what belongs to a verification's identifier (授权标识), or None."""
    with work.reading() as uow:
        return _found(uow, uow.registry.by_verification(verification_id))


def by_number(work: Work, number: str) -> Found | None:
    """Return what belongs to an eight-digit number (核验编号), or None."""
    with work.reading() as uow:
        return _found(uow, uow.registry.by_number(number))


def by_number_and_name(work: Work, number: str, name: str) -> Found | None:
    """Return what belongs to a number (核验编号) if the graduate's full name is the one given, or None.

    Whatever is wrong with the pair costs the same work: one statement, one comparison of two names. So neither the
    answer nor its time tells whether a number exists. Only a pair that is right is read in full.

    Args:
        work: opens units of work.
        number: eight digits; anything else finds nothing.
        name: in any way of writing that ``same_name`` reads as the same.
    """
    with work.reading() as uow:
        stored = uow.registry.name_by_number(number)
        is_same = same_name(name, stored or _NOBODY)
        return _found(uow, uow.registry.by_number(number)) if is_same and stored else None


def season_now(work: Work) -> Season | None:
    """Return the current season (当前届), whose office answers questions about unknown codes too."""
    with work.reading() as uow:
        return uow.seasons.current()


def note_look(counter: Counter, found: Found, way: Way, department: str = "") -> None:
    """Write down that somebody looked (查看记录); the first look is told to the graduate, in the same transaction.

    Args:
        counter: see Counter.
        found: what was looked at.
        way: how.
        department: as stated, "" if nothing was.
    """
    now, verification = counter.clock(), found.verification
    state = found.dossier.state_of(verification, now)
    standing = Standing.of(state)
    with counter.work.writing() as uow:
        look = Look(counter.new_id(), verification.id, now, way, standing, department)
        if uow.looks.add(look):
            Teller(found.season, now, counter.links, counter.new_id).tell(
                uow,
                found.dossier,
                "first_look",
                f"first_look:{verification.id}",
                notice_at=chinese_moment(now)[:16],
                notice_subject=verification.subject.value,
                notice_number=verification.number,
                notice_way=way.value,
                notice_state=state.value,
                notice_hint=texts()["hint.first_look"] if state is State.IN_FORCE else "",
            )
        uow.commit()


def _found(uow: UnitOfWork, hit: tuple[Dossier, Verification] | None) -> Found | None:
    # The current season speaks for the school's name and telephones even about last year's graduates;
    # the period of a verification is stored with it and needs no season.
    season = uow.seasons.current()
    if hit is None or season is None:
        return None
    dossier, verification = hit
    return Found(season, dossier, verification)
