"""The ruling (更正处理): what staff decided about one error report, judged by the roster's own rules (N11, N15)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import BadValueError
from bot.registration.archive import TransferType
from bot.registration.correction import CorrectionState, Item, Outcome, Verdict
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.roster.columns import ARCHIVE, DESTINATION_DETAILS, REQUIRED, Column, Line, read_headings
from bot.roster.export import to_row
from bot.roster.keeping import keep_absent
from bot.roster.parsing import parse_row
from bot.roster.rows import Fault
from bot.staff.correction_answers import Answer
from bot.staff.correction_sheet import Heading, Slot, slots_of

CLEARED = frozenset(["清空", "（清空）", "(清空)"])
"""What is written to empty a field: an empty cell already means that nothing is to be changed."""

_TOGETHER = (
    (Column.DESTINATION, *DESTINATION_DETAILS),
    (*ARCHIVE, Column.RECEIVING_TYPE),
    (Column.HOUSEHOLD_MOVED, Column.HOUSEHOLD_ADDRESS),
)
# A new value that leaves no room for another one takes it along.
_FOLLOWS = {
    (Column.TRANSFER_TYPE, TransferType.ORIGIN.value): Column.RECEIVING_TYPE,
    (Column.HOUSEHOLD_MOVED, "否"): Column.HOUSEHOLD_ADDRESS,
}


class UnfitError(BadValueError):
    """A report cannot be decided like this (更正无法办理).

    Attributes:
        faults: every reason, with the cell where it stands.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("；".join(f"{fault.heading}：{fault.reason}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a decision makes of a dossier (处理结果).

    Attributes:
        dossier: with the report decided and the data corrected.
        outcomes: what became of each item.
    """

    dossier: Dossier = field(repr=False)
    outcomes: tuple[Outcome, ...]


def rule(dossier: Dossier, answers: Sequence[Answer], season: Season, now: datetime) -> Ruling:
    """Decide the open error report of a dossier (处理一份更正): all its items at once.

    Args:
        dossier: with the report.
        answers: each sound by itself (``faults_of``), all of this report.
        season: the current season.
        now: the present moment.

    Raises:
        UnfitError: an item is missing or contradicts itself, the school's data moved on since the sheet was made, or
            a value is none the roster would take.
        RuleError: the report is decided already.
    """
    slots = {(slot.key.item, slot.key.column): slot for slot in slots_of(dossier)}
    if faults := [*_unmatched(dossier, slots, answers), *_undecided(slots, answers)]:
        raise UnfitError(faults)
    taken = {a.key.column: a for a in answers if a.key.column and a.verdict is Verdict.TAKEN}
    corrected = _corrected(dossier, taken, season, now)
    before, after = to_row(dossier), to_row(corrected)
    same = [a for column, a in taken.items() if before[column] == after[column]]
    if same:
        reason = "和学校现有的一样；不用改的话请选不采纳，并写明理由"
        raise UnfitError([_fault(answer, Heading.RIGHT, reason) for answer in same])
    outcomes = tuple(
        _outcome(item, [a for a in answers if a.key.item is item], _changed(item, slots, before, after))
        for item in _items(slots)
    )
    # Decided first, for the correction closes the report whatever the data does.
    decided = dossier.decide_correction(state_of(outcomes), _answer(outcomes), now, outcomes)
    corrected = _corrected(decided, taken, season, now)
    return Ruling(corrected, outcomes)


def outcomes_between(old: Dossier, new: Dossier) -> tuple[Outcome, ...]:
    """Return what became of each reported item when the data was corrected without a sheet (处理结果)."""
    slots = {(slot.key.item, slot.key.column): slot for slot in slots_of(old)}
    before, after = to_row(old), to_row(new)
    outcomes = []
    for item in _items(slots):
        changes = [change for change in _changed(item, slots, before, after) if change[1] != change[2]]
        was, became = (_lines(item, [(c[0], c[side]) for c in changes]) for side in (1, 2))
        outcomes.append(Outcome(item, Verdict.TAKEN, was, became, "" if changes else "已核对，这一项没有改动"))
    return tuple(outcomes)


def all_refused(dossier: Dossier, reason: str) -> tuple[Outcome, ...]:
    """Return the outcomes of a report that is refused as a whole (全部不采纳)."""
    items = dict.fromkeys(slot.key.item for slot in slots_of(dossier))
    return tuple(Outcome(item, Verdict.REFUSED, reason=reason) for item in items)


def state_of(outcomes: Sequence[Outcome]) -> CorrectionState:
    """Return where a report with these outcomes stands (处理状态): one item taken makes it applied."""
    is_taken = any(outcome.verdict is Verdict.TAKEN for outcome in outcomes)
    return CorrectionState.APPLIED if is_taken else CorrectionState.REFUSED


def _answer(outcomes: Sequence[Outcome]) -> str:
    """Return the words for the graduate; they are stored readable, so no value stands in them."""
    return "；".join(f"{outcome.item.value}：{outcome.reason}" for outcome in outcomes if outcome.reason)


_Slots = Mapping[tuple[Item, Column | None], Slot]


def _items(slots: _Slots) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(item for item, _ in slots))


def _unmatched(dossier: Dossier, slots: _Slots, answers: Sequence[Answer]) -> list[Fault]:
    faults = []
    for answer in answers:
        slot = slots.get((answer.key.item, answer.key.column))
        if slot is None:
            faults.append(_fault(answer, Heading.KEY, "这份更正里没有这一项，请重新下载更正表"))
        elif answer.student_number and answer.student_number != dossier.graduate.student_number:
            faults.append(_fault(answer, Heading.STUDENT_NUMBER, "学号和编号对不上，可能排序时只动了几列；请重新下载"))
        elif slot.key.digest != answer.key.digest:
            faults.append(_fault(answer, Heading.PRESENT, "导出以后学校的数据变过，请重新下载，看过现有内容再填"))
    return faults


def _undecided(slots: _Slots, answers: Sequence[Answer]) -> list[Fault]:
    verdicts: dict[Item, set[Verdict]] = defaultdict(set)
    for answer in answers:
        verdicts[answer.key.item].add(answer.verdict)
    faults = []
    for item in _items(slots):
        if not verdicts[item]:
            reason = f"“{item}”还没有填处理；一份更正的各项要一起办理"
            faults.append(_fault(answers[0], Heading.VERDICT, reason))
        elif len(verdicts[item]) > 1:
            answer = next(a for a in answers if a.key.item is item)
            faults.append(_fault(answer, Heading.VERDICT, f"“{item}”的几行有的采纳、有的不采纳，请改成一致"))
    return faults


def _corrected(dossier: Dossier, taken: Mapping[Column, Answer], season: Season, now: datetime) -> Dossier:
    """Return the dossier with the new values, read as a row of the roster that has only the columns concerned."""
    new = {column: "" if a.right in CLEARED else a.right for column, a in taken.items()}
    if not new:
        return dossier
    for (column, value), follower in _FOLLOWS.items():
        if new.get(column) == value:
            new.setdefault(follower, "")
    columns = dict.fromkeys((*REQUIRED, *(c for part in _TOGETHER if set(part) & set(new) for c in part), *new))
    row = to_row(dossier) | new
    headings = read_headings([column.value for column in columns])
    parsed = parse_row(headings, Line(1, [row[column] for column in columns]), now)
    if parsed.row is None:
        raise UnfitError([_told(fault, taken) for fault in parsed.faults])
    return dossier.with_school_data(keep_absent(parsed.row.data, dossier, headings), season, now)


def _told(fault: Fault, taken: Mapping[Column, Answer]) -> Fault:
    """Return a fault of the roster as one of the sheet: at the cell that was typed, else at the first of the report."""
    own = taken.get(Column(fault.heading))
    if own:
        return _fault(own, Heading.RIGHT, fault.reason)
    return _fault(next(iter(taken.values())), Heading.RIGHT, f"学校现有的“{fault.heading}”也不对：{fault.reason}")


_Change = tuple[Column, str, str]  # column, value before, value after


def _changed(
    item: Item, slots: _Slots, before: Mapping[Column, str], after: Mapping[Column, str]
) -> tuple[_Change, ...]:
    """Return what changes in the columns of an item; for one that stays, what its only column holds."""
    columns = [column for other, column in slots if other is item and column]
    changes = [(column, before[column], after[column]) for column in columns]
    return tuple(c for c in changes if c[1] != c[2]) or tuple(changes if len(changes) == 1 else ())


def _outcome(item: Item, answers: Sequence[Answer], changes: Sequence[_Change]) -> Outcome:
    reason = "；".join(dict.fromkeys(answer.reason for answer in answers if answer.reason))
    verdict = answers[0].verdict
    old = _lines(item, [(column, value) for column, value, _ in changes])
    new = _lines(item, [(column, value) for column, _, value in changes]) if verdict is Verdict.TAKEN else ""
    return Outcome(item, verdict, old, new, reason)


def _lines(item: Item, values: Sequence[tuple[Column, str]]) -> str:
    if len(values) == 1 and values[0][0].value == item.value:
        return values[0][1]
    return "\n".join(f"{column}：{value or '空'}" for column, value in values)


def _fault(answer: Answer, heading: Heading, reason: str) -> Fault:
    return Fault(answer.row, "", heading, reason)
