"""The uploads of rosters (名册上传), as staff ask for them: upload, drop, write, undo, look at the lists.

What takes long is done by the worker (``bot.use_cases.roster_work``); here it is only asked for, by a change of state
that nobody can make twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.errors import BadValueError, MovedError
from bot.ports import UnitOfWork
from bot.registration.season import Season
from bot.roster.ledger import Entry, unpack
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.staff.uploads import LISTS, MOST_BYTES, PIECE, Findings, Kind, Upload, UploadState, page_size
from bot.use_cases.staff_changes import NotFoundError, Office

MOST_NAME = 120
MOST_SHOWN = 20
_Step = Callable[[Upload, Findings], UploadState]
_SUFFIXES = (".xlsx", ".xls", ".csv", ".txt", ".tsv")


def upload_roster(office: Office, file_name: str, content: bytes) -> Upload:
    """Store a file for the worker to look at (上传名册).

    Raises:
        ForbiddenError: the role does not allow it.
        BadValueError: no file, empty, or too large.
        NotFoundError: there is no season.
    """
    office.by.demand(Act.IMPORT)
    _demand_fit(file_name, content)
    now = office.clock()
    pieces = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
    with office.work.writing() as uow:
        season = _season(uow)
        upload = Upload(
            id=office.new_id(),
            season_id=season.id,
            staff_id=office.by.id,
            file_name=file_name[-MOST_NAME:],
            size=len(content),
            state=UploadState.LOOKING,
            created_at=now,
            findings=Findings(asked_by=_asked_by(office)),
        )
        uow.uploads.add(upload)
        uow.uploads.add_pieces(upload.id, Kind.FILE, pieces)
        uow.audit.append(office.by, Action.ROSTER_UPLOADED, upload.id, {"字节数": str(len(content))}, now)
        uow.commit()
    return upload


def _demand_fit(file_name: str, content: bytes) -> None:
    if not file_name:
        raise BadValueError("还没有选择文件")
    if not content:
        raise BadValueError("文件是空的；请在表格软件里打开看看，保存后再上传")
    if len(content) > MOST_BYTES:
        raise BadValueError(f"文件超过 {MOST_BYTES // 2**20} MB；请删去多余的工作表和图片，或按学院拆分后上传")
    if not file_name.lower().endswith(_SUFFIXES):
        raise BadValueError("请上传 xlsx、xls 或 csv 文件；别的表格请先另存为 xlsx")


def recent_uploads(office: Office) -> Sequence[Upload]:
    """Return the newest uploads of the season (最近上传)."""
    office.by.demand(Act.IMPORT)
    with office.work.reading() as uow:
        return uow.uploads.newest(_season(uow).id, MOST_SHOWN)


def find_upload(office: Office, upload_id: str) -> Upload:
    """Return an upload of the current season.

    Raises:
        NotFoundError: there is none.
    """
    office.by.demand(Act.IMPORT)
    with office.work.reading() as uow:
        return _found(uow, upload_id)


def page_of(office: Office, upload: Upload, kind: Kind, page: int) -> Sequence[Entry]:
    """Return one page of a list (清单一页), pages from 1; nothing beyond the last."""
    office.by.demand(Act.IMPORT)
    return _lines(office, upload, kind, (page - 1) * page_size(kind), page_size(kind)) if kind in LISTS else ()


def all_of(office: Office, upload: Upload, kind: Kind) -> Sequence[Entry]:
    """Return a list as a whole (整个清单): the refused rows, of which there are never many."""
    office.by.demand(Act.IMPORT)
    with office.work.reading() as uow:
        return [entry for data in uow.uploads.pieces(upload.id, kind) for entry in unpack(data)]


def note_download(office: Office, upload: Upload) -> None:
    """Write down that the refused rows were downloaded (下载问题行)."""
    office.by.demand(Act.IMPORT)
    rows = str(upload.findings.refused if upload.findings else 0)
    with office.work.writing() as uow:
        details = {"内容": "名册中有问题的行", "行数": rows}
        uow.audit.append(office.by, Action.ROSTER_EXPORTED, upload.id, details, office.clock())
        uow.commit()


def _lines(office: Office, upload: Upload, kind: Kind, start: int, most: int) -> Sequence[Entry]:
    """Return some lines of a list; only the pieces they stand in are read."""
    sizes = upload.findings.sizes.get(kind, ()) if upload.findings else ()
    found: list[Entry] = []
    with office.work.reading() as uow:
        for ordinal, size in enumerate(sizes):
            if start < size and len(found) < most:
                data = uow.uploads.piece(upload.id, kind, ordinal)
                found += unpack(data)[max(start, 0) : start + most] if data else ()
            start -= size
            if start + most <= 0:
                break
    return found[:most]


def ask_to_apply(office: Office, upload_id: str, *, good_only: bool) -> Upload:
    """Ask the worker to write what the preview showed (写入名册), as a whole or the good rows only.

    Raises:
        BadValueError: nothing to write, or rows are refused and the good ones were not asked for alone.
        MovedError: somebody else has decided meanwhile.
    """

    def step(upload: Upload, findings: Findings) -> UploadState:
        _demand_state(upload, UploadState.READY)
        if findings.refused and not good_only:
            raise BadValueError("还有不能用的行：请先改好文件重新上传，或者选“只写入没有问题的行”")
        if not findings.added and not findings.changed:
            raise BadValueError("这个文件没有要写入的内容")
        return UploadState.APPLYING_GOOD if findings.refused else UploadState.APPLYING

    return _ask(office, upload_id, step)


def ask_to_undo(office: Office, upload_id: str) -> Upload:
    """Ask the worker to undo an import (撤销导入).

    Raises:
        BadValueError: it is too late.
        MovedError: somebody else has decided meanwhile.
    """

    def step(upload: Upload, _: Findings) -> UploadState:
        _demand_state(upload, UploadState.APPLIED)
        if not upload.can_undo(office.clock()):
            raise BadValueError("写入已超过 30 天，不能撤销了；需要改回去的话，请导入一份正确的名册")
        return UploadState.UNDOING

    return _ask(office, upload_id, step)


def drop_upload(office: Office, upload_id: str) -> None:
    """Give an upload up (放弃上传); the file and its lists are deleted at once.

    Raises:
        MovedError: it is written or being written already.
    """
    office.by.demand(Act.IMPORT)
    now = office.clock()
    with office.work.writing() as uow:
        upload = _found(uow, upload_id)
        if upload.state not in {UploadState.LOOKING, UploadState.READY, UploadState.REFUSED}:
            raise MovedError("the upload is decided already")
        uow.uploads.save(
            upload, replace(upload, state=UploadState.DROPPED, findings=None, lease_until=None, finished_at=now)
        )
        uow.uploads.forget(upload.id, Kind)
        uow.audit.append(office.by, Action.ROSTER_DROPPED, upload.id, {}, now)
        uow.commit()


def _ask(office: Office, upload_id: str, step: _Step) -> Upload:
    office.by.demand(Act.IMPORT)
    with office.work.writing() as uow:
        upload = _found(uow, upload_id)
        findings = upload.findings or Findings()
        state = step(upload, findings)
        asked = replace(findings, is_renewed=False, asked_by=_asked_by(office))
        new = replace(upload, state=state, findings=asked, rows_seen=0, lease_until=None)
        saved = uow.uploads.save(upload, new)
        uow.commit()
    return saved


def _demand_state(upload: Upload, state: UploadState) -> None:
    if upload.state is not state:
        raise MovedError("the upload is in another state")


def _found(uow: UnitOfWork, upload_id: str) -> Upload:
    upload = uow.uploads.by_id(upload_id)
    if upload is None or upload.season_id != _season(uow).id:
        raise NotFoundError("没有这次上传，或者它属于以前的届别")
    return upload


def _season(uow: UnitOfWork) -> Season:
    season = uow.seasons.current()
    if season is None:
        raise NotFoundError("还没有届别，请管理员先建立")
    return season


def _asked_by(office: Office) -> tuple[str, str, str]:
    return office.by.id, office.by.name, office.by.role.name
