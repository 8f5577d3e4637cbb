"""The answers (填好的更正表): the rows of a sheet that came back, and what is wrong with their cells."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bot.errors import BadValueError
from bot.registration.correction import Verdict
from bot.roster.cells import Cell, date_of, text_of
from bot.roster.columns import Column, Headings, Line
from bot.roster.rows import Fault
from bot.staff.correction_sheet import Heading, Key

LONGEST = 200
"""Characters of a reason; the graduate reads it in a chat."""

MOST_DECIDED = 2000
"""Rows one upload may decide."""

_TITLE_LINES = 6


@dataclass(frozen=True, slots=True)
class Answer:
    """A row as it came back (填好的一行); from a form of the console, the number is 0.

    Attributes:
        row: line number in the file.
        key: see Key.
        student_number: as the row says; "" from a form.
        verdict: taken or refused.
        right: the new value; "" where there is none.
        reason: why it is refused, the answer in words, or a note.
    """

    row: int
    key: Key
    student_number: str = field(repr=False)
    verdict: Verdict
    right: str = field(default="", repr=False)
    reason: str = field(default="", repr=False)


Letters = Mapping[Heading, str]
"""Where the columns of a file stand (列标), so that a fault names the cell."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What came back (读回的更正表).

    Attributes:
        answers: rows that decide something.
        faults: cells that cannot be taken.
        blank: how many rows decide nothing.
        letters: where the columns stand.
        spoilt: reports with a faulty row; they are not decided at all.
    """

    answers: tuple[Answer, ...]
    faults: tuple[Fault, ...]
    blank: int = 0
    letters: Letters = field(default_factory=dict)
    spoilt: frozenset[str] = frozenset()


def read_sheet(lines: Iterable[Line]) -> Filled:
    """Read the rows of a sheet that came back (读回更正表).

    Raises:
        BadValueError: it is no correction sheet, or decides too much at once.
    """
    rest = iter(lines)
    places = _headings(rest)
    letters = {heading: _letter(place) for heading, place in places.items()}
    answers: list[Answer] = []
    faults: list[Fault] = []
    spoilt: set[str] = set()
    seen: set[str] = set()
    blank = 0
    for line in rest:
        reader = _Row(line, places)
        answer = reader.answer(seen)
        faults += (placed(fault, letters) for fault in reader.faults)
        if reader.faults and reader.report:
            spoilt.add(reader.report)
        if answer:
            answers.append(answer)
        elif not reader.faults:
            blank += 1
    if len(answers) > MOST_DECIDED:
        raise BadValueError(f"一次最多处理 {MOST_DECIDED:,} 行，请把表分成几份上传")
    return Filled(tuple(answers), tuple(faults), blank, letters, frozenset(spoilt))


def _headings(lines: Iterator[Line]) -> dict[Heading, int]:
    known = {heading.value: heading for heading in Heading}
    for _ in range(_TITLE_LINES):
        line = next(lines, None)
        if line is None:
            break
        texts = [cell.strip() if isinstance(cell, str) else "" for cell in line.cells]
        places = {known[text]: place for place, text in enumerate(texts) if text in known}
        if Heading.KEY in places:
            if missing := [h for h in Heading if h not in places and h is not Heading.COUNSELLOR]:
                raise BadValueError(f"更正表缺少这些列：{'、'.join(missing)}；请用从这里下载的表填写")
            return places
    raise BadValueError("这不是从这里下载的更正表（没有找到“编号（勿改）”一列），请重新下载后填写")


class _Row:
    """One line of the file on its way to an answer."""

    def __init__(self, line: Line, places: Mapping[Heading, int]) -> None:
        self._line, self._places = line, places
        self.faults: list[Fault] = []
        self.report = ""

    def answer(self, seen: set[str]) -> Answer | None:
        """Return what the line decides; None for nothing, or for faults."""
        right_cell = self._cell(Heading.RIGHT)
        verdict, reason = self._text(Heading.VERDICT), self._text(Heading.REASON)
        if right_cell in {None, ""} and not verdict and not reason:
            return None
        key = self._key(seen)
        if key is None:
            return None
        self.report = key.correction_id
        right = self._right(key.column, right_cell)
        if not verdict:
            self._fault(Heading.VERDICT, "这一行填了内容，还要选 采纳 或 不采纳")
        elif verdict not in list(Verdict):
            self._fault(Heading.VERDICT, "应为 采纳 或 不采纳")
        if self.faults:
            return None
        answer = Answer(self._line.number, key, self._text(Heading.STUDENT_NUMBER), Verdict(verdict), right, reason)
        self.faults += faults_of(answer)
        return None if self.faults else answer

    def _key(self, seen: set[str]) -> Key | None:
        text = self._text(Heading.KEY)
        try:
            key = Key.parse(text)
        except BadValueError as error:
            self._fault(Heading.KEY, str(error))
            return None
        if text in seen:
            self.report = key.correction_id
            self._fault(Heading.KEY, "这一行在表里出现了两次，请只留一行")
            return None
        seen.add(text)
        return key

    def _right(self, column: Column | None, cell: Cell) -> str:
        try:
            if column is Column.GRADUATION_DATE:
                day = date_of(cell)
                return day.isoformat() if day else ""
            if column is Column.HOUSEHOLD_MOVED and isinstance(cell, bool):
                return "是" if cell else "否"
            return text_of(cell)
        except BadValueError as error:
            self._fault(Heading.RIGHT, str(error))
            return ""

    def _text(self, heading: Heading) -> str:
        try:
            return text_of(self._cell(heading))
        except BadValueError as error:
            self._fault(heading, str(error))
            return ""

    def _cell(self, heading: Heading) -> Cell:
        place = self._places.get(heading, len(self._line.cells))
        return self._line.cells[place] if place < len(self._line.cells) else None

    def _fault(self, heading: Heading, reason: str) -> None:
        self.faults.append(Fault(self._line.number, "", heading, reason))


def faults_of(answer: Answer) -> tuple[Fault, ...]:
    """Return what is wrong with an answer by itself (填写错误), whatever the dossier says."""
    told: list[tuple[Heading, str]] = []
    if len(answer.reason) > LONGEST:
        told.append((Heading.REASON, f"太长了，最多 {LONGEST} 个字"))
    if answer.verdict is Verdict.REFUSED:
        if not answer.reason:
            told.append((Heading.REASON, "不采纳要写理由，毕业生会看到"))
        if answer.right:
            told.append((Heading.RIGHT, "选了不采纳，就不要填更正后的内容"))
    elif answer.key.column is None:
        if not answer.reason:
            told.append((Heading.REASON, "这一项用文字答复，请写给毕业生的话"))
        if answer.right:
            told.append((Heading.RIGHT, "这一项没有对应的数据，请把答复写在“不采纳理由或答复”里"))
    elif not answer.right:
        told.append((Heading.RIGHT, "采纳要填更正后的内容；这一行不用改的话，处理也留空"))
    return tuple(Fault(answer.row, "", heading, reason) for heading, reason in told)


def placed(fault: Fault, letters: Letters) -> Fault:
    """Return the fault with the letter of its column (列标) in a file."""
    return replace(fault, column=letters.get(Heading(fault.heading), ""))


def _letter(place: int) -> str:
    return Headings({Column.STUDENT_NUMBER: place}).letter(Column.STUDENT_NUMBER)
