"""The work on uploads (名册处理): looking, writing, undoing, each claimed by one worker and safe to begin again."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.errors import BadValueError, MovedError, QuxiangError
from bot.registration.season import Season
from bot.roster.columns import Line, Remarks
from bot.roster.ledger import Ledger
from bot.roster.plan import Plan, Preview, shown
from bot.staff.deed import Action
from bot.staff.uploads import MOST_ROWS, UNDO_FOR, Findings, Kind, Upload, UploadState
from bot.use_cases.import_roster import OutdatedError, write_plan
from bot.use_cases.look_at_roster import Importing, Seeing, look, missing_from
from bot.use_cases.roster_undo import ATTEMPTS, Kept, asker, undo
from bot.use_cases.staff_changes import Office
from bot.use_cases.tell import Teller

LEASE = timedelta(minutes=1)
PAUSE = timedelta(seconds=30)
"""How long a step that failed waits before it is tried again."""

LONG_LEASE = timedelta(minutes=15)
"""How long the one transaction of a large import may take before another worker tries."""

MOST_CLAIMS = 5
"""How often a file is looked at before it is given up: it may be what kills the worker."""

_GIVEN_UP = "这个文件处理了几次都没有完成；请把名册复制到新的工作簿（只复制数值）再上传，还不行请联系管理员"
_OTHER_SEASON = "上传之后换了届别，这份名册不再适用；请重新上传"

Opened = AbstractContextManager[tuple[Iterator[Line], Remarks]]
OpenSheet = Callable[[Iterable[bytes], str], Opened]
"""Opens a file that comes in pieces, by the suffix of its name; raises BadValueError for one that cannot be read."""


class LostError(MovedError):
    """Another worker has taken the upload over."""


def work_on_next(office: Office, open_sheet: OpenSheet) -> bool:
    """Do what the oldest waiting upload asks for (处理一份上传); False if none waits."""
    now = office.clock()
    with office.work.writing() as uow:
        waiting = uow.uploads.to_do(now)
        if waiting is None:
            return False
        season = uow.seasons.current()
        claimed = uow.uploads.save(waiting, replace(waiting, lease_until=now + LEASE))
        uow.commit()
    if season is None or season.id != claimed.season_id:
        _refuse(office, claimed, _OTHER_SEASON)
        return True
    job = _Job(office, claimed, season, open_sheet)
    with suppress(LostError):
        try:
            job.run()
        except QuxiangError:
            job.leave(PAUSE)
            raise
    return True


def forget_old(office: Office) -> int:
    """Delete what is kept for an undo, and all lists, after thirty days (清理); return of how many uploads."""
    with office.work.reading() as uow:
        over = uow.uploads.over(office.clock() - UNDO_FOR)
    for upload in over:
        with office.work.writing() as uow:
            uow.uploads.forget(upload.id, Kind)
            uow.commit()
    return len(over)


def _refuse(office: Office, upload: Upload, reason: str) -> None:
    findings = replace(upload.findings or Findings(), reason=reason)
    with office.work.writing() as uow:
        refused = replace(upload, state=UploadState.REFUSED, findings=findings, finished_at=office.clock())
        uow.uploads.save(upload, replace(refused, lease_until=None))
        uow.uploads.forget(upload.id, Kind)
        uow.commit()


@dataclass(slots=True)
class _Job:
    """One claimed upload."""

    office: Office
    upload: Upload
    season: Season
    open_sheet: OpenSheet
    remarks: Remarks = field(default_factory=Remarks)
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.office.clock()

    def run(self) -> None:
        state = self.upload.state
        if state is UploadState.UNDOING:
            self._note(0, LONG_LEASE)
            undo(self.office, self.season, self.upload)
        elif state is UploadState.LOOKING and self.upload.version > MOST_CLAIMS:
            _refuse(self.office, self.upload, _GIVEN_UP)
        else:
            try:
                self._preview() if state is UploadState.LOOKING else self._apply()
            except BadValueError as error:
                _refuse(self.office, self.upload, str(error))

    # -- looking -----------------------------------------------------------------------------------

    @property
    def importing(self) -> Importing:
        office = self.office
        teller = Teller(self.season, self.started, office.links, office.new_id)
        return Importing(office.work, self.season, self.started, office.new_id, teller)

    def _look(self, preview: Preview | None) -> Plan:
        with self._sheet() as (lines, remarks):
            self.remarks = remarks
            seeing = Seeing(preview, remarks.merged, self._progress, MOST_ROWS)
            return look(lines, self.importing, seeing)

    def _sheet(self) -> Opened:
        name = self.upload.file_name
        with self.office.work.reading() as uow:
            pieces = uow.uploads.pieces(self.upload.id, Kind.FILE)
            return self.open_sheet(list(pieces), f".{name.rpartition('.')[2]}" if "." in name else "")

    def _progress(self, seen: int) -> None:
        self._note(seen, LEASE)

    def leave(self, pause: timedelta) -> None:
        """Let anybody try again after a pause."""
        self._note(0, pause)

    def _note(self, seen: int, lease: timedelta) -> None:
        """Tell how far the work is, and stay in charge of it."""
        with self.office.work.writing() as uow:
            is_ours = uow.uploads.note_progress(
                self.upload, seen, max(self.remarks.total - 1, 0), self.office.clock() + lease
            )
            uow.commit()
        if not is_ours:
            raise LostError("another worker has taken the upload over")

    def _preview(self, *, is_renewed: bool = False) -> None:
        preview = Preview()
        plan = self._look(preview)
        self._fetch_cells(plan, preview)
        lists = self._lists(plan, preview)
        old = self.upload.findings or Findings()
        findings = Findings(
            added=plan.added,
            changed=plan.changed,
            unchanged=len(plan.same),
            refused=len(plan.refused),
            missing=plan.registered - plan.known,
            falls=len(plan.falls),
            unknown_headings=plan.headings.unknown[:50],
            notes=tuple(self.remarks.notes),
            fingerprint=plan.fingerprint,
            sizes={kind.value: tuple(piece.size for piece in ledger.pieces) for kind, ledger in lists.items()},
            is_renewed=is_renewed,
            asked_by=old.asked_by,
        )
        ready = replace(self.upload, state=UploadState.READY, findings=findings, finished_at=self.office.clock())
        with self.office.work.writing() as uow:
            uow.uploads.save(self.upload, replace(ready, lease_until=None))
            uow.uploads.forget(self.upload.id, lists)
            for kind, ledger in lists.items():
                uow.uploads.add_pieces(self.upload.id, kind, [piece.data for piece in ledger.pieces])
            uow.commit()

    def _fetch_cells(self, plan: Plan, preview: Preview) -> None:
        """Read the file once more if rows turned out to be bad after they had passed."""
        lacking = plan.refused - preview.has_cells
        if lacking:
            with self._sheet() as (lines, _):
                for line in lines:
                    if line.number in lacking:
                        preview.keep_cells(line)
                        lacking.discard(line.number)
                    if not lacking:
                        break

    def _lists(self, plan: Plan, preview: Preview) -> dict[Kind, Ledger]:
        refused, missing, cells = Ledger(), Ledger(), Ledger()
        for fault in sorted(plan.faults, key=lambda fault: fault.row):
            refused.add([fault.row, f"{fault.column}{fault.row}", fault.heading, fault.reason])
        with self.office.work.reading() as uow:
            for one in missing_from(plan, uow, self.season.id):
                missing.add(one)
        if plan.refused:
            cells.add([0, _heading_cells(plan)])
            for entry in preview.cells:
                cells.add(entry)
        lists = {
            Kind.ADDED: preview.added.without(plan.refused),
            Kind.CHANGED: preview.changed.without(plan.refused),
            Kind.REFUSED: refused,
            Kind.CELLS: cells,
            Kind.MISSING: missing,
        }
        for ledger in lists.values():
            ledger.close()
        return lists

    # -- writing -----------------------------------------------------------------------------------

    def _apply(self) -> None:
        findings = self.upload.findings or Findings()
        plan = self._look(None)
        if plan.fingerprint != findings.fingerprint:
            self._preview(is_renewed=True)
            return
        self._note(len(plan.rows), LONG_LEASE)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._write(plan, findings)
            except OutdatedError:
                self._preview(is_renewed=True)
            except MovedError:
                if attempt == ATTEMPTS:
                    raise
                continue
            return

    def _write(self, plan: Plan, findings: Findings) -> None:
        now = self.office.clock()
        applied = replace(self.upload, state=UploadState.APPLIED, finished_at=now, lease_until=None)
        with self.office.work.writing() as uow:
            # First, so that of two workers only one goes on.
            uow.uploads.save(self.upload, applied)
            kept = Kept(self.upload.id)
            write_plan(uow, plan, self.importing, kept)
            kept.close(uow)
            uow.uploads.forget(self.upload.id, [Kind.FILE])
            counts = {"新增": findings.added, "更改": findings.changed, "不变": findings.unchanged}
            details = {name: str(count) for name, count in (counts | {"跳过": findings.refused}).items()}
            uow.audit.append(asker(findings), Action.ROSTER_APPLIED, self.upload.id, details, now)
            uow.commit()


def _heading_cells(plan: Plan) -> list[str]:
    cells = [""] * (max(plan.headings.places.values()) + 1)
    for column, place in plan.headings.places.items():
        cells[place] = shown(column.value)
    return cells
