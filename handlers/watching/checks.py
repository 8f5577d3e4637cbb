"""The checks (检查项): what was found, as a state and a sentence that says what to do; never with anybody's data."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from bot.errors import MovedError
from bot.notices.scene import Halt
from storage.vital_signs import VitalSigns

QUIET_WORKER = timedelta(seconds=30)
"""Ten signs of life missed: no worker is running, or it cannot write."""

OVERDUE = timedelta(minutes=2)
_ENOUGH, _LITTLE = 0.10, 0.02
"""Free parts of a disk: below the first somebody should look, below the second nothing may be written any more."""


class State(StrEnum):
    """The state of a check (状态), the worst last."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found (检查结果).

    Attributes:
        state: FAILED keeps people's messages from being answered, DEGRADED does not.
        said: what it is and what to do.
    """

    state: State
    said: str = ""


Findings = Mapping[str, Finding]
"""All findings (全部结果) by the name of the check."""


def worst(findings: Findings) -> State:
    """Return the worst state of all (总状态)."""
    order = list(State)
    return max((finding.state for finding in findings.values()), key=order.index, default=State.OK)


def written(error: Exception | None) -> Finding:
    """Judge the attempt to write (数据库试写)."""
    if error is None:
        return Finding(State.OK)
    if isinstance(error, MovedError):
        return Finding(State.DEGRADED, "数据库正被别人长时间写入；若一直如此，请查有没有卡住的导入或备份")
    return Finding(State.FAILED, "数据库写不进去：请查它是否在运行、磁盘是否已满、账号是否有写权限")


def revision(here: str | None, known: Sequence[str]) -> Finding:
    """Judge where the tables stand (数据库版本); ahead of the code is how a deploy begins."""
    if here == known[-1]:
        return Finding(State.OK, here)
    if here is not None and here not in known:
        return Finding(State.DEGRADED, f"数据库在版本 {here}，比这个程序新：升级还没有做完，请换上新程序")
    return Finding(State.FAILED, f"数据库在版本 {here or '空'}，程序需要 {known[-1]}：请运行 quxiang migrate")


def worker(signs: VitalSigns, now: datetime) -> Finding:
    """Judge the workers' sign of life (后台心跳)."""
    if signs.beat is None:
        return Finding(State.DEGRADED, "还没有后台报到过：请启动 quxiang worker，或把 worker.inside 设为 true")
    age = max(timedelta(), now - signs.beat)
    said = f"{age.total_seconds():.0f} 秒前报到"
    if age <= QUIET_WORKER:
        return Finding(State.OK, said)
    return Finding(State.DEGRADED, f"后台{said}，消息发不出去：请查 quxiang worker 是否在运行")


def token(ends: datetime | None, signs: VitalSigns, now: datetime) -> Finding:
    """Judge the access token (access_token): it is fetched when needed, so only who waits for one lacks it."""
    if ends is not None and ends > now:
        return Finding(State.OK, f"还有 {(ends - now).total_seconds():.0f} 秒有效")
    if signs.oldest_due is not None and now - signs.oldest_due > OVERDUE:
        return Finding(State.DEGRADED, "有消息等着发，却没有有效的 access_token：请运行 quxiang check 看原因")
    return Finding(State.OK, "现在没有有效的 access_token，下次要用时再取")


def sending(halts: Sequence[Halt]) -> Finding:
    """Judge what is halted (发送停用); staff read the reason in the console."""
    if not halts:
        return Finding(State.OK)
    names = "、".join(halt.scope.value if halt.scope else "全部" for halt in halts)
    return Finding(State.DEGRADED, f"发送停用：{names}；原因和恢复办法见工作台的通知页")


def disk(folders: Iterable[Path]) -> Finding:
    """Judge the room left where we write (磁盘)."""
    try:
        left = min(_free(folder) for folder in folders)
    except OSError:
        return Finding(State.DEGRADED, "看不到数据或密钥目录的磁盘：请查目录是否还在、权限是否正确")
    said = f"剩余 {left:.0%}"
    if left >= _ENOUGH:
        return Finding(State.OK, said)
    state = State.DEGRADED if left >= _LITTLE else State.FAILED
    return Finding(state, f"{said}：请清理磁盘，先看备份和日志")


def _free(folder: Path) -> float:
    room = os.statvfs(folder)
    # What an ordinary user may still take, of all blocks there are.
    return room.f_bavail / room.f_blocks if room.f_blocks else 1.0
