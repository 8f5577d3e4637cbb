"""The deed (操作): what staff does to something, as the policy allows it and the audit log keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.staff.policy import Act, Actor, Role

SYSTEM = Actor("system", "系统", Role.ADMINISTRATOR)
"""Who acts by the calendar and for callbacks (系统)."""
COMMAND = Actor("command", "命令行", Role.ADMINISTRATOR)
"""Who acts by the command line of the server (命令行)."""


class Action(Enum):
    """A kind of entry in the audit log (操作种类); stored by its English name, the value is what staff read."""

    LOGIN = "登录"
    LOGIN_FAILED = "登录失败"
    LOGOUT = "退出登录"
    PASSWORD_CHANGED = "修改密码"  # noqa: S105 -- words for people
    PASSWORD_RESET = "重置密码"  # noqa: S105 -- the same
    TOTP_ON = "启用动态口令"
    TOTP_OFF = "停用动态口令"
    STAFF_ADDED = "新增账号"
    STAFF_CHANGED = "修改账号"
    STAFF_DEACTIVATED = "停用账号"
    STAFF_ACTIVATED = "恢复账号"
    ROSTER_UPLOADED = "上传名册"
    ROSTER_APPLIED = "写入名册"
    ROSTER_UNDONE = "撤销名册导入"
    ROSTER_DROPPED = "放弃名册导入"
    ROSTER_EXPORTED = "导出名册"
    ARCHIVE_APPROVED = "通过档案信息"
    ARCHIVE_RETURNED = "退回档案信息"
    REASON_KEPT = "保存理由模板"
    REASON_REMOVED = "删除理由模板"
    CORRECTIONS_EXPORTED = "导出更正表"
    CORRECTION_APPLIED = "采纳更正"
    CORRECTION_REFUSED = "不采纳更正"
    SCHOOL_DATA_CHANGED = "修改毕业生数据"
    VERIFICATION_ANNULLED = "作废核验"
    RECEIPT_WITHDRAWN = "撤回接收登记"
    UNBOUND = "解除微信绑定"
    UNLOCKED = "解锁学号"
    NOTICE_WRITTEN = "写通知"
    NOTICE_EDITED = "修改通知"
    NOTICE_SUBMITTED = "提交通知"
    NOTICE_APPROVED = "批准通知"
    NOTICE_REFUSED = "退回通知"
    NOTICE_TAKEN_BACK = "撤回通知"
    NOTICE_STARTED_LATE = "补发错过的通知"
    NOTICE_PAUSED = "暂停通知"
    NOTICE_RESUMED = "继续通知"
    NOTICE_RETRIED = "重试通知"
    NOTICE_CANCELLED = "取消通知"
    NOTICE_EXPORTED = "导出通知结果"
    SENDING_RESTORED = "恢复发送"
    LIST_EXPORTED = "导出名单"
    REVEALED = "查看完整信息"
    SEASON_SAVED = "保存届别"
    CUTOFF_RUN = "截点登记未就业"
    PLANNED_SAVED = "修改计划通知"
    AUDIT_EXPORTED = "导出审计日志"


@dataclass(frozen=True, slots=True)
class Deed:
    """What staff does (操作).

    Attributes:
        act: what the policy must allow.
        action: what the audit log calls it.
        details: what else the log keeps, by Chinese name; no personal data of graduates in the clear.
    """

    act: Act
    action: Action
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
