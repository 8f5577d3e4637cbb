"""The roll (毕业生名单与进度) in the database: every statement carries the scope of whoever asks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, func, or_, select

from bot.errors import BadValueError
from bot.moments import from_microseconds, to_microseconds
from bot.registration.graduate import Level
from bot.registration.stage import Stage
from bot.staff.roll import Area, By, Group, Line, Progress, Wanted
from storage.cipher import FieldCipher
from storage.dossiers import chunks
from storage.tables import graduate
from storage.transaction import Transaction

_MOBILE = "graduate:mobile"
_TURNED = "名单在这期间变了，请回到第一页"
_g = graduate.c
_KEYS: dict[By, tuple[ColumnElement[Any], ...]] = {
    By.COLLEGE: (_g.college,),
    By.MAJOR: (_g.college, _g.major),
    By.CLASS: (_g.college, _g.major, _g.class_name),
    By.COUNSELLOR: (_g.counsellor_staff_number, _g.counsellor_name),
}
_LINE = (
    _g.id,
    _g.student_number,
    _g.name,
    _g.college,
    _g.major,
    _g.class_name,
    _g.level,
    _g.counsellor_staff_number,
    _g.counsellor_name,
    _g.stage,
    _g.stage_since,
)
_BY_IDS = select(*_LINE, _g.mobile).where(_g.id.in_(bindparam("keys", expanding=True)))
_OLDEST = select(
    *(
        select(func.min(_g.stage_since))
        .where(_g.stage == stage.name, _g.season_id == bindparam("season_id"))
        .scalar_subquery()
        .label(stage.name)
        for stage in Stage
    )
)
"""Eleven looks at the end of an index, instead of one over everybody."""


class SqlRoll:
    """The roll in the database (名单与进度); fits ``bot.ports.Roll``. Scope is part of every condition."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def progress(self, area: Area, by: By) -> Sequence[Group]:
        """Return how many stand where (分组统计), counted by college, major, class or counsellor."""
        return [_group(row, by) for row in self._transaction.rows(_counted(area, by))]

    def oldest(self, area: Area) -> Mapping[Stage, datetime]:
        """Return since when the first of those at each stage stands there (最早停留); empty stages are left out."""
        if area.is_whole:
            row = self._transaction.row(_OLDEST, {"season_id": area.season_id})
            found = [] if row is None else [(stage, row[stage.rank]) for stage in Stage]
        else:
            since = select(_g.stage, func.min(_g.stage_since).label("since")).where(*_of(area)).group_by(_g.stage)
            found = [(Stage[row.stage], row.since) for row in self._transaction.rows(since)]
        return {stage: at for stage, at in found if at is not None}

    def names(self, area: Area, by: By) -> Sequence[str]:
        """Return the colleges, majors or classes of an area (选项), in order."""
        column = _KEYS[by][-1]
        rows = self._transaction.rows(select(column).where(*_of(area)).group_by(column).order_by(column))
        return [str(row[0]) for row in rows]

    def count(self, wanted: Wanted) -> int:
        """Return how many there are (人数)."""
        row = self._transaction.row(select(func.count()).select_from(graduate).where(*self._where(wanted)))
        return int(row[0]) if row else 0

    def page(self, wanted: Wanted, after: str, most: int) -> tuple[Sequence[Line], str]:
        """Return the next lines of a list (一页), and where the page after them begins, "" for nowhere.

        The order is by student number, or at one stage, whoever waits longest first.

        Args:
            wanted: see Wanted.
            after: where the page begins, as told with the page before; "" for the first.
            most: how many.

        Raises:
            BadValueError: ``after`` is not of our making, or the graduate it names is not in sight any more.
        """
        statement = select(*_LINE).where(*self._where(wanted), *self._after(wanted, after)).order_by(*_order(wanted))
        lines = [_line(row, "") for row in self._transaction.rows(statement.limit(most + 1))]
        return lines[:most], _cursor(wanted, lines[most - 1]) if len(lines) > most else ""

    def lines(self, wanted: Wanted, *, with_mobile: bool) -> Iterator[Line]:
        """Return a whole list (名单), in the order of ``page``, piece by piece: use it up inside the unit of work."""
        statement = select(_g.id).where(*self._where(wanted)).order_by(*_order(wanted))
        ids = [row.id for row in self._transaction.rows(statement)]
        for piece in chunks(ids):
            found = {row.id: row for row in self._transaction.rows(_BY_IDS, {"keys": piece})}
            for row in (found[id_] for id_ in piece if id_ in found):
                mobile = self._cipher.unseal_optional(row.mobile, _MOBILE, row.id) if with_mobile else ""
                yield _line(row, mobile)

    def _where(self, wanted: Wanted) -> list[ColumnElement[bool]]:
        conditions = _of(wanted.area)
        if wanted.stage is not None:
            conditions.append(_g.stage == wanted.stage.name)
        if wanted.words:
            # Student numbers are written with capitals; names may be Latin and are as the roster has them.
            pairs = [(_g.name, wanted.words), *((_g.student_number, w) for w in {wanted.words, wanted.words.upper()})]
            conditions.append(or_(*(self._begins(column, words) for column, words in pairs)))
        return conditions

    def _after(self, wanted: Wanted, after: str) -> list[ColumnElement[bool]]:
        """Return the conditions of what comes after a place in the list (翻页条件)."""
        if not after:
            return []
        id_, _, moment = after.partition(".")
        row = self._transaction.row(select(_g.student_number).where(*_of(wanted.area), _g.id == id_))
        if row is None or bool(moment) != bool(wanted.stage):
            raise BadValueError(_TURNED)
        further = _g.student_number > row.student_number
        if not moment:
            return [further]
        since = _moment(moment)
        # Nearly all of the unbound came with one file at one moment; the index goes on with the student number.
        return [_g.stage_since >= since, or_(_g.stage_since > since, further)]

    def _begins(self, column: ColumnElement[str], words: str) -> ColumnElement[bool]:
        """Tell whether a column begins with a text, exactly, by the index where the database can."""
        if self._transaction.dialect == "sqlite":  # its LIKE takes a for A, and therefore no index serves it
            return and_(column >= words, column < f"{words}\U0010ffff")
        return column.startswith(words, autoescape=True)


