"""The corrections room (更正): reports by counsellor, the sheet out and in, and every item traced to its change."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, make_response, redirect, request, send_file, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError, QuxiangError
from bot.ports import Reported
from bot.registration.correction import CorrectionState
from bot.registration.graduate import Counsellor
from bot.roster.rows import Fault
from bot.staff.audit import Entry
from bot.staff.correction_answers import Filled, placed
from bot.staff.correction_sheet import SENSITIVE
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.staff.ruling import UnfitError
from bot.use_cases.correct_dossiers import Fate, Judged, carry_out, export, look
from bot.use_cases.reveal import Asked, Reason, reveal
from bot.use_cases.staff_changes import NotFoundError
from handlers.staff import correction_forms as forms
from handlers.staff.console import Console
from handlers.staff.correction_files import MOST_BYTES, one_sheet, read_upload, sheet_for_each

_PAGE = 50
_MOST_SHOWN = 300
"""Rows of a preview that are listed; the others are counted."""
_DECISIONS = {Action.CORRECTION_APPLIED.name, Action.CORRECTION_REFUSED.name}
_MOST_DEEDS = 200


def add_to(console: Console) -> None:
    """Add the pages of the corrections (更正)."""
    _add_list(console)
    _add_report(console)
    _add_upload(console)


def _add_list(console: Console) -> None:
    @console.page("/corrections", Act.SEE_CORRECTIONS)
    def corrections() -> str:
        is_decided = request.args.get("state") == "decided"
        page = max(1, request.args.get("page", 1, int))
        start, scope = (page - 1) * _PAGE, console.actor.scope
        with console.office.work.reading() as uow:
            season = console.season(uow)
            tallies = uow.corrections.tally(season.id, scope)
            if is_decided:
                found = uow.corrections.decided(season.id, scope, start, _PAGE + 1)
            else:
                found = uow.corrections.waiting(season.id, scope, None, start, _PAGE + 1)
        return console.render(
            "staff/corrections.html",
            tallies={(tally.counsellor.staff_number, tally.counsellor.name): tally for tally in tallies},
            total=sum(tally.count for tally in tallies),
            found=found[:_PAGE],
            has_more=len(found) > _PAGE,
            page=page,
            is_decided=is_decided,
        )

    # A download is a form, since it is written down; and the counsellor's name does not belong into an address.
    @console.page("/corrections/sheet", Act.EXPORT, ("POST",))
    def corrections_sheet() -> Response:
        form = request.form
        name = form.get("counsellor", "")
        counsellor = Counsellor(name, staff_number=form.get("staff_number", "")) if name else None
        exported = export(console.acting, counsellor)
        file = sheet_for_each(exported) if form.get("form") == "zip" else one_sheet(exported, counsellor)
        return send_file(io.BytesIO(file.data), file.kind, as_attachment=True, download_name=file.name)


def _add_report(console: Console) -> None:
    @console.page("/corrections/<correction_id>", Act.SEE_CORRECTIONS)
    def correction(correction_id: str) -> str:
        return _report_page(console, _report(console, correction_id))

    @console.page("/corrections/<correction_id>/reveal", Act.REVEAL, ("POST",))
    def reveal_correction(correction_id: str) -> str:
        reported = _report(console, correction_id)
        asked = Asked(
            forms.fields_behind(reported.correction), Reason.CORRECTION.value, request.form.get("once", "")[:64]
        )
        reveal(console.acting, reported.dossier.id, asked)
        return _report_page(console, reported, _Typed(revealed=True))

    @console.page("/corrections/<correction_id>/decide", Act.APPLY_CORRECTIONS, ("POST",))
    def decide_correction(correction_id: str) -> Response | str:
        reported = _report(console, correction_id)
        try:
            answers = forms.answers_typed(request.form, reported.dossier)
        except UnfitError as error:
            return _again(console, reported, error.faults)
        except BadValueError as error:
            return _again(console, reported, (Fault(0, "", "", str(error)),))
        (judged,) = carry_out(console.acting, answers)
        if judged.fate is Fate.UNFIT:
            return _again(console, _report(console, correction_id), judged.faults)
        told = (
            "毕业生会收到通知。" if judged.dossier and judged.dossier.openid else "毕业生还没有绑定微信，请另行告知。"
        )
        flash(f"{judged.fate.value}。{told if judged.fate is Fate.DONE else ''}")
        return redirect(url_for("staff.correction", correction_id=correction_id))


def _add_upload(console: Console) -> None:
    @console.page("/corrections/upload", Act.APPLY_CORRECTIONS)
    def corrections_upload() -> str:
        return console.render("staff/corrections_upload.html", most=MOST_BYTES // 2**20)

    @console.page("/corrections/upload", Act.APPLY_CORRECTIONS, ("POST",))
    def preview_corrections() -> Response | str:
        try:
            filled = read_upload(request.files.get("sheet"))
            sound = tuple(a for a in filled.answers if a.key.correction_id not in filled.spoilt)
            judged = look(console.acting, sound)
            ready = [answer for each in judged if each.fate is Fate.READY for answer in each.answers]
            field = forms.packed(ready) if ready else ""
        except QuxiangError as error:
            page = console.render("staff/corrections_upload.html", most=MOST_BYTES // 2**20, refusal=str(error))
            return make_response(page, 400)
        return console.render("staff/corrections_preview.html", field=field, **_counted(judged, filled))

    @console.page("/corrections/apply", Act.APPLY_CORRECTIONS, ("POST",))
    def apply_corrections() -> str:
        judged = carry_out(console.acting, forms.unpacked(request.form.get("answers", "")))
        return console.render("staff/corrections_done.html", **_counted(judged, Filled((), ())))


@dataclass(frozen=True, slots=True)
class _Typed:
    """What a report's page shows beyond the report."""

    revealed: bool = False
    typed: "dict[str, str] | None" = None
    faults: Sequence[Fault] = ()


