"""Reason templates (理由模板): sentences staff use again and again, kept in one list for everybody."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bot.errors import BadValueError
from bot.staff.policy import Act

LONGEST = 400
"""Most characters of a reason, of several put together: the graduate reads it in a chat bubble."""
LONGEST_TEMPLATE = 100
"""Most characters of a reason that is kept."""
SHORTEST = 2
MOST = 20
"""Most templates for one purpose: a longer list is slower to read than a sentence is to type."""


class Purpose(Enum):
    """What a reason is for (用途); stored by its English name."""

    ARCHIVE = "退回档案信息"
    CORRECTION = "不采纳更正"

    @property
    def act(self) -> Act:
        """What somebody must be allowed to do to use and keep such reasons."""
        return {Purpose.ARCHIVE: Act.REVIEW, Purpose.CORRECTION: Act.APPLY_CORRECTIONS}[self]


@dataclass(frozen=True, slots=True)
class Template:
    """A reason kept for the next time (理由模板).

    Attributes:
        id: identifier.
        purpose: see Purpose.
        text: the reason, as the graduate will read it.
        created_at: when it was kept.
    """

    id: str
    purpose: Purpose
    text: str
    created_at: datetime


DEFAULTS: dict[Purpose, tuple[str, ...]] = {
    Purpose.ARCHIVE: (
        "接收单位请写公章上的全称，不要简称",
        "档案不能寄给个人或寄到家里，请填有档案管理权限的接收单位",
        "地址请写到门牌号和房间号，从省份写起",
        "邮编与地址不符，请核对后重新填写",
        "联系电话请填接收单位的座机，带区号",
        "该单位没有档案管理权限，请先问清单位委托哪家人才服务机构接收",
        "户档转递类型选得不对，请与就业协议书核对后重新选择",
    ),
    Purpose.CORRECTION: (
        "与学籍信息一致，不作修改；有疑问请联系学院教务老师",
        "请先在校版就业系统修改去向，审核通过后会自动更新",
        "请联系辅导员提交证明材料后再报一次",
    ),
}
"""Reasons offered as long as nobody has kept any (常用理由)."""


def read_reason(text: str, longest: int = LONGEST) -> str:
    """Return a reason as it is stored and told: blanks and line ends become single blanks.

    Raises:
        BadValueError: it is missing or too long; the text says so.
    """
    tidy = " ".join(text.split())
    if len(tidy) < SHORTEST:
        raise BadValueError("请写明原因，毕业生会看到这句话")
    if len(tidy) > longest:
        raise BadValueError(f"原因请控制在 {longest} 个字以内，现在有 {len(tidy)} 个字")
    if not tidy.isprintable():
        raise BadValueError("原因里有看不见的字符，请删掉后重新输入")
    return tidy