def _of(area: Area) -> list[ColumnElement[bool]]:
    """Return the conditions of an area, the scope first."""
    conditions = [_g.season_id == area.season_id]
    own = area.scope.staff_number
    if own is not None:
        # An empty number is nobody's: it must not find those whose counsellor has none.
        conditions += [_g.counsellor_staff_number == own, _g.counsellor_staff_number != ""]
    asked = (
        (_g.college, area.college),
        (_g.major, area.major),
        (_g.class_name, area.class_name),
        (_g.counsellor_staff_number, area.counsellor),
    )
    return [*conditions, *(column == value for column, value in asked if value is not None)]


def _counted(area: Area, by: By) -> Select[Any]:
    """Return one scan of ix_graduate_progress that counts the stages of every group."""
    keys, where = _KEYS[by], _of(area)
    if by is not By.COUNSELLOR:
        counts = [func.sum(case((_g.stage == stage.name, 1), else_=0)).label(stage.name) for stage in Stage]
        return select(*keys, *counts).where(*where).group_by(*keys)
    # Counsellors do not come in the order of the index. Counting in its order first leaves a quarter of the rows,
    # and halves the time on SQLite.
    order = (*_KEYS[By.CLASS], *keys, _g.stage)
    inner = select(*order, func.count().label("n")).where(*where).group_by(*order).subquery()
    counts = [func.sum(case((inner.c.stage == stage.name, inner.c.n), else_=0)).label(stage.name) for stage in Stage]
    outer = [inner.c[key.name] for key in keys]
    return select(*outer, *counts).group_by(*outer)


def _group(row: Row[Any], by: By) -> Group:
    width = len(_KEYS[by])
    names, progress = row[:width], Progress(tuple(map(int, row[width:])))
    if by is By.COUNSELLOR:
        return Group(counsellor=names[0], counsellor_name=names[1], progress=progress)
    college, major, class_name = (*names, "", "")[:3]
    return Group(college, major, class_name, progress=progress)


def _order(wanted: Wanted) -> tuple[ColumnElement[Any], ...]:
    return (_g.stage_since, _g.student_number) if wanted.stage else (_g.student_number,)


def _cursor(wanted: Wanted, last: Line) -> str:
    """Return where the next page begins (翻页位置): an identifier, and at one stage the moment; nobody's number."""
    return f"{last.id}.{to_microseconds(last.since)}" if wanted.stage else last.id


def _moment(microseconds: str) -> datetime:
    try:
        return from_microseconds(int(microseconds))
    except (ValueError, OverflowError):
        raise BadValueError(_TURNED) from None


def _line(row: Row[Any], mobile: str) -> Line:
    return Line(
        id=row.id,
        student_number=row.student_number,
        name=row.name,
        college=row.college,
        major=row.major,
        class_name=row.class_name,
        level=Level[row.level],
        counsellor=row.counsellor_staff_number,
        counsellor_name=row.counsellor_name,
        stage=Stage[row.stage],
        since=row.stage_since,
        mobile=mobile,
    )
