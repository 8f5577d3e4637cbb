"""Reveal (查看完整信息): masked fields shown to staff for a reason, written down before anything is shown."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.errors import BadValueError, MovedError
from bot.registration.dossier import Dossier
from bot.staff.chronicle import Whose
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.staff.reveals import ONCE, Field, details_of, revealable, value_of
from bot.use_cases.staff_changes import ATTEMPTS, NotFoundError, Office

SHORTEST, LONGEST = 4, 60
"""Characters of a reason: long enough to say something, short enough for the graduate's chat."""
_RECENT = 50
_NUMBER = re.compile(r"[0-9０-９]{6,}")


class Reason(StrEnum):
    """A reason to choose (理由)."""

    PAPERS = "核对证件和名册信息"
    CONTACT = "联系毕业生本人"
    ARCHIVE = "寄送或查找档案"
    HOUSEHOLD = "办理户口迁移"
    CORRECTION = "处理信息有误"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see, and why (查看申请).

    Attributes:
        fields: see Field.
        reason: in words; the graduate reads it.
        once: a name of this one asking, so that a page loaded again shows nothing.
    """

    fields: tuple[Field, ...]
    reason: str
    once: str

    @classmethod
    def read(cls, names: Iterable[str], reason: str, once: str) -> "Asked":
        """Read a form.

        Raises:
            BadValueError: nothing is chosen, or the reason says nothing or too much.
        """
        fields = tuple(each for each in Field if each.name in set(names))
        if not fields:
            raise BadValueError("请至少选一项要查看的信息")
        words = " ".join(reason.split())
        if not SHORTEST <= len(words) <= LONGEST or not words.isprintable():
            raise BadValueError(f"请写明理由，{SHORTEST} 到 {LONGEST} 个字；毕业生会看到")
        if _NUMBER.search(words):
            raise BadValueError("理由里不要写号码，说明用途就可以；毕业生会看到")
        return cls(fields, words, once[:64])


@dataclass(frozen=True, slots=True)
class Revealed:
    """What was revealed (查看结果).

    Attributes:
        dossier: whose it is.
        values: by field, in the order of Field; only fields that have something registered.
    """

    dossier: Dossier
    values: Mapping[Field, str] = field(repr=False)


def reveal(office: Office, dossier_id: str, asked: Asked) -> Revealed:
    """Write down who looks at what and why, and only then return the values (查看完整信息).

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: no such graduate in this season and in the actor's scope.
        BadValueError: this asking was answered already, or nothing of it is registered.
        MovedError: the log is being written by too many at once; nothing is revealed.
    """
    office.by.demand(Act.REVEAL)
    for attempt in range(ATTEMPTS):
        try:
            return _reveal(office, dossier_id, asked)
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _reveal(office: Office, dossier_id: str, asked: Asked) -> Revealed:
    with office.work.writing() as uow:
        season = uow.seasons.current()
        whose = Whose(season.id, dossier_id, office.by.scope) if season else None
        dossier = uow.chronicle.dossier(whose) if whose else None
        if dossier is None:
            raise NotFoundError("没有这名毕业生，或者不在您的可见范围")
        recent = uow.audit.done_to(dossier.id, Action.REVEALED, _RECENT)
        if any(entry.details.get(ONCE) == asked.once for entry in recent):
            raise BadValueError("完整信息只显示一次。还要看的话，请重新选择并写明理由")
        fields = tuple(each for each in revealable(dossier) if each in asked.fields)
        if not fields:
            raise BadValueError("选的信息都没有登记，没有可以查看的内容")
        details = details_of(office.by.role, fields, asked.reason, asked.once)
        uow.audit.append(office.by, Action.REVEALED, dossier.id, details, office.clock())
        uow.commit()
    return Revealed(dossier, {each: value_of(dossier, each) for each in fields})
