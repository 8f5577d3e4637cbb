"""Open a report (打开核验报告): a forwarded link shows masked data; the whole is for whoever knows the ID number."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.conversation.understanding import fold
from bot.errors import MovedError
from bot.ports import Clock, Work
from bot.use_cases.look_up_report import Found

_TAIL = re.compile(r"(?:[0-9]{12})?[0-9]{5}[0-9X]")
_ATTEMPTS = 3


class Opening(StrEnum):
    """What came of the attempt (打开结果)."""

    OPEN = "open"
    WRONG = "wrong"
    UNREADABLE = "unreadable"  # not six characters: told at once and not counted
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Opened:
    """The result of an attempt (打开结果).

    Attributes:
        opening: see Opening.
        locked_until: for LOCKED, until when.
    """

    opening: Opening
    locked_until: datetime | None = None


def open_report(work: Work, clock: Clock, found: Found, link: str, tail: str) -> Opened:
    """Check the last six characters of the ID number; the fifth wrong one in a day locks this link for a day.

    Args:
        work: opens units of work.
        clock: the present moment.
        found: the verification.
        link: name of the link, so that guessing at a forwarded one does not shut the graduate's next one.
        tail: as typed.
    """
    typed = fold(tail).upper()
    if not _TAIL.fullmatch(typed):
        return Opened(Opening.UNREADABLE)
    is_right = typed[-6:] == found.dossier.graduate.identity_number.tail
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _judged(work, clock(), f"report:{link}", is_right=is_right)
        except MovedError:
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError


def _judged(work: Work, now: datetime, subject: str, *, is_right: bool) -> Opened:
    with work.writing() as uow:
        if (until := uow.guards.locked_until((subject,), now)) is not None:
            return Opened(Opening.LOCKED, until)
        if is_right:
            uow.guards.clear((subject,))
        else:
            uow.guards.fail((subject,), now)
        until = uow.guards.locked_until((subject,), now)
        uow.commit()
    if until is not None:
        return Opened(Opening.LOCKED, until)
    return Opened(Opening.OPEN if is_right else Opening.WRONG)