def _report(console: Console, correction_id: str) -> Reported:
    with console.office.work.reading() as uow:
        found = uow.corrections.by_ids(console.actor.scope, [correction_id]).get(correction_id)
    if found is None:
        raise NotFoundError("没有这份更正，或者这名毕业生不在您的可见范围")
    return found


def _again(console: Console, reported: Reported, faults: Sequence[Fault]) -> Response:
    """Show the form again with everything typed and what is wrong with it."""
    return make_response(_report_page(console, reported, _Typed(typed=request.form.to_dict(), faults=faults)), 400)


def _report_page(console: Console, reported: Reported, shown: _Typed = _Typed()) -> str:
    dossier, correction = reported
    is_open = correction.state is CorrectionState.OPEN and correction == dossier.correction
    with console.office.work.reading() as uow:
        deeds = uow.audit.of(dossier.id, _MOST_DEEDS) if not is_open else ()
        following = uow.corrections.waiting(dossier.season_id, console.actor.scope, None, 0, 1) if not is_open else ()
    return console.render(
        "staff/correction.html",
        dossier=dossier,
        correction=correction,
        is_open=is_open,
        parts=forms.parts_of(dossier, revealed=shown.revealed, typed=shown.typed, faults=shown.faults)
        if is_open
        else (),
        trace=forms.traced(correction, revealed=shown.revealed),
        decided_by=_decider(deeds, reported),
        following=next(iter(following), None),
        revealed=shown.revealed,
        hides=any(item in SENSITIVE for item, _ in correction.items) and dossier.correction == correction,
        once=console.office.new_id(),
        faults=[fault.reason for fault in shown.faults if fault.row == 0],
        is_faulty=bool(shown.faults),
    )


def _decider(deeds: Sequence[Entry], reported: Reported) -> Entry | None:
    """Return the entry of the audit log for the decision: the one of the same moment."""
    at = reported.correction.decided_at
    return next((entry for entry in deeds if entry.action in _DECISIONS and entry.at == at), None)


def _counted(judged: Sequence[Judged], filled: Filled) -> dict[str, object]:
    """Return what preview and result show: faults first, then what was or will be done, then what was done before."""
    good = [each for each in judged if each.fate in {Fate.READY, Fate.DONE}]
    faults = [(None, fault) for fault in filled.faults]
    faults += [
        (each.dossier, placed(fault, filled.letters))  # type: ignore[misc]  # the dossier of an unknown report is None
        for each in judged
        if each.fate in {Fate.UNFIT, Fate.UNKNOWN}
        for fault in each.faults
    ]
    rows = [(each.dossier, each.correction, row) for each in good for row in _shown(each)]
    return {
        "rows": rows[:_MOST_SHOWN],
        "unlisted": max(0, len(rows) - _MOST_SHOWN),
        "faults": faults[:_MOST_SHOWN],
        "more_faults": max(0, len(faults) - _MOST_SHOWN),
        "count": len(good),
        "items": len(rows),
        "unfit": len({each.answers[0].key.correction_id for each in judged if each.faults} | filled.spoilt),
        "already": sum(each.fate is Fate.ALREADY for each in judged),
        "blank": filled.blank,
        "untold": sum(each.dossier is not None and each.dossier.openid is None for each in good),
    }


def _shown(judged: Judged) -> list[forms.Traced]:
    """Return the items with words and new value; what the school had stays hidden where it is sensitive."""
    if judged.correction is None:
        return []
    words = dict(judged.correction.items)
    return [
        forms.Traced(
            outcome.item,
            words.get(outcome.item, ""),
            outcome,
            forms.lines_shown(outcome.item, outcome.before, revealed=False),
            outcome.after,
        )
        for outcome in judged.outcomes
    ]
