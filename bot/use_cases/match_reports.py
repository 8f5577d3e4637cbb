"""Match reports (回执匹配): put down what the platform tells as it comes, and find out later what it is about.

A report may come before our own note of the message it is about, twice, or about a send whose answer was lost. So
the webhook only writes it into the inbox, and this takes them from there in sets: no query for each.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.errors import MovedError
from bot.notices.delivery import Delivery, DeliveryState
from bot.notices.mass import counted
from bot.notices.ports import Move
from bot.notices.report import Consent, Report
from bot.ports import Clock, UnitOfWork, Work

MOST = 200
"""How many reports one transaction matches: a few milliseconds, so that nobody waits for SQLite's one writer."""

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where reports are put down (回执收件箱).

    Attributes:
        work: opens units of work.
        clock: the present moment.
        template_id: the form of our subscription notices (订阅通知模板), or ""; other consents are none of ours.
    """

    work: Work
    clock: Clock
    template_id: str = ""


def note_reports(inbox: Inbox, reports: Sequence[Report], consents: Sequence[Consent]) -> None:
    """Write down what the platform told (收下回执): one INSERT for each report, and nothing is looked up.

    Raises:
        QuxiangError: nothing was stored; the platform should tell it again.
    """
    ours = [consent for consent in consents if inbox.template_id and consent.template_id == inbox.template_id]
    if not reports and not ours:
        return
    now = inbox.clock()
    with inbox.work.writing() as uow:
        for report in reports:
            uow.reports.add(report, now)
        for consent in ours:
            uow.subscriptions.note(consent, now)
        uow.commit()


def match_reports(work: Work, clock: Clock, most: int = MOST) -> int:
    """Look at reports that are due (匹配回执), oldest first, and return at how many; call again at once after ``most``.

    Safe in any number of processes: each takes what no other is looking at.
    """
    for _ in range(ATTEMPTS):
        now = clock()
        try:
            with work.writing() as uow:
                reports = uow.reports.to_match(now, most)
                if reports:
                    _Matching(uow, now).do(reports)
                    uow.commit()
                return len(reports)
        except MovedError:
            continue
    return 0  # somebody else is busy with the same deliveries; the reports stay due


def match_all(work: Work, clock: Clock) -> int:
    """Do ``match_reports`` until none is due (匹配全部): after a broadcast thousands come within a minute."""
    done = some = match_reports(work, clock)
    while some == MOST:
        some = match_reports(work, clock)
        done += some
    return done


@dataclass(slots=True)
class _Matching:
    """One transaction's work: what was found, by report key."""

    uow: UnitOfWork
    now: datetime
    matched: dict[str, str] = field(default_factory=dict)

    def do(self, reports: Sequence[Report]) -> None:
        personal = [report for report in reports if not report.is_of_batch]
        if personal:
            self._guess(self._by_message(personal))
        for report in reports:
            if report.is_of_batch:
                self._of_batch(report)
        if self.matched:
            self.uow.reports.settle(self.matched)
        self._put_off([report for report in reports if report.key not in self.matched])

    def _by_message(self, reports: Sequence[Report]) -> Sequence[Report]:
        """Do those whose identifier is noted; return those whose is not."""
        found = self.uow.reports.about(reports)
        moves: dict[str, Move] = {}
        for report in reports:
            if (delivery := found.get(report.key)) is None:
                continue
            move = moves.get(delivery.id, Move(delivery, delivery))
            if (new := report.told(move.new)) is not None:
                moves[delivery.id] = Move(move.old, new)
                self.matched[report.key] = delivery.id
        self.uow.reports.apply([move for move in moves.values() if move.old != move.new])
        return [report for report in reports if report.key not in found]

    def _guess(self, reports: Sequence[Report]) -> None:
        """Do those whose send got no answer: by account and time, where only one delivery can be meant."""
        waiting = [report for report in reports if report.may_be_guessed(self.now)]
        if not waiting:
            return
        candidates: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in self.uow.reports.unnamed(waiting):
            candidates[delivery.openid].append(delivery)
        meant: dict[str, list[tuple[Report, Delivery]]] = defaultdict(list)
        for report in waiting:
            if (one := report.only_one(candidates[report.openid])) is not None:
                meant[one.id].append((report, one))
        for pairs in meant.values():
            # Two messages cannot be one delivery, and nobody can tell which of them it is.
            if len({report.message_id for report, _ in pairs}) == 1:
                self._recognise(*pairs[0], [report.key for report, _ in pairs])

    def _recognise(self, report: Report, delivery: Delivery, keys: Sequence[str]) -> None:
        new = report.told(delivery)
        if new is None:
            return
        if self.uow.reports.recognise(Move(delivery, replace(new, message_id=report.message_id))):
            self.matched |= dict.fromkeys(keys, delivery.id)

    def _of_batch(self, report: Report) -> None:
        batch = self.uow.batches.by_message(report.message_id)
        if batch is None or batch.state in {DeliveryState.QUEUED, DeliveryState.LEASED}:
            return
        new = counted(batch, report)
        if new == batch or self.uow.batches.move(batch, new):
            self.matched[report.key] = batch.id

    def _put_off(self, reports: Sequence[Report]) -> None:
        looks: dict[datetime | None, list[str]] = defaultdict(list)
        for report in reports:
            looks[report.next_look(self.now)].append(report.key)
        for until, keys in looks.items():
            self.uow.reports.put_off(keys, until)
