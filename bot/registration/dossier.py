"""The dossier (去向登记档): everything registered about one graduate, and the steps the rules allow (N4 to N15).

A dossier is a value: each step returns a new one and raises RuleError where a rule forbids it. Whatever path a
change of confirmed data takes, it goes through ``with_school_data``, so N15 cannot be forgotten.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from bot.errors import RuleError
from bot.registration.archive import ArchiveEntry, ArchiveItems, ArchiveStatus
from bot.registration.correction import Correction, CorrectionState, Outcome
from bot.registration.destination import Destination
from bot.registration.graduate import Graduate
from bot.registration.household import Household
from bot.registration.season import Season, Window, day_of
from bot.registration.verification import Extension, State, Subject, Verification

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The destination confirmation (去向登记确认, N9).

    Attributes:
        at: when.
        digest: of exactly the data that was confirmed.
    """

    at: datetime
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SchoolData:
    """What the school holds about a graduate and may change (学校数据)."""

    graduate: Graduate
    destination: Destination | None
    archive: ArchiveEntry
    household: Household
    chsi_bound: bool | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """The dossier (去向登记档) of a graduate in a season.

    Attributes:
        id: identifier; season_id: the season (届).
        graduate, destination, archive, household: what is registered.
        chsi_bound: 学信网绑定 as the school knows it; None where it does not.
        checked_at: when the graduate found the personal data right (N4), or None.
        confirmation: the last confirmation, valid only while its digest matches.
        reopened_at: when the school changed data after a confirmation or after the window, so that the graduate
            may (again) confirm until the last day for changes (N15, N18); None otherwise.
        real_person_at: when CHSI saw the real person (实人验证, N12), or None.
        correction: the latest error report, or None.
        verifications: all ever authorised, oldest first.
        openid: the bound WeChat account, or None.
        version: compare-and-swap counter of the stored row.
    """

    id: str
    season_id: str
    graduate: Graduate
    destination: Destination | None = None
    archive: ArchiveEntry = field(default_factory=ArchiveEntry)
    household: Household = field(default_factory=Household)
    chsi_bound: bool | None = None
    checked_at: datetime | None = None
    confirmation: Confirmation | None = None
    reopened_at: datetime | None = None
    real_person_at: datetime | None = None
    correction: Correction | None = None
    verifications: tuple[Verification, ...] = ()
    openid: str | None = field(default=None, repr=False)
    version: int = 0
    _digest: str = field(default="", init=False, repr=False, compare=False)

    # -- what is confirmed ------------------------------------------------------------------------

    @property
    def digest(self) -> str:
        """SHA-256 over everything a confirmation covers, canonical JSON; any change gives another value (N15)."""
        if not self._digest:
            # Asked for by nearly every gate. It belongs to this value alone: ``replace`` makes the next one without it.
            object.__setattr__(self, "_digest", self._digested())
        return self._digest

    def _digested(self) -> str:
        items = self.archive.items
        facts = {
            "who": [self.graduate.student_number, self.graduate.name, self.graduate.identity_number.value],
            "study": [
                self.graduate.college,
                self.graduate.major,
                self.graduate.level.value,
                self.graduate.graduation_date.isoformat(),
                self.graduate.completion.value,
                self.graduate.place_of_origin,
            ],
            "destination": _destination_facts(self.destination),
            "archive": items and items.facts,
            "household": [self.household.moved, self.household.address],
        }
        return hashlib.sha256(b"quxiang-dossier-v1\0" + _CANONICAL.encode(facts).encode()).hexdigest()

    @property
    def is_confirmed(self) -> bool:
        """Whether exactly the present data is confirmed; a confirmation of other data does not count (N15)."""
        return self.confirmation is not None and self.confirmation.digest == self.digest

    @property
    def has_open_correction(self) -> bool:
        """Whether an error report waits for staff (N11)."""
        return self.correction is not None and self.correction.state is CorrectionState.OPEN

    def verification_of(self, subject: Subject) -> Verification | None:
        """Return the latest verification of the subject, whatever its state."""
        return next((v for v in reversed(self.verifications) if v.subject is subject), None)

    def state_of(self, verification: Verification, now: datetime) -> State:
        """Return the state of one of this dossier's verifications now (N14)."""
        if self.confirmation is None:
            return verification.state(None, now)
        # A confirmation of other data equals no digest at all, not even that of an older verification.
        return verification.state(self.confirmation.digest if self.is_confirmed else "", now)

    def running(self, subject: Subject, now: datetime) -> Verification | None:
        """Return the verification in force for the subject, or None."""
        latest = self.verification_of(subject)
        return latest if latest and self.state_of(latest, now) is State.IN_FORCE else None

    # -- gates: None when open, else the key of the sentence that says why not ---------------------

    def archive_gate(self) -> str | None:
        """Tell why the archive entry is closed (N7), or None."""
        return {
            ArchiveStatus.SUBMITTED: "gate.archive_waits",
            ArchiveStatus.APPROVED: "gate.archive_done",
        }.get(self.archive.status)

    def household_gate(self) -> str | None:
        """Tell why the household entry is closed (N8), or None."""
        return None if self.household.moved else "gate.household_not_moved"

    def report_gate(self) -> str | None:
        """Tell why an error report cannot be sent (N11), or None."""
        return "gate.correction_waits" if self.has_open_correction else None

    def confirmation_gate(self, season: Season, now: datetime) -> str | None:
        """Tell why the destination cannot be confirmed now (N5, N6, N7, N9, N11, N17, N18), or None."""
        if self.is_confirmed:
            return "gate.confirmed"
        if self.has_open_correction:
            return "gate.correction_waits"
        if self.destination is None:
            return "gate.no_destination"
        if self.archive.status is not ArchiveStatus.APPROVED:
            return {
                ArchiveStatus.MISSING: "gate.archive_missing",
                ArchiveStatus.SUBMITTED: "gate.archive_waits",
            }.get(self.archive.status, "gate.archive_returned")
        window = season.window(now)
        if window is Window.BEFORE:
            return "gate.window_before"
        if window is Window.AFTER and not (self.reopened_at and season.takes_changes(now)):
            return "gate.window_after"
        return None

    def verification_gate(self, season: Season, now: datetime) -> str | None:
        """Tell why no verification can be authorised (N12, N13), or None."""
        if not self.is_confirmed:
            return "gate.confirm_first"
        if self.real_person_at is None:
            return "gate.real_person_first"
        if day_of(now) > self.last_verification_day(season):
            return "gate.verification_over"
        return None

    def last_verification_day(self, season: Season) -> date:
        """Return graduation date + 6 months (N13)."""
        return season.last_verification_day(self.graduate.graduation_date)

    # -- steps of the graduate ---------------------------------------------------------------------

    def bind(self, openid: str) -> "Dossier":
        """Bind a WeChat account (绑定); an older binding is replaced."""
        return replace(self, openid=openid)

    def unbind(self) -> "Dossier":
        """Take the binding away (解除绑定)."""
        return replace(self, openid=None)

    def check(self, now: datetime) -> "Dossier":
        """Note that the graduate found the personal data right (N4)."""
        return replace(self, checked_at=now)

    def submit_archive(self, items: ArchiveItems, now: datetime) -> "Dossier":
        """Submit the archive entry for review (N7).

        Raises:
            RuleError: it already waits or is approved.
        """
        _demand(self.archive_gate())
        return replace(self, archive=self.archive.submitted(items, now))

    def report(self, correction: Correction) -> "Dossier":
        """Send an error report (信息有误, N11); a standing confirmation falls, since the graduate doubts it.

        Raises:
            RuleError: one already waits.
        """
        _demand(self.report_gate())
        return replace(self, correction=correction).fallen(correction.reported_at)

    def confirm(self, season: Season, now: datetime) -> "Dossier":
        """Confirm exactly the present data (N9).

        Raises:
            RuleError: the gate is closed.
        """
        _demand(self.confirmation_gate(season, now))
        return replace(self, confirmation=Confirmation(now, self.digest), reopened_at=None)

    def verify_person(self, at: datetime) -> "Dossier":
        """Note that CHSI has seen the real person (N12)."""
        return replace(self, real_person_at=self.real_person_at or at)

    def authorise(self, verification: Verification, season: Season) -> "Dossier":
        """Authorise a verification (核验授权, N13, N14); one in force for the same subject is closed by it.

        Raises:
            RuleError: the gate is closed, the day is out of bounds, or the household was not moved.
        """
        now = verification.issued_at
        _demand(self.verification_gate(season, now))
        if verification.subject is Subject.HOUSEHOLD:
            _demand(self.household_gate())
        self._demand_day(verification.last_day, season, now)
        closed = self.close(verification.subject, now) if self.running(verification.subject, now) else self
        return replace(closed, verifications=(*closed.verifications, replace(verification, digest=self.digest)))

    def extend(self, subject: Subject, last_day: date, season: Season, now: datetime) -> "Dossier":
        """Give the latest verification a new last day, same number (延长有效期); also after it expired.

        Raises:
            RuleError: nothing to extend, the day is out of bounds or before the present one.
        """
        _demand(self.verification_gate(season, now))
        latest = self.verification_of(subject)
        if latest is None or self.state_of(latest, now) not in {State.IN_FORCE, State.EXPIRED}:
            raise RuleError("gate.nothing_to_extend")
        if last_day < latest.last_day:
            raise RuleError("period.not_longer")
        self._demand_day(last_day, season, now)
        extensions = (*latest.extensions, Extension(now, latest.last_day, last_day))
        return self._with(replace(latest, last_day=last_day, extensions=extensions))

    def close(self, subject: Subject, now: datetime) -> "Dossier":
        """Close the running verification early (提前关闭).

        Raises:
            RuleError: none is in force.
        """
        running = self.running(subject, now)
        if running is None:
            raise RuleError("gate.nothing_to_close")
        return self._with(replace(running, closed_at=now))

    # -- steps of staff ----------------------------------------------------------------------------

    def approve_archive(self, now: datetime) -> "Dossier":
        """Approve a submitted archive entry (审核通过, N7).

        Raises:
            RuleError: none is submitted.
        """
        self._demand_submitted()
        return replace(self, archive=self.archive.approved(now))

    def return_archive(self, reason: str, now: datetime) -> "Dossier":
        """Return a submitted archive entry with the reviewer's reason (退回, N7); what was typed is kept.

        Raises:
            RuleError: none is submitted.
        """
        self._demand_submitted()
        entry = replace(self.archive, status=ArchiveStatus.RETURNED, reason=reason, reviewed_at=now)
        return replace(self, archive=entry)

    def annul(self, verification_id: str, reason: str, now: datetime) -> "Dossier":
        """Withdraw a verification on the school's side (作废), whatever its state; the reason is for the graduate.

        Raises:
            RuleError: there is none of this identifier, or it is annulled already.
        """
        known = next((v for v in self.verifications if v.id == verification_id), None)
        if known is None or known.annulled_at is not None:
            raise RuleError("staff.nothing_to_annul")
        return self._with(replace(known, annulled_at=now, annulled_reason=reason))

    def decide_correction(
        self, state: CorrectionState, answer: str, now: datetime, outcomes: tuple[Outcome, ...] = ()
    ) -> "Dossier":
        """Apply or refuse the open error report (N11), with what became of each item if that is known.

        Raises:
            RuleError: none is open.
        """
        if self.correction is None or not self.has_open_correction:
            raise RuleError("staff.no_open_correction")
        decided = replace(self.correction, state=state, answer=answer, decided_at=now, outcomes=outcomes)
        return replace(self, correction=decided)

    def with_school_data(self, data: SchoolData, season: Season, now: datetime) -> "Dossier":
        """Take new data from the school; a change of confirmed data fells confirmation and verifications (N15).

        An archive entry the graduate submitted is not overwritten by a file that has none. After the window, a
        change opens the confirmation again until the last day for changes (N18).
        """
        archive = data.archive if data.archive.items is not None else self.archive
        if archive.items == self.archive.items and self.archive.status is ArchiveStatus.APPROVED:
            archive = self.archive
        new = replace(
            self,
            graduate=data.graduate,
            destination=data.destination,
            archive=archive,
            household=data.household,
            chsi_bound=data.chsi_bound,
        )
        if new.digest == self.digest:
            return new
        if new.graduate != self.graduate:
            new = replace(new, checked_at=None)
        if season.window(now) is Window.AFTER:
            new = replace(new, reopened_at=now)
        return new.fallen(now)

    # -- inside ------------------------------------------------------------------------------------

    def fallen(self, now: datetime) -> "Dossier":
        """Take the confirmation and every running verification away; the graduate may confirm again (N15)."""
        if self.confirmation is None:
            return self
        return replace(
            self,
            confirmation=None,
            reopened_at=now,
            verifications=tuple(
                replace(v, superseded_at=now) if v.closed_at is None and v.superseded_at is None else v
                for v in self.verifications
            ),
        )

    def _with(self, changed: Verification) -> "Dossier":
        return replace(self, verifications=tuple(changed if v.id == changed.id else v for v in self.verifications))

    def _demand_submitted(self) -> None:
        if self.archive.status is not ArchiveStatus.SUBMITTED:
            raise RuleError("staff.archive_not_submitted")

    def _demand_day(self, day: date, season: Season, now: datetime) -> None:
        if day < day_of(now):
            raise RuleError("period.past")
        if day > self.last_verification_day(season):
            raise RuleError("period.too_late")


def _destination_facts(destination: Destination | None) -> list[str] | None:
    if destination is None:
        return None
    return [destination.code, destination.unit, destination.uscc, destination.place, destination.post]


def _demand(reason: str | None) -> None:
    if reason is not None:
        raise RuleError(reason)
