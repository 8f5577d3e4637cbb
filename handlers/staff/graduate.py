"""A graduate's page (毕业生页): all about one person, what stays masked until revealed, and what the office undoes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.registration.dossier import Dossier
from bot.registration.look import Receipt
from bot.registration.season import SHANGHAI
from bot.registration.stage import Stage
from bot.staff.policy import Act
from bot.staff.reveals import Field
from bot.use_cases import release
from bot.use_cases.receive_archive import withdraw_receipt
from bot.use_cases.reveal import LONGEST, SHORTEST, Asked, Reason, reveal
from bot.use_cases.staff_changes import NotFoundError, Office
from handlers.staff.console import Console
from handlers.staff.graduate_showing import Shown, found, moment_of, shown, whose

_LONGEST_REASON = 100
"""Characters of a reason the graduate reads in a message."""
_RULE = "/graduates/<dossier_id>"


@dataclass(frozen=True, slots=True)
class Undoing:
    """What the office can undo (解除一项).

    Attributes:
        name: what the form calls it.
        title: what it is called; explains: what follows from it, in words.
        done: said afterwards.
        do: does it: (office, dossier, id in the form, reason).
    """

    name: str
    title: str
    explains: str
    done: str
    do: Callable[[Office, Dossier, str, str], object]


def _annul(office: Office, dossier: Dossier, verification_id: str, reason: str) -> None:
    verification = next((each for each in dossier.verifications if each.id == verification_id), None)
    if verification is None:
        raise NotFoundError("没有这份核验授权，请返回刷新后再看")
    release.annul_at(office, dossier.id, verification, reason)


def _withdraw(office: Office, dossier: Dossier, receipt_id: str, reason: str) -> None:
    if receipt_id not in {receipt.id for receipt in _receipts(office, dossier)}:
        raise NotFoundError("没有这条接收登记，请返回刷新后再看")
    withdraw_receipt(office, receipt_id, reason)


def _receipts(office: Office, dossier: Dossier) -> tuple[Receipt, ...]:
    with office.work.reading() as uow:
        return tuple(uow.receipts.of([verification.id for verification in dossier.verifications]))


RELEASES = (
    Undoing(
        "unbind",
        "解除微信绑定",
        "这个微信不能再查看和办理，没发出的通知会收回；已登记的内容不变。手机丢了、微信不是本人的时候用，请先核对本人身份。",
        "已解除微信绑定。本人用新微信登录就能接着办。",
        lambda office, dossier, _id, reason: release.unbind_dossier(office, dossier.id, reason),
    ),
    Undoing(
        "unlock",
        "解锁学号",
        "身份证后六位输错太多次被锁的学号，解锁后马上可以再登录。请先核对本人身份。微信号本身被锁的，要等一天或换一个微信。",
        "已解锁，请本人再登录一次。",
        lambda office, dossier, _id, reason: release.unlock_dossier(office, dossier.id, reason),
    ),
)
WITHDRAWALS = (
    Undoing(
        "annul",
        "作废核验",
        "带有这个编号的报告马上不能再用，接收单位会看到“已作废”。不能恢复，毕业生可以重新授权，会收到您写的原因。",
        "已作废，毕业生会收到原因。",
        _annul,
    ),
    Undoing(
        "receipt",
        "撤回接收登记",
        "登记会标为“已撤回”，毕业生会收到您写的原因。请先向单位问清楚。",
        "已撤回，毕业生会收到原因。",
        _withdraw,
    ),
)


def add_to(console: Console) -> None:
    """Add the page of a graduate (毕业生页), the reveal and what the office undoes."""

    @console.page(_RULE, Act.SEE_GRADUATES)
    def graduate(dossier_id: str) -> str:
        return _page(console, dossier_id)

    @console.page(f"{_RULE}/reveal", Act.REVEAL, ("POST",))
    def reveal_fields(dossier_id: str) -> Response:
        _dossier(console, dossier_id)
        form = request.form
        reason = form.get("other", "").strip() or form.get("reason", "")
        try:
            asked = Asked.read(form.getlist("field"), reason, form.get("once", ""))
            revealed = reveal(console.acting, dossier_id, asked)
        except BadValueError as error:
            typed = {"chosen": form.getlist("field"), "reason": form.get("reason"), "other": form.get("other", "")}
            return make_response(_page(console, dossier_id, refusal=str(error), **typed), 400)
        return make_response(console.render("staff/graduate_revealed.html", revealed=revealed, reason=asked.reason))

    @console.page(f"{_RULE}/release", Act.RELEASE, ("POST",))
    def release_graduate(dossier_id: str) -> str | Response:
        return _undo(console, dossier_id, RELEASES)

    @console.page(f"{_RULE}/withdraw", Act.CHANGE_VERIFICATIONS, ("POST",))
    def withdraw(dossier_id: str) -> str | Response:
        return _undo(console, dossier_id, WITHDRAWALS)


def _dossier(console: Console, dossier_id: str) -> Dossier:
    """Return the dossier, or let a NotFoundError become a page: the same one for unknown and for out of scope."""
    with console.office.work.reading() as uow:
        return found(uow, whose(console.season(uow), dossier_id, console.actor.scope))


def _page(console: Console, dossier_id: str, **typed: Any) -> str:  # noqa: ANN401 -- what a form brought along
    before = moment_of(request.args.get("before", ""))
    now = console.office.clock()
    with console.office.work.reading() as uow:
        season = console.season(uow)
        page = shown(uow, season, whose(season, dossier_id, console.actor.scope), now, before)
    return console.render(
        "staff/graduate.html",
        page=page,
        zone=SHANGHAI,
        is_first=before is None,
        reasons=tuple(Reason),
        Field=Field,
        lengths=(SHORTEST, LONGEST),
        once=console.office.new_id(),
        list_url=url_for("staff.graduates") if "graduates" in console.acts else "",
        way=_way(console, page),
        typed=typed,
    )


def _way(console: Console, page: Shown) -> tuple[str, str] | None:
    """Return label and address of where this person can do the next step, or None."""
    correction = page.dossier.correction
    if page.stage is Stage.ARCHIVE_WAITS and _may_enter(console, "review"):
        return "去审核", url_for("staff.review", dossier_id=page.dossier.id)
    if page.stage is Stage.CORRECTING and correction and _may_enter(console, "correction"):
        return "去看更正", url_for("staff.correction", correction_id=correction.id)
    return None


def _may_enter(console: Console, endpoint: str) -> bool:
    act = console.acts.get(endpoint)
    return act is not None and console.actor.may(act)


def _undo(console: Console, dossier_id: str, known: tuple[Undoing, ...]) -> str | Response:
    """Ask for the reason and whether it is really meant, or do it."""
    dossier, form = _dossier(console, dossier_id), request.form
    undoing = next((each for each in known if each.name == form.get("what")), None)
    if undoing is None:
        raise BadValueError("没有这项操作，请返回刷新后再试")
    reason = " ".join(form.get("reason", "").split())
    refusal = ""
    if "sure" in form:
        if SHORTEST <= len(reason) <= _LONGEST_REASON and reason.isprintable():
            undoing.do(console.acting, dossier, form.get("id", ""), reason)
            flash(undoing.done)
            return redirect(url_for("staff.graduate", dossier_id=dossier_id))
        refusal = f"请写明理由，{SHORTEST} 到 {_LONGEST_REASON} 个字"
    page = console.render(
        "staff/graduate_undo.html",
        undoing=undoing,
        dossier=dossier,
        subject=_subject(console, dossier, form.get("id", "")),
        post_to=url_for(request.endpoint or "", dossier_id=dossier_id),
        id=form.get("id", ""),
        reason=form.get("reason", ""),
        refusal=refusal,
        longest=_LONGEST_REASON,
    )
    return make_response(page, 400 if refusal else 200)


def _subject(console: Console, dossier: Dossier, id_: str) -> str:
    """Return what a verification or a receipt of this dossier is called, "" for neither."""
    for verification in dossier.verifications:
        if verification.id == id_:
            return f"{verification.subject.value}核验，编号 {verification.number}"
    receipts = _receipts(console.office, dossier) if id_ else ()
    return next((f"“{receipt.department}”的接收登记" for receipt in receipts if receipt.id == id_), "")
