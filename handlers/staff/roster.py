"""The room of rosters (名册): upload, preview, write, undo. What takes long is the worker's; here one decides."""

from dataclasses import dataclass
from math import ceil

from flask import Response, abort, flash, jsonify, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.errors import BadValueError
from bot.staff.policy import Act
from bot.staff.uploads import LISTS, MOST_BYTES, MOST_ROWS, Findings, Kind, Upload, UploadState, page_size
from bot.use_cases import roster_uploads
from handlers.public_pages import HEADERS
from handlers.staff.console import Console
from handlers.staff.exports import Sheet, sent

PREFIX = "/roster"
_POLICY = f"{HEADERS['Content-Security-Policy']}; connect-src 'self'"
"""The page asks its own address how far the work is."""
REASONS = "问题说明"
_LABELS = {
    Kind.REFUSED: "问题",
    Kind.CHANGED: "更改",
    Kind.ADDED: "新增",
    Kind.MISSING: "缺少",
    Kind.LEFT: "没有动",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One list on a page (清单)."""

    kind: Kind
    label: str
    count: int


def add_to(console: Console) -> None:
    """Add the pages of rosters (名册)."""
    _add_uploading(console)
    _add_looking(console)
    _add_deciding(console)


def _add_uploading(console: Console) -> None:
    @console.page(PREFIX, Act.IMPORT)
    def roster() -> str:
        return _front(console)

    @console.page(PREFIX, Act.IMPORT, ("POST",))
    def upload_roster() -> str | AnyResponse:
        sent_file = request.files.get("file")
        name = (sent_file.filename or "") if sent_file else ""
        content = sent_file.stream.read(MOST_BYTES + 1) if sent_file else b""
        try:
            upload = roster_uploads.upload_roster(console.acting, name, content)
        except BadValueError as error:
            return make_response(_front(console, str(error)), 400)
        return redirect(url_for("staff.roster_upload", upload_id=upload.id), 303)


def _front(console: Console, refusal: str = "") -> str:
    uploads = roster_uploads.recent_uploads(console.acting)
    with console.office.work.reading() as uow:
        names = {account.id: account.name for account in uow.accounts.all()}
        season = console.season(uow)
    return console.render(
        "staff/roster.html",
        uploads=uploads,
        names=names,
        season=season,
        refusal=refusal,
        most=MOST_BYTES // 2**20,
        most_rows=MOST_ROWS,
        States=UploadState,
    )


def _add_looking(console: Console) -> None:
    @console.page(f"{PREFIX}/<upload_id>", Act.IMPORT)
    def roster_upload(upload_id: str) -> Response:
        return _page(console, roster_uploads.find_upload(console.acting, upload_id), "")

    @console.page(f"{PREFIX}/<upload_id>/list/<kind>", Act.IMPORT)
    def roster_list(upload_id: str, kind: str) -> Response:
        return _page(console, roster_uploads.find_upload(console.acting, upload_id), kind)

    @console.page(f"{PREFIX}/<upload_id>/progress", Act.IMPORT)
    def roster_progress(upload_id: str) -> Response:
        upload = roster_uploads.find_upload(console.acting, upload_id)
        return jsonify(seen=upload.rows_seen, total=upload.rows_total, is_work=upload.state.is_work)

    @console.page(f"{PREFIX}/<upload_id>/refused", Act.IMPORT, ("POST",))
    def roster_refused(upload_id: str) -> AnyResponse:
        upload = roster_uploads.find_upload(console.acting, upload_id)
        sheet = _mending_sheet(console, upload)
        roster_uploads.note_download(console.acting, upload)
        return sent([sheet], "名册-要改的行", "xlsx")


def _page(console: Console, upload: Upload, kind: str) -> Response:
    findings = upload.findings or Findings()
    lists = [Shown(each, _LABELS[each], findings.count(each)) for each in LISTS if findings.count(each)]
    here = next((shown for shown in lists if shown.kind == kind), None)
    if kind and here is None:
        abort(404)
    here = here or (lists[0] if lists else None)
    pages = ceil(here.count / page_size(here.kind)) if here else 0
    page = min(max(request.args.get("page", 1, int), 1), max(pages, 1))
    rows = roster_uploads.page_of(console.acting, upload, here.kind, page) if here else ()
    body = console.render(
        "staff/roster_upload.html",
        upload=upload,
        findings=findings,
        lists=lists,
        here=here,
        rows=rows,
        page=page,
        pages=pages,
        unknown=[heading for heading in findings.unknown_headings if heading != REASONS],
        can_undo=upload.can_undo(console.office.clock()),
        is_stuck=_is_stuck(console, upload),
        States=UploadState,
    )
    answer = make_response(body)
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _is_stuck(console: Console, upload: Upload) -> bool:
    """Tell whether nobody works on it although somebody should: the worker may not be running."""
    now = console.office.clock()
    waits = upload.lease_until is None or upload.lease_until < now
    return upload.state.is_work and waits and (now - (upload.finished_at or upload.created_at)).total_seconds() > 60


def _mending_sheet(console: Console, upload: Upload) -> Sheet:
    """Return the refused rows as they were, each with what is wrong (要改的行)."""
    reasons: dict[int, list[str]] = {}
    for row, cell, heading, reason in roster_uploads.all_of(console.acting, upload, Kind.REFUSED):
        reasons.setdefault(row, []).append(f"{cell} {heading}：{reason}")
    kept: dict[int, list[str]] = dict(map(tuple, roster_uploads.all_of(console.acting, upload, Kind.CELLS)))
    if not kept:
        abort(404)
    heads = kept.pop(0)
    width = max(len(heads), *(len(cells) for cells in kept.values()), 0)
    rows = [
        [*cells, *[""] * (width - len(cells)), "；".join(reasons.get(row, ()))] for row, cells in sorted(kept.items())
    ]
    return Sheet("要改的行", [*heads, *[""] * (width - len(heads)), REASONS], rows)


def _add_deciding(console: Console) -> None:
    @console.page(f"{PREFIX}/<upload_id>/apply", Act.IMPORT, ("POST",))
    def roster_apply(upload_id: str) -> AnyResponse:
        roster_uploads.ask_to_apply(console.acting, upload_id, good_only=request.form.get("only") == "good")
        return redirect(url_for("staff.roster_upload", upload_id=upload_id), 303)

    @console.page(f"{PREFIX}/<upload_id>/undo", Act.IMPORT, ("POST",))
    def roster_undo(upload_id: str) -> AnyResponse:
        roster_uploads.ask_to_undo(console.acting, upload_id)
        return redirect(url_for("staff.roster_upload", upload_id=upload_id), 303)

    @console.page(f"{PREFIX}/<upload_id>/drop", Act.IMPORT, ("POST",))
    def roster_drop(upload_id: str) -> AnyResponse:
        roster_uploads.drop_upload(console.acting, upload_id)
        flash("这次上传已放弃，文件已经删除，没有写入任何内容。")
        return redirect(url_for("staff.roster"), 303)
