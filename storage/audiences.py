"""Audiences (发送对象) in the database: who they are, counted by reason, and somebody real for a preview."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, select

from bot.notices.audience import Audience, Headcount
from bot.notices.delivery import Delivery
from bot.notices.scene import Scene
from storage.cipher import FieldCipher
from storage.dossiers import chunks
from storage.persons import PERSON_COLUMNS, to_person
from storage.tables import graduate, talk
from storage.transaction import Transaction
from storage.windows import to_window, window_columns, window_parameters

_g = graduate.c
_WITH_TALK = graduate.outerjoin(talk, talk.c.openid == _g.openid)
IS_BOUND = and_(_g.openid.is_not(None), _g.openid != "")
IS_GONE = talk.c.following == false()
_NOBODY = Delivery("", "", "", {}, "", datetime(1970, 1, 1, tzinfo=UTC))


def parts_of(season_id: str, audience: Audience) -> list[ColumnElement[bool]]:
    """Return the conditions of who is meant (所指), whatever the stage; an own list apart."""
    asked = (
        (_g.college, audience.college),
        (_g.major, audience.major),
        (_g.class_name, audience.class_name),
        (_g.counsellor_staff_number, audience.counsellor),
    )
    return [_g.season_id == season_id, *(column == value for column, value in asked if value is not None)]


def is_meant(audience: Audience) -> ColumnElement[bool]:
    """Return the condition of standing at one of the stages (办理阶段)."""
    return _g.stage.in_([stage.name for stage in audience.stages])


class SqlAudiences:
    """The audiences in the database (发送对象); fits ``bot.notices.ports.Audiences``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher

    def headcount(self, season_id: str, audience: Audience) -> Headcount:
        """Count an audience by reason (发送前统计), as of now: one scan, or one look for each piece of an own list."""
        meant = is_meant(audience)
        columns = (
            func.count(),
            _sum(~meant),
            _sum(and_(meant, ~IS_BOUND)),
            _sum(and_(meant, IS_BOUND, IS_GONE)),
        )
        totals = [0, 0, 0, 0]
        for lists in self._pieces(audience):
            where = [*parts_of(season_id, audience), *lists]
            row = self._transaction.row(select(*columns).select_from(_WITH_TALK).where(*where))
            totals = [total + int(value or 0) for total, value in zip(totals, tuple(row or ()), strict=True)]
        asked, done, not_bound, not_following = totals
        return Headcount(asked, done, not_bound, not_following, self._missing(season_id, audience))

    def someone(self, season_id: str, audience: Audience, now: datetime, student_number: str = "") -> Scene | None:
        """Return a real recipient for a preview (预览对象): of a student number, or the first who can be reached."""
        where = [*parts_of(season_id, audience), is_meant(audience)]
        if student_number:
            where.append(_g.student_number == student_number)
        for lists in self._pieces(audience):
            statement = (
                select(*PERSON_COLUMNS, *window_columns(_g.openid))
                .select_from(_WITH_TALK)
                .where(*where, *lists)
                .order_by(case((IS_BOUND, 0), else_=1), _g.student_number)
                .limit(1)
            )
            row = self._transaction.row(statement, window_parameters(now))
            if row is not None:
                width = len(PERSON_COLUMNS)
                person = to_person(row[:width], self._cipher)
                return Scene(_NOBODY, person=person, window=to_window(row[width:]))
        return None

    def _missing(self, season_id: str, audience: Audience) -> tuple[str, ...]:
        found: set[str] = set()
        for piece in chunks(audience.numbers):
            where = (_g.season_id == season_id, _g.student_number.in_(piece))
            found |= {row[0] for row in self._transaction.rows(select(_g.student_number).where(*where))}
        return tuple(number for number in audience.numbers if number not in found)

    @staticmethod
    def _pieces(audience: Audience) -> Sequence[Sequence[ColumnElement[bool]]]:
        """Return what else must hold, once for each piece of an own list; a statement takes so many values only."""
        if not audience.numbers:
            return [[]]
        return [[_g.student_number.in_(piece)] for piece in chunks(audience.numbers)]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0))
