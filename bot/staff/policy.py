"""The policy (权限): one layer that says who may do what, and to which graduates; lists, pages, exports all ask it."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from bot.errors import QuxiangError
from bot.registration.dossier import Dossier


class Role(Enum):
    """The role (角色) of a staff member; the value is what they read."""

    ADMINISTRATOR = "管理员"
    OFFICE = "就业办"
    COUNSELLOR = "辅导员"
    AUDITOR = "审计员"


class Act(StrEnum):
    """Something staff can do (操作); every route of the console names the one it needs."""

    SEE_PROGRESS = "查看进度"
    SEE_GRADUATES = "查看毕业生"
    REVEAL = "查看完整信息"
    EXPORT = "导出名单"
    REVIEW = "审核档案信息"
    SEE_CORRECTIONS = "查看更正"
    APPLY_CORRECTIONS = "处理更正"
    IMPORT = "导入名册"
    CHANGE_VERIFICATIONS = "作废核验、撤回接收登记"
    RELEASE = "解除微信绑定、解锁学号"
    SEE_NOTICES = "查看通知结果"
    SEND_NOTICES = "发送通知"
    MANAGE_SEASONS = "管理届别"
    MANAGE_STAFF = "管理账号"
    SEE_AUDIT = "查看审计日志"


_COUNSELLOR = frozenset(
    [Act.SEE_PROGRESS, Act.SEE_GRADUATES, Act.REVEAL, Act.EXPORT, Act.SEE_CORRECTIONS, Act.SEE_NOTICES]
)
_OFFICE = _COUNSELLOR | {
    Act.REVIEW,
    Act.APPLY_CORRECTIONS,
    Act.IMPORT,
    Act.CHANGE_VERIFICATIONS,
    Act.RELEASE,
    Act.SEND_NOTICES,
}
ALLOWED: dict[Role, frozenset[Act]] = {
    Role.ADMINISTRATOR: frozenset(Act),
    Role.OFFICE: _OFFICE,
    Role.COUNSELLOR: _COUNSELLOR,
    Role.AUDITOR: frozenset([Act.SEE_PROGRESS, Act.SEE_GRADUATES, Act.SEE_CORRECTIONS, Act.SEE_NOTICES, Act.SEE_AUDIT]),
}
"""Role → what it may do. The auditor reads, and sees nothing unmasked."""


class ForbiddenError(QuxiangError):
    """The role may not do this (没有权限)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which graduates somebody sees (可见范围).

    Attributes:
        staff_number: only graduates of the counsellor with this staff number (辅导员工号); None for everybody. An
            empty number is nobody's: a counsellor whose account has none sees no graduate.
    """

    staff_number: str | None = None

    def covers(self, dossier: Dossier) -> bool:
        """Tell whether a dossier lies in the scope."""
        if self.staff_number is None:
            return True
        return self.staff_number != "" and dossier.graduate.counsellor.staff_number == self.staff_number


EVERYONE = Scope()
"""The whole school."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody of the staff who acts (操作人).

    Attributes:
        id: identifier of the account.
        name: as shown.
        role: see Role.
        staff_number: joins a counsellor to the roster (辅导员工号).
    """

    id: str
    name: str = field(repr=False)
    role: Role
    staff_number: str = ""

    @property
    def scope(self) -> Scope:
        """The graduates this person sees."""
        return Scope(self.staff_number) if self.role is Role.COUNSELLOR else EVERYONE

    def may(self, act: Act) -> bool:
        """Tell whether the role allows the act."""
        return act in ALLOWED[self.role]

    def demand(self, act: Act) -> None:
        """Do nothing if the role allows the act.

        Raises:
            ForbiddenError: it does not.
        """
        if not self.may(act):
            raise ForbiddenError(f"{self.role.value}不能{act.value}，需要的话请联系管理员")
