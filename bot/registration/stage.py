"""The stage (办理阶段) of a graduate: how far the journey has come, and what happened on the way."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from bot.registration.archive import ArchiveStatus
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier


class Stage(Enum):
    """The stage (办理阶段), in the order of the journey; the value is the label staff read.

    What waits for somebody comes after what waits for the graduate only where the journey says so; a later stage
    means that everything before it is done.
    """

    UNBOUND = "未登录"
    UNCHECKED = "未核对个人信息"
    CORRECTING = "信息有误待处理"
    NO_DESTINATION = "没有去向数据"
    ARCHIVE_MISSING = "档案信息未填写"
    ARCHIVE_RETURNED = "档案信息被退回"
    ARCHIVE_WAITS = "档案信息待审核"
    UNCONFIRMED = "待确认去向"
    NO_REAL_PERSON = "待实人验证"
    UNVERIFIED = "待核验授权"
    VERIFIED = "已核验授权"

    @property
    def rank(self) -> int:
        """The place in the journey, 0 for the first."""
        return _RANK[self]


_RANK = {stage: place for place, stage in enumerate(Stage)}

_ARCHIVE = {
    ArchiveStatus.MISSING: Stage.ARCHIVE_MISSING,
    ArchiveStatus.RETURNED: Stage.ARCHIVE_RETURNED,
    ArchiveStatus.SUBMITTED: Stage.ARCHIVE_WAITS,
}


def stage_of(dossier: Dossier) -> Stage:
    """Return the stage of a dossier (办理阶段); time does not change it, an expired verification was one.

    Whoever has confirmed counts as such, bound or not: unfollowing takes nothing back.
    """
    if dossier.is_confirmed:
        if any(v.closed_at is v.superseded_at is v.annulled_at is None for v in dossier.verifications):
            return Stage.VERIFIED
        return Stage.UNVERIFIED if dossier.real_person_at else Stage.NO_REAL_PERSON
    if dossier.openid is None:
        return Stage.UNBOUND
    if dossier.has_open_correction:
        return Stage.CORRECTING
    if dossier.checked_at is None:
        return Stage.UNCHECKED
    if dossier.destination is None:
        return Stage.NO_DESTINATION
    return _ARCHIVE.get(dossier.archive.status, Stage.UNCONFIRMED)


class Milestone(StrEnum):
    """What happened to a dossier (办理经过); the value is the label staff read."""

    BOUND = "登录绑定"
    UNBOUND = "解除绑定"
    CHECKED = "核对了个人信息"
    DATA_CHANGED = "学校更新了数据"
    TAKEN_BACK = "学校撤销了更新"
    DESTINATION_ARRIVED = "去向数据到达"
    ARCHIVE_SUBMITTED = "提交档案信息"
    ARCHIVE_APPROVED = "档案信息通过"
    ARCHIVE_RETURNED = "档案信息退回"
    REPORTED = "报告信息有误"
    CORRECTION_APPLIED = "更正已采纳"
    CORRECTION_REFUSED = "更正未采纳"
    CONFIRMED = "确认去向"
    CONFIRMATION_FELL = "确认失效"
    REAL_PERSON = "完成实人验证"
    AUTHORISED = "授权核验"
    EXTENDED = "延长核验"
    CLOSED = "关闭核验"
    ANNULLED = "核验作废"


@dataclass(frozen=True, slots=True)
class Passed:
    """One line of what happened (经过一条).

    Attributes:
        milestone: what.
        detail: the number (核验编号) of the verification it is about, or "".
    """

    milestone: Milestone
    detail: str = ""


def passed(old: Dossier, new: Dossier) -> tuple[Passed, ...]:
    """Return what the step from ``old`` to ``new`` means (经过), in the order of the journey."""
    found = [*_accounts(old, new), *_school(old, new), *_archive(old, new), *_corrections(old, new)]
    if old.confirmation is None and new.confirmation is not None:
        found.append(Milestone.CONFIRMED)
    if old.confirmation is not None and new.confirmation is None:
        found.append(Milestone.CONFIRMATION_FELL)
    if old.real_person_at is None and new.real_person_at is not None:
        found.append(Milestone.REAL_PERSON)
    return (*(Passed(milestone) for milestone in found), *_verifications(old, new))


def _accounts(old: Dossier, new: Dossier) -> list[Milestone]:
    found = []
    if old.openid != new.openid:
        found.append(Milestone.UNBOUND if new.openid is None else Milestone.BOUND)
    if old.checked_at is None and new.checked_at is not None:
        found.append(Milestone.CHECKED)
    return found


def _school(old: Dossier, new: Dossier) -> list[Milestone]:
    if old.destination is None and new.destination is not None:
        return [Milestone.DESTINATION_ARRIVED]
    was = (old.graduate, old.destination, old.household, old.chsi_bound)
    return [Milestone.DATA_CHANGED] if was != (new.graduate, new.destination, new.household, new.chsi_bound) else []


def _archive(old: Dossier, new: Dossier) -> list[Milestone]:
    if old.archive.status is new.archive.status and old.archive.submitted_at == new.archive.submitted_at:
        return []
    return {
        ArchiveStatus.SUBMITTED: [Milestone.ARCHIVE_SUBMITTED],
        ArchiveStatus.APPROVED: [Milestone.ARCHIVE_APPROVED],
        ArchiveStatus.RETURNED: [Milestone.ARCHIVE_RETURNED],
    }.get(new.archive.status, [])


_DECIDED = {
    CorrectionState.OPEN: Milestone.REPORTED,
    CorrectionState.APPLIED: Milestone.CORRECTION_APPLIED,
    CorrectionState.REFUSED: Milestone.CORRECTION_REFUSED,
}


def _corrections(old: Dossier, new: Dossier) -> list[Milestone]:
    if old.correction == new.correction or new.correction is None:
        return []
    return [_DECIDED[new.correction.state]]


def _verifications(old: Dossier, new: Dossier) -> list[Passed]:
    known = {verification.id: verification for verification in old.verifications}
    found = []
    for now in new.verifications:
        was = known.get(now.id)
        if was is None:
            found.append(Passed(Milestone.AUTHORISED, now.number))
            continue
        if now.closed_at != was.closed_at:
            found.append(Passed(Milestone.CLOSED, now.number))
        if now.annulled_at != was.annulled_at:
            found.append(Passed(Milestone.ANNULLED, now.number))
        if now.extensions != was.extensions:
            found.append(Passed(Milestone.EXTENDED, now.number))
    return found
