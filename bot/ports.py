"""The ports (端口): what the use cases need from the world, as Protocols that storage and handlers fit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from bot.conversation.talk import Talk
from bot.notices.ports import (
    Audiences,
    Batches,
    Beats,
    Broadcasts,
    Halts,
    Ledger,
    Notices,
    PlannedNotices,
    Reports,
    Results,
    Subscriptions,
)
from bot.registration.correction import Correction
from bot.registration.cutoff import CollegeCount, CutoffList, CutoffRun, Listed
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.graduate import Counsellor
from bot.registration.look import Look, Receipt
from bot.registration.season import Season, SeasonVersion
from bot.registration.season_outlook import Standing
from bot.registration.stage import Stage
from bot.registration.verification import Verification
from bot.staff.account import Account
from bot.staff.audit import Entry, Search
from bot.staff.chronicle import Sources, Whose
from bot.staff.deed import Action
from bot.staff.policy import Actor, Scope
from bot.staff.reasons import Purpose, Template
from bot.staff.review_queue import Filter, Place, Waiting
from bot.staff.roll import Area, By, Day, Group, Line, Snapshot, Wanted
from bot.staff.uploads import Kind, Upload

Clock = Callable[[], datetime]
"""Returns the present moment, aware."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known when a message arrives (会话现场): read in one go.

    Attributes:
        talk: the talk, with ``seq`` 0 if the account is new.
        dossier: the bound graduate's dossier in the current season, or None.
        season: the current season, or None before any was set up.
        held: whether notices wait to be shown with the next answer.
    """

    talk: Talk
    dossier: Dossier | None
    season: Season | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Footstep:
    """One line of the trace (足迹): what a message did, without its words.

    Attributes:
        who: the graduate's identifier or "" before binding.
        rev: revision of the flows.
        step: "flow.step" asked when the message came.
        outcome: the outcome, command or reason.
        to: "flow.step" asked afterwards.
        at: when.
    """

    who: str
    rev: str
    step: str
    outcome: str
    to: str
    at: datetime


class Talks(Protocol):
    """The talks (会话)."""

    def open(self, openid: str) -> Opened:
        """Read talk, dossier and current season in one go."""

    def save(self, old: Talk, new: Talk) -> None:
        """Write ``new`` if the stored row still is ``old`` (by seq). Raises MovedError otherwise."""

    def erase(self, openid: str) -> None:
        """Forget the talk for good (unfollowing, 解除绑定)."""


class Registry(Protocol):
    """The dossiers (去向登记档)."""

    def by_id(self, dossier_id: str) -> Dossier | None:
        """Return the dossier or None."""

    def by_ids(self, dossier_ids: Sequence[str]) -> Iterable[Dossier]:
        """Return the dossiers found, in the order given."""

    def by_student_number(self, season_id: str, student_number: str) -> Dossier | None:
        """Return the dossier of a student number or None."""

    def by_student_numbers(self, season_id: str, student_numbers: Sequence[str]) -> dict[str, Dossier]:
        """Return the dossiers found, by student number; for files, thousands at a time."""

    def by_verification(self, verification_id: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of a verification's identifier or None."""

    def by_number(self, number: str) -> tuple[Dossier, Verification] | None:
        """Return dossier and verification of an eight-digit number or None."""

    def name_by_number(self, number: str) -> str:
        """Return the graduate's name behind an eight-digit number, "" for none; it costs the same for both."""

    def with_submitted_archive(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose archive entry waits for review, oldest first."""

    def with_open_correction(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers whose error report waits, by counsellor, oldest first."""

    def without_destination(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers without destination data (N6, N18)."""

    def count(self, season_id: str) -> int:
        """Return how many dossiers the season has."""

    def all_of(self, season_id: str) -> Iterable[Dossier]:
        """Return all dossiers of the season, in the order of their student numbers."""

    def bound(self, season_id: str) -> Iterable[Dossier]:
        """Return the dossiers with a bound WeChat account."""

    def add_many(self, dossiers: Sequence[Dossier]) -> None:
        """Insert new dossiers."""

    def save(self, old: Dossier, new: Dossier) -> None:
        """Write what changed if the stored row still is ``old`` (by version). Raises MovedError otherwise."""

    def save_many(self, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
        """Do ``save`` for many pairs of old and new; for files, thousands at a time."""


class Guards(Protocol):
    """The identity guards (身份核验防护): failures counted per subject, kept in the database."""

    def locked_until(self, subjects: Sequence[str], now: datetime) -> datetime | None:
        """Return until when any of the subjects is locked, or None."""

    def fail(self, subjects: Sequence[str], now: datetime) -> None:
        """Count a failure for each subject; the fifth within a day locks it for a day."""

    def clear(self, subjects: Sequence[str]) -> None:
        """Forget the failures of the subjects."""


class Seasons(Protocol):
    """The seasons (届)."""

    def current(self) -> Season | None:
        """Return the current season or None before any was set up."""

    def versions(self, season_id: str, most: int, before: int = 2**31 - 1) -> Sequence[SeasonVersion]:
        """Return the newest versions of a season's settings, or the newest below ``before``, newest first."""

    def others(self) -> Sequence[str]:
        """Return the seasons that are not the current one."""

    def standing(self, season_id: str) -> Standing:
        """Return how the graduates of a season stand."""

    def save(self, season: Season, over: Season | None = None) -> None:
        """Store the season under its id, as the next version, and make it the current one.

        Raises MovedError if ``over`` is given and is not the current one, in its version.
        """


class Trail(Protocol):
    """The trace (足迹) of all turns."""

    def add(self, footstep: Footstep) -> None:
        """Append a footstep."""


class Turns(Protocol):
    """The turns (一轮对话)."""

    def keep(self, old: Talk, new: Talk, step: Footstep) -> None:
        """Write ``new`` over ``old`` and append the footstep, both or neither. Raises MovedError."""


class Looks(Protocol):
    """The looks of departments (查看记录)."""

    def add(self, look: Look) -> bool:
        """Append a look; True if it is the first one at this verification."""

    def of(self, verification_ids: Sequence[str], most: int, before: datetime | None = None) -> Sequence[Look]:
        """Return the newest looks at some verifications, or the newest older than a moment, newest first."""

    def count(self, verification_ids: Sequence[str]) -> int:
        """Return how many looks some verifications had."""


class Receipts(Protocol):
    """The records that an archive was received (档案接收登记)."""

    def add(self, receipt: Receipt) -> None:
        """Append a record."""

    def of(self, verification_ids: Sequence[str]) -> Sequence[Receipt]:
        """Return the records at some verifications, withdrawn ones included, oldest first."""

    def by_id(self, receipt_id: str) -> Receipt | None:
        """Return the record or None."""

    def of_season(self, season_id: str) -> Iterable[tuple[Dossier, Receipt]]:
        """Return all records of a season with their dossiers, newest first."""

    def withdraw(self, receipt_id: str, by: str, now: datetime) -> bool:
        """Mark a record as withdrawn; False if there is none, or it is withdrawn already."""


class Accounts(Protocol):
    """The staff accounts (工作人员账号)."""

    def by_id(self, account_id: str) -> Account | None:
        """Return the account or None."""

    def by_login(self, login: str) -> Account | None:
        """Return the account of a login name or None."""

    def all(self) -> Sequence[Account]:
        """Return all accounts, active ones first."""

    def add(self, account: Account) -> bool:
        """Store a new account; False if the login name is taken."""

    def save(self, old: Account, new: Account) -> None:
        """Write ``new`` if the stored row still is ``old`` (by version). Raises MovedError otherwise."""

    def touch(self, account_id: str, at: datetime) -> None:
        """Note that the account was used; nobody's change of the account comes to grief by it."""

    def counsellors(self, season_id: str) -> Sequence[tuple[str, str, int]]:
        """Return staff number, name and number of graduates of every counsellor the roster names by number."""


class Audit(Protocol):
    """The audit log (审计日志): only ever added to."""

    def append(self, actor: Actor, action: Action, subject: str, details: Mapping[str, str], at: datetime) -> Entry:
        """Append an entry, chained to the newest one."""

    def of(self, subject: str, most: int, before: datetime | None = None) -> Sequence[Entry]:
        """Return the newest entries about a subject, or the newest older than a moment, newest first."""

    def done_to(self, subject: str, action: Action, most: int) -> Sequence[Entry]:
        """Return the newest entries of one action about a subject, newest first."""

    def times_done_to(self, subject: str, action: Action) -> int:
        """Return how often one action was done to a subject."""

    def newest(self, most: int, before: int | None = None) -> Sequence[Entry]:
        """Return the newest entries, or the newest older than entry ``before``, newest first."""

    def found(self, search: Search, most: int, before: int | None = None) -> Sequence[Entry]:
        """Return the newest entries a search finds, or the newest older than entry ``before``, newest first."""

    def all(self) -> Iterable[Entry]:
        """Return all entries, oldest first; of details that cannot be unsealed it says so."""

    def sealed(self) -> Iterable[Entry]:
        """Return all entries without their details, oldest first: enough for the chain, and nothing is decrypted."""

    def head(self) -> tuple[int, str] | None:
        """Return number and hash of the newest entry, or None before the first."""


class Cutoffs(Protocol):
    """The cut-offs (截点): runs, and the lists staff read, always within a scope."""

    def begin(self, season_id: str, cutoff: date, at: datetime) -> CutoffRun | None:
        """Begin the run of a cut-off day and write down who is unplaced now; None if there is a run already."""

    def run(self, season_id: str, cutoff: date) -> CutoffRun | None:
        """Return the run of a cut-off day or None."""

    def runs(self, season_id: str) -> Sequence[CutoffRun]:
        """Return the runs of a season, the latest day first."""

    def open_runs(self) -> Sequence[CutoffRun]:
        """Return the runs that are not finished, of all seasons."""

    def next_ids(self, run: CutoffRun, most: int) -> Sequence[str]:
        """Return the next graduates of a run."""

    def reach(self, run: CutoffRun, graduate_id: str) -> None:
        """Note how far a run has come. Raises MovedError if somebody else went on with it."""

    def leave_out(self, run: CutoffRun, graduate_ids: Sequence[str]) -> None:
        """Take graduates off the list of a run: their data arrived before it came to them."""

    def finish(self, run: CutoffRun, at: datetime) -> int:
        """End a run and return how many it registered. Raises MovedError if somebody else went on with it."""

    def count(self, season_id: str, scope: Scope) -> int:
        """Return how many in the scope have no destination now."""

    def colleges(self, wanted: CutoffList) -> Sequence[CollegeCount]:
        """Return how many of each college stand in a list."""

    def listed(self, wanted: CutoffList, after: str = "", most: int = 50) -> Sequence[Listed]:
        """Return a piece of a list by student number, after the graduate ``after``."""


class Chronicle(Protocol):
    """The chronicle (经过时间线) of one graduate, asked for by staff."""

    def dossier(self, whose: Whose) -> Dossier | None:
        """Return the dossier, None if there is none of this season in this scope."""

    def stage_since(self, whose: Whose) -> datetime | None:
        """Return since when the graduate stands at the present stage."""

    def sources(self, whose: Whose, most: int, before: datetime | None = None) -> Sources:
        """Return the newest of every kind of record, or the newest before a moment."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many error reports of a counsellor's graduates wait (待处理份数).

    Attributes:
        counsellor: name and staff number.
        count: how many.
        oldest: when the oldest was sent.
    """

    counsellor: Counsellor = field(repr=False)
    count: int
    oldest: datetime


class Reported(NamedTuple):
    """An error report with the dossier it belongs to; the dossier's own may be a newer one."""

    dossier: Dossier
    correction: Correction


class CorrectionQueue(Protocol):
    """The error reports (信息有误) as staff see them; always within a scope."""

    def tally(self, season_id: str, scope: Scope) -> Sequence[Tally]:
        """Count the reports that wait, by counsellor."""

    def waiting(
        self, season_id: str, scope: Scope, counsellor: Counsellor | None = None, start: int = 0, most: int = ...
    ) -> Sequence[Reported]:
        """Return reports that wait, by counsellor, oldest first."""

    def decided(self, season_id: str, scope: Scope, start: int, most: int) -> Sequence[Reported]:
        """Return reports that were decided, newest first."""

    def by_ids(self, scope: Scope, correction_ids: Sequence[str]) -> Mapping[str, Reported]:
        """Return the reports found, by identifier."""


class ReviewQueue(Protocol):
    """The archive entries that wait for review (审核队列), always within a scope."""

    def waiting(
        self, season_id: str, scope: Scope, wanted: Filter, after: Place | None = None, most: int = 20
    ) -> Sequence[Dossier]:
        """Return the waiting entries after a place, oldest first."""

    def next_id(self, season_id: str, scope: Scope, wanted: Filter, after: Place, skipped: int = 0) -> str | None:
        """Return the entry to open after a place, ``skipped`` further on if there are so many; then the first again."""

    def previous_id(self, season_id: str, scope: Scope, wanted: Filter, before: Place) -> str | None:
        """Return the entry just before a place, or None."""

    def entry(self, dossier_id: str, season_id: str, scope: Scope) -> Dossier | None:
        """Return a dossier of the season in the scope, waiting or not, or None."""

    def entries(self, dossier_ids: Sequence[str], season_id: str, scope: Scope) -> Mapping[str, Dossier]:
        """Return those of some dossiers that are of the season and in the scope, by identifier."""

    def counts(self, season_id: str, scope: Scope) -> Sequence[Waiting]:
        """Return how many entries wait, by college, transfer type, and whether there are hints."""


class Reasons(Protocol):
    """The reason templates (理由模板)."""

    def of(self, purpose: Purpose) -> Sequence[Template]:
        """Return the templates for a purpose, oldest first."""

    def by_id(self, template_id: str) -> Template | None:
        """Return the template or None."""

    def add(self, template: Template) -> bool:
        """Store a template; False if the same reason is kept already."""

    def remove(self, template_id: str) -> bool:
        """Remove a template; False if there is none."""


class Roll(Protocol):
    """The roll (毕业生名单与进度): lists and counts; every question holds the scope of whoever asks."""

    def progress(self, area: Area, by: By) -> Sequence[Group]:
        """Return how many stand where, counted by college, major, class or counsellor."""

    def oldest(self, area: Area) -> Mapping[Stage, datetime]:
        """Return since when the first of those at each stage stands there; stages with nobody are left out."""

    def names(self, area: Area, by: By) -> Sequence[str]:
        """Return the colleges, majors or classes of an area, in order."""

    def count(self, wanted: Wanted) -> int:
        """Return how many there are."""

    def page(self, wanted: Wanted, after: str, most: int) -> tuple[Sequence[Line], str]:
        """Return the next lines, and where the page after them begins, "" for nowhere. Raises BadValueError."""

    def lines(self, wanted: Wanted, *, with_mobile: bool) -> Iterable[Line]:
        """Return a whole list, piece by piece."""


class ProgressDays(Protocol):
    """The days of progress (每日进度)."""

    def of(self, area: Area) -> Sequence[Day]:
        """Return the days kept of an area, oldest first; none where no days are kept of such an area."""

    def on(self, season_id: str, day: date) -> Snapshot:
        """Return what is kept of a day."""

    def put(self, season_id: str, day: date, kept: Snapshot) -> None:
        """Keep other counts of a day than before. Raises MovedError if somebody else just did the same."""


class Named(NamedTuple):
    """Somebody registered (在册毕业生), as far as a list names them."""

    student_number: str
    name: str
    college: str
    class_name: str


class Restored(NamedTuple):
    """What an undo did (撤销结果).

    Attributes:
        restored, removed: numbers of dossiers.
        left: student number and name of those that were touched since, and left alone.
        told: identifiers of restored dossiers whose graduates had heard of the change.
    """

    restored: int
    removed: int
    left: Sequence[tuple[str, str]]
    told: Sequence[str]


class Uploads(Protocol):
    """The uploads of rosters (名册上传) with their stored pieces."""

    def add(self, upload: Upload) -> None:
        """Store a new upload."""

    def by_id(self, upload_id: str) -> Upload | None:
        """Return the upload or None."""

    def newest(self, season_id: str, most: int) -> Sequence[Upload]:
        """Return the newest uploads of a season."""

    def to_do(self, now: datetime) -> Upload | None:
        """Return the oldest upload that waits for a worker, or whose worker has not been heard of, or None."""

    def over(self, before: datetime) -> Sequence[Upload]:
        """Return the uploads whose last step ended before a moment and of which pieces are left."""

    def save(self, old: Upload, new: Upload) -> Upload:
        """Write ``new`` if the stored row still is ``old`` (by version). Raises MovedError otherwise."""

    def note_progress(self, upload: Upload, seen: int, total: int, lease_until: datetime) -> bool:
        """Write how far a claimed upload is, and keep it claimed; False if it is claimed no more."""

    def add_pieces(self, upload_id: str, kind: Kind, pieces: Iterable[bytes], start: int = 0) -> int:
        """Store pieces from an ordinal on; return the next ordinal."""

    def piece(self, upload_id: str, kind: Kind, ordinal: int) -> bytes | None:
        """Return one piece or None."""

    def pieces(self, upload_id: str, kind: Kind) -> Iterable[bytes]:
        """Read the pieces of a kind in order."""

    def forget(self, upload_id: str, kinds: Iterable[Kind]) -> None:
        """Delete the pieces of some kinds."""


class Enrolment(Protocol):
    """The enrolment (在册情况): what of a roster is stored already, told without decrypting anything."""

    def compare(self, season_id: str, said: Mapping[str, tuple[SchoolData, bool] | None]) -> Mapping[str, bool]:
        """Return who is registered, by student number, and whether what is stored surely says the same.

        ``said``: the school's data, and whether it says that the real person was checked; None asks only who is there.
        """

    def holders(self, season_id: str, identity_numbers: Sequence[str]) -> Mapping[str, str]:
        """Return the student number of whoever is registered with an ID number, by ID number."""

    def everybody(self, season_id: str) -> Iterable[Named]:
        """Read who is registered in a season, by student number."""


class Restoring(Protocol):
    """The undo of an import (撤销导入)."""

    def keep(self, told: Mapping[str, bool]) -> Iterable[str]:
        """Yield a line for each dossier about to be changed: identifier → whether the graduate hears of it."""

    def keep_added(self, dossier_id: str) -> str:
        """Return a line for a dossier that is added."""

    def restore(self, lines: Sequence[Mapping[str, Any]]) -> Restored:
        """Put back what nobody has touched since; remove what was added. Raises MovedError."""


class UnitOfWork(Protocol):
    """One transaction (事务); leaving it without ``commit`` takes everything back."""

    @property
    def talks(self) -> Talks: ...  # noqa: D102 -- the Protocols above speak for themselves
    @property
    def registry(self) -> Registry: ...  # noqa: D102 -- the same
    @property
    def guards(self) -> Guards: ...  # noqa: D102 -- the same
    @property
    def notices(self) -> Notices: ...  # noqa: D102 -- the same
    @property
    def seasons(self) -> Seasons: ...  # noqa: D102 -- the same
    @property
    def trail(self) -> Trail: ...  # noqa: D102 -- the same
    @property
    def turns(self) -> Turns: ...  # noqa: D102 -- the same
    @property
    def looks(self) -> Looks: ...  # noqa: D102 -- the same
    @property
    def receipts(self) -> Receipts: ...  # noqa: D102 -- the same
    @property
    def accounts(self) -> Accounts: ...  # noqa: D102 -- the same
    @property
    def audit(self) -> Audit: ...  # noqa: D102 -- the same
    @property
    def uploads(self) -> Uploads: ...  # noqa: D102 -- the same
    @property
    def enrolment(self) -> Enrolment: ...  # noqa: D102 -- the same
    @property
    def restoring(self) -> Restoring: ...  # noqa: D102 -- the same
    @property
    def corrections(self) -> CorrectionQueue: ...  # noqa: D102 -- the same
    @property
    def chronicle(self) -> Chronicle: ...  # noqa: D102 -- the same

    @property
    def cutoffs(self) -> Cutoffs: ...  # noqa: D102 -- the same

    @property
    def reviews(self) -> ReviewQueue: ...  # noqa: D102 -- the same
    @property
    def reasons(self) -> Reasons: ...  # noqa: D102 -- the same

    @property
    def ledger(self) -> Ledger: ...  # noqa: D102 -- the same
    @property
    def broadcasts(self) -> Broadcasts: ...  # noqa: D102 -- the same
    @property
    def audiences(self) -> Audiences: ...  # noqa: D102 -- the same
    @property
    def results(self) -> Results: ...  # noqa: D102 -- the same
    @property
    def batches(self) -> Batches: ...  # noqa: D102 -- the same
    @property
    def reports(self) -> Reports: ...  # noqa: D102 -- the same
    @property
    def subscriptions(self) -> Subscriptions: ...  # noqa: D102 -- the same
    @property
    def planned_notices(self) -> PlannedNotices: ...  # noqa: D102 -- the same
    @property
    def halts(self) -> Halts: ...  # noqa: D102 -- the same
    @property
    def beats(self) -> Beats: ...  # noqa: D102 -- the same

    @property
    def roll(self) -> Roll: ...  # noqa: D102 -- the same
    @property
    def progress_days(self) -> ProgressDays: ...  # noqa: D102 -- the same

    def commit(self) -> None:
        """Make everything permanent. Raises MovedError if another transaction got in between."""


class Work(Protocol):
    """Opens units of work."""

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """Open one that only reads and holds no lock."""

    def writing(self) -> AbstractContextManager[UnitOfWork]:
        """Open one that may write."""


class ChsiAnswer(StrEnum):
    """What CHSI (学信网) says."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # CHSI is down or too slow: nothing is lost, ask again


@dataclass(frozen=True, slots=True)
class RealPerson:
    """The real-person check (实人验证) of a graduate at CHSI (N12).

    Attributes:
        answer: done, not yet, or unknown.
        at: when it was done, or None.
        url: where the graduate does it; "" where CHSI gives none.
    """

    answer: ChsiAnswer
    at: datetime | None = None
    url: str = field(default="", repr=False)


class Chsi(Protocol):
    """The student-information network (学信网); answers within two seconds, never raises for an outage."""

    def binding(self, dossier: Dossier) -> ChsiAnswer:
        """Tell whether the student status is bound (学籍绑定, N3)."""

    def real_person(self, dossier: Dossier) -> RealPerson:
        """Tell the state of the real-person check (实人验证, N12)."""


class Links(Protocol):
    """Makes the web links a reply may carry: signed, expiring, unguessable."""

    def report(self, verification: Verification) -> str:
        """Return the link to the report page of a verification."""

    def real_person(self, dossier: Dossier) -> str:
        """Return the link that leads the graduate to CHSI's real-person check."""
