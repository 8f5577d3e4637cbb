"""The undo of an import (撤销导入): what is kept when it is written, and how it is put back."""

from collections.abc import Sequence
from dataclasses import replace

from bot.errors import MovedError
from bot.ports import UnitOfWork
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.roster.ledger import Ledger, pack, unpack
from bot.staff.deed import Action
from bot.staff.policy import Actor, Role
from bot.staff.uploads import Findings, Kind, Upload, UploadState
from bot.use_cases.staff_changes import Office
from bot.use_cases.tell import Teller, news

ATTEMPTS = 3
"""How often a transaction is tried that others got into."""

_PIECE = 256 * 2**10


def undo(office: Office, season: Season, upload: Upload) -> None:
    """Undo an import in one transaction (撤销导入); ``upload`` is claimed by this worker.

    Raises:
        MovedError: somebody kept changing the same dossiers, or another worker has the upload.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _restore(office, season, upload)
        except MovedError:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def _restore(office: Office, season: Season, upload: Upload) -> None:
    now, findings = office.clock(), upload.findings or Findings()
    teller = Teller(season, now, office.links, office.new_id)
    restored, removed, left = 0, 0, Ledger()
    with office.work.writing() as uow:
        # First, so that of two workers only one goes on, and nothing is restored twice.
        claimed = uow.uploads.save(upload, upload)
        for data in uow.uploads.pieces(upload.id, Kind.UNDO):
            done = uow.restoring.restore(unpack(data))
            restored, removed = restored + done.restored, removed + done.removed
            for one in done.left:
                left.add(one)
            _tell(uow, upload.id, done.told, teller)
        left.close()
        sizes = {**findings.sizes, Kind.LEFT.value: tuple(piece.size for piece in left.pieces)}
        told = replace(findings, restored=restored, removed=removed, left=sum(sizes[Kind.LEFT]), sizes=sizes)
        undone = replace(claimed, state=UploadState.UNDONE, findings=told, finished_at=now, lease_until=None)
        uow.uploads.save(claimed, undone)
        uow.uploads.forget(upload.id, [Kind.UNDO])
        uow.uploads.add_pieces(upload.id, Kind.LEFT, [piece.data for piece in left.pieces])
        details = {"恢复": str(restored), "删除": str(removed), "保留不动": str(told.left)}
        uow.audit.append(asker(findings), Action.ROSTER_UNDONE, upload.id, details, now)
        uow.commit()


def _tell(uow: UnitOfWork, upload_id: str, dossier_ids: Sequence[str], teller: Teller) -> None:
    """Tell those who had heard of the change that it was taken back."""
    for dossier_id in dossier_ids:
        dossier = uow.registry.by_id(dossier_id)
        if dossier is not None:
            teller.tell(uow, dossier, "import_undone", f"import_undone:{upload_id}:{dossier_id}")


class Kept:
    """Keeps what an undo needs in pieces beside the upload; fits ``Keeper``."""

    def __init__(self, upload_id: str) -> None:
        self._upload_id = upload_id
        self._lines: list[str] = []
        self._length = 0
        self._ordinal = 0

    def before_change(self, uow: UnitOfWork, pairs: Sequence[tuple[Dossier, Dossier]]) -> None:
        """Keep the rows of dossiers that are about to change."""
        told = {old.id: new.openid is not None and bool(news(old, new)) for old, new in pairs}
        for line in uow.restoring.keep(told):
            self._add(uow, line)

    def added(self, uow: UnitOfWork, dossiers: Sequence[Dossier]) -> None:
        """Note dossiers that are added."""
        for dossier in dossiers:
            self._add(uow, uow.restoring.keep_added(dossier.id))

    def _add(self, uow: UnitOfWork, line: str) -> None:
        self._lines.append(line)
        self._length += len(line)
        if self._length > _PIECE:
            self.close(uow)

    def close(self, uow: UnitOfWork) -> None:
        """Store what waits."""
        if self._lines:
            data = pack(self._lines)
            self._ordinal = uow.uploads.add_pieces(self._upload_id, Kind.UNDO, [data], self._ordinal)
            self._lines, self._length = [], 0


def asker(findings: Findings) -> Actor:
    """Return whoever asked for the work (操作人)."""
    id_, name, role = findings.asked_by
    return Actor(id_, name, Role[role])
