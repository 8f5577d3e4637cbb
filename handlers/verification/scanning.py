"""Scanning (扫码): a token against the keys and the register, with the truth also while the register is away."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from bot.errors import QuxiangError
from bot.registration.look import Receipt, Way
from bot.registration.season import Season
from bot.use_cases.look_up_report import Counter, Found, by_number, note_look, season_now
from bot.use_cases.receive_archive import receipts_at
from handlers.verification.showing import Looked
from handlers.verification.tokens import Statement, VerificationKeys

_LOG = logging.getLogger(__name__)

AWAY = (QuxiangError, SQLAlchemyError)
"""What reading and writing raise while the database cannot be asked."""


def noted(counter: Counter, found: Found, way: Way, department: str = "") -> None:
    """Write a look down (记下查看); whatever goes wrong there, the clerk gets the answer."""
    try:
        note_look(counter, found, way, department)
    except Exception as error:  # noqa: BLE001 -- our bookkeeping must never keep a verdict from the clerk
        _LOG.error("%s: a look was not written down (%s)", way.name.lower(), type(error).__name__)


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan came to (一次扫码).

    Attributes:
        now: its moment; page, standing and history are of this one.
        season: the current season, or the last one known while the register is away.
        statement: what the token says, None if it is not genuine.
        found: the verification, None if there is none or it could not be asked for.
        receipts: the records at it.
        is_away: whether the register could not be asked.
    """

    now: datetime
    season: Season | None
    statement: Statement | None = None
    found: Found | None = None
    receipts: Sequence[Receipt] = ()
    is_away: bool = False

    @property
    def is_unknown_for_now(self) -> bool:
        """Whether the code is genuine but its standing could not be asked."""
        return self.is_away and self.statement is not None

    @property
    def looked(self) -> Looked:
        """What may be shown of it."""
        if self.found is None or self.statement is None:
            return Looked(self.season, None, stated=self.statement if self.is_away else None)
        is_extended = self.statement.last_day < self.found.verification.last_day
        return Looked.at(self.found, self.now, is_extended=is_extended, receipts=self.receipts)


@dataclass(slots=True)
class Scanner:
    """Scans tokens (扫码器).

    Attributes:
        counter: looks up and writes down looks.
        keys: signing keys of the QR codes.
        last_season: whose telephone is told while the register is away.
    """

    counter: Counter
    keys: VerificationKeys = field(repr=False)
    last_season: Season | None = None

    def scan(self, token: str) -> Scan:
        """Ask the register about a genuine token; everything else is unknown, never an error."""
        statement, now = self.keys.read(token), self.counter.clock()
        try:
            scan = self._asked(statement, now)
        except AWAY as error:
            _LOG.warning("scan: the register cannot be asked (%s)", type(error).__name__)
            return Scan(now, self.last_season, statement, is_away=True)
        self.last_season = scan.season
        return scan

    def note(self, scan: Scan) -> None:
        """Write the look down, if there was anything to look at."""
        if scan.found is not None:
            noted(self.counter, scan.found, Way.SCAN)

    def _asked(self, statement: Statement | None, now: datetime) -> Scan:
        work = self.counter.work
        found = by_number(work, statement.number) if statement else None
        if statement is None or found is None or not statement.fits(found.verification):
            return Scan(now, season_now(work), statement)
        return Scan(now, found.season, statement, found, self._receipts(found))

    def _receipts(self, found: Found) -> Sequence[Receipt]:
        try:
            return receipts_at(self.counter.work, found.verification)
        except AWAY as error:  # the verdict stands without them
            _LOG.warning("scan: records of arrival cannot be read (%s)", type(error).__name__)
            return ()
