"""Reviews (审核): the queue of archive entries, one entry beside what was there before, and the reasons of returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import flash, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.ports import UnitOfWork
from bot.registration.address_hints import Hint, hints_for
from bot.registration.archive import ArchiveStatus, TransferType
from bot.registration.dossier import Dossier
from bot.staff.policy import Act
from bot.staff.reasons import DEFAULTS, Purpose
from bot.staff.review_queue import Filter, Hinted, Place, Waiting, count
from bot.use_cases.keep_reasons import keep_reasons, remove_reason
from bot.use_cases.review_archive import LateError, Outcome, Shown, approve, decide_many, decided, return_with
from bot.use_cases.staff_changes import NotFoundError
from handlers.staff.console import Console
from handlers.staff.review_forms import (
    HINT,
    compared,
    decided_sentence,
    filter_fields,
    late_sentence,
    place_of,
    read_filter,
    read_reasons,
    read_shown,
    result_sentence,
)

PAGE = 15
"""Entries on a page: with the longest addresses and all hints a page still is no load for a phone."""
AHEAD = 10
"""How far on who came second is led: two people who start at the oldest entry would meet at each."""
_MOST_CHOSEN = 100

Answer = str | Response


def add_to(console: Console) -> None:
    """Add the review room (审核)."""
    room = _Room(console)
    console.page("/reviews", Act.REVIEW)(room.reviews)
    console.page("/reviews", Act.REVIEW, ("POST",))(room.decide_reviews)
    console.page("/reviews/reasons", Act.REVIEW)(room.review_reasons)
    console.page("/reviews/reasons", Act.REVIEW, ("POST",))(room.change_review_reasons)
    console.page("/reviews/<string(length=32):dossier_id>", Act.REVIEW)(room.review)
    console.page("/reviews/<string(length=32):dossier_id>", Act.REVIEW, ("POST",))(room.decide_review)


@dataclass(frozen=True, slots=True)
class _Room:
    """The pages of the room; each is registered with the act it needs."""

    console: Console

    # -- the queue -------------------------------------------------------------------------------------

    def reviews(self) -> str:
        """Show the queue, oldest first."""
        return self._queue()

    def decide_reviews(self) -> Answer:
        """Approve or return the chosen entries, and tell the result of each."""
        shown, is_return = read_shown()[:_MOST_CHOSEN], request.form.get("verdict") == "return"
        if not shown:
            return make_response(self._queue("请先勾选要办理的档案信息。"), 400)
        try:
            results = decide_many(self.console.acting, shown, read_reasons() if is_return else None)
        except BadValueError as error:
            return make_response(self._queue(f"{error}。勾选的都还在，请补上原因再退回。"), 400)
        known = self._known([result.dossier_id for result in results])
        told = [
            (known.get(result.dossier_id), result.outcome, result_sentence(result, is_return=is_return))
            for result in results
        ]
        done = sum(result.outcome is Outcome.DONE for result in results)
        back = url_for("staff.reviews", **filter_fields(read_filter(request.form)))
        return self.console.render(
            "staff/reviews_result.html", told=told, done=done, is_return=is_return, back=back, Outcome=Outcome
        )

    def _queue(self, refusal: str = "") -> str:
        wanted, after = read_filter(request.values), request.values.get("after", "")
        place = Place.read(after) if after else None
        with self.console.office.work.reading() as uow:
            season, scope = self.console.season(uow), self.console.actor.scope
            waiting = uow.reviews.waiting(season.id, scope, wanted, place, PAGE + 1)
            counts = uow.reviews.counts(season.id, scope)
            picks = _picks(uow)
        page = waiting[:PAGE]
        return self.console.render(
            "staff/reviews.html",
            entries=[(dossier, hints_for(dossier)) for dossier in page],
            following=place_of(page[-1]) if len(waiting) > PAGE else None,
            after=after,
            fields=filter_fields(wanted),
            total=count(counts, wanted),
            choices=_choices(counts, wanted),
            picks=picks,
            refusal=refusal,
            form=request.form,
            chosen={shown.dossier_id for shown in read_shown()},
        )

    # -- one entry -------------------------------------------------------------------------------------

    def review(self, dossier_id: str) -> str:
        """Show one entry beside what was there before."""
        return self._entry(dossier_id)

    def decide_review(self, dossier_id: str) -> Answer:
        """Decide one entry and open the next."""
        office, form = self.console.acting, request.form
        shown, verdict = Shown(dossier_id, form.get("digest", "")), form.get("verdict", "")
        skipped = 0
        try:
            if verdict == "approve":
                dossier = approve(office, shown)
                flash("已通过，毕业生会收到通知。")
            else:
                dossier = return_with(office, shown, _reason(verdict))
                flash("已退回，毕业生会收到原因。")
                self._keep(form.get("reason", ""))
        except BadValueError as error:
            return make_response(self._entry(dossier_id, f"{error}。"), 400)
        except LateError as late:
            if late.decided is None:
                return make_response(self._entry(dossier_id, late_sentence(None)), 409)
            flash(late_sentence(late.decided))
            dossier, skipped = self._own(dossier_id), 0 if late.decided.is_own else AHEAD
        return redirect(self._next(dossier, skipped))

    def _entry(self, dossier_id: str, refusal: str = "") -> str:
        dossier, wanted = self._own(dossier_id), read_filter(request.values)
        place = place_of(dossier)
        with self.console.office.work.reading() as uow:
            season, scope = self.console.season(uow), self.console.actor.scope
            earlier = place and uow.reviews.previous_id(season.id, scope, wanted, place)
            later = place and uow.reviews.next_id(season.id, scope, wanted, place)
            total = count(uow.reviews.counts(season.id, scope), wanted)
            picks = _picks(uow)
        is_waiting = dossier.archive.status is ArchiveStatus.SUBMITTED
        done = None if is_waiting else decided(self.console.acting, dossier)
        return self.console.render(
            "staff/reviews_entry.html",
            dossier=dossier,
            said="" if is_waiting else decided_sentence(done),
            rows=compared(dossier),
            hints=hints_for(dossier),
            earlier=earlier,
            later=later,
            total=total,
            picks=picks,
            fields=filter_fields(wanted),
            refusal=refusal,
            form=request.form,
            HINT=HINT,
        )

    def _keep(self, typed: str) -> None:
        """Keep the reason typed, if that was ticked; the return stands whether or not the list has room."""
        if not (request.form.get("keep") and typed.strip()):
            return
        try:
            keep_reasons(self.console.acting, Purpose.ARCHIVE, typed)
        except BadValueError as error:
            flash(f"理由没有存为模板：{error}。")

    def _own(self, dossier_id: str) -> Dossier:
        known = self._known([dossier_id])
        if not known:
            raise NotFoundError("没有找到这名毕业生，或者不在您的可见范围")
        return known[dossier_id]

    def _known(self, dossier_ids: Sequence[str]) -> Mapping[str, Dossier]:
        with self.console.office.work.reading() as uow:
            return uow.reviews.entries(dossier_ids, self.console.season(uow).id, self.console.actor.scope)

    def _next(self, dossier: Dossier, skipped: int) -> str:
        """Return where to go after an entry: to the next of the same filter, or to the queue when none is left."""
        wanted, place = read_filter(request.form), place_of(dossier)
        with self.console.office.work.reading() as uow:
            season = self.console.season(uow)
            scope = self.console.actor.scope
            following = place and uow.reviews.next_id(season.id, scope, wanted, place, skipped)
        if following:
            return url_for("staff.review", dossier_id=following, **filter_fields(wanted))
        return url_for("staff.reviews", **filter_fields(wanted))

    # -- reasons ---------------------------------------------------------------------------------------

    def review_reasons(self) -> str:
        """Show the reasons kept as templates."""
        return self._reasons()

    def change_review_reasons(self) -> Answer:
        """Keep a reason, take over the usual ones, or remove one."""
        office, form = self.console.acting, request.form
        try:
            if form.get("remove"):
                remove_reason(office, form["remove"])
                flash("已删除这条理由，以前退回时写的不受影响。")
            elif form.get("offered"):
                keep_reasons(office, Purpose.ARCHIVE, *form.getlist("offered"))
                flash("已存为模板。")
            else:
                is_new = keep_reasons(office, Purpose.ARCHIVE, form.get("text", ""))
                flash("已存为模板。" if is_new else "这条理由已经在列表里了。")
        except BadValueError as error:
            return make_response(self._reasons(f"{error}。"), 400)
        return redirect(url_for("staff.review_reasons"))

    def _reasons(self, refusal: str = "") -> str:
        with self.console.office.work.reading() as uow:
            kept = uow.reasons.of(Purpose.ARCHIVE)
        known = {template.text for template in kept}
        offered = [text for text in DEFAULTS[Purpose.ARCHIVE] if text not in known]
        return self.console.render(
            "staff/reviews_reasons.html", kept=kept, offered=offered, refusal=refusal, form=request.form
        )


def _picks(uow: UnitOfWork) -> Sequence[str]:
    """Return the reasons to pick from: those kept, or the usual ones while there is none."""
    return [template.text for template in uow.reasons.of(Purpose.ARCHIVE)] or DEFAULTS[Purpose.ARCHIVE]


def _reason(verdict: str) -> str:
    """Return the reason of a return: the hints whose button was tapped, or what was picked and typed."""
    if not verdict.startswith(HINT):
        return read_reasons()
    named = (Hint.__members__.get(name) for name in verdict.removeprefix(HINT).split("+"))
    return "；".join(hint.value for hint in named if hint)


def _choices(counts: Sequence[Waiting], wanted: Filter) -> dict[str, list[tuple[str, str, int]]]:
    """Return what each filter offers: value, label, and how many there would be."""
    colleges = dict.fromkeys([*(waiting.college for waiting in counts), *([wanted.college] if wanted.college else [])])

    def number(college: str | None, transfer: TransferType | None, hinted: Hinted | None) -> int:
        return count(counts, Filter(college, transfer, hinted))

    return {
        "college": [(name, name, number(name, wanted.transfer, wanted.hinted)) for name in colleges],
        "type": [(kind.name, kind.value, number(wanted.college, kind, wanted.hinted)) for kind in TransferType],
        "hints": [
            (kind.value, label, number(wanted.college, wanted.transfer, kind))
            for kind, label in ((Hinted.WITH, "有提示"), (Hinted.WITHOUT, "没有提示"))
        ],
    }
