"""Keep sending honest (发送看护): the beat that tells a restored database from one that went on, halts, and quotas."""

from datetime import datetime, timedelta

from bot.notices.ports import Post
from bot.notices.scene import Halt, holding
from bot.notices.settling import DAILY_QUOTA
from bot.ports import Work

QUIET = timedelta(minutes=3)
"""A database that heard of no worker for so long was switched off, or is a backup put back: somebody should look."""

_TOLERANCE = timedelta(seconds=1)
_RESTORED = "数据库好像恢复过备份，或者发送停了一段时间（上次发送 {last}）。为免重复发送，先核对通知，再点“恢复发送”。"


def was_quiet(work: Work, now: datetime) -> bool:
    """Tell whether no worker has been heard of for a while (长时间没有后台)."""
    with work.reading() as uow:
        last = uow.beats.last()
    return last is not None and now - last > QUIET


def keep_beat(work: Work, now: datetime, seen: datetime | None, *, is_quiet: bool = False) -> datetime:
    """Say that a worker lives (报到), and close sending if this database has gone back in time.

    Nothing that was to be sent when a backup was made goes out without somebody's click: it may have gone out since.

    Args:
        work: opens units of work.
        now: the present moment.
        seen: what this worker said the last time, or None at its start.
        is_quiet: what ``was_quiet`` said at the start.

    Returns:
        ``now``, to be given back the next time.
    """
    with work.writing() as uow:
        last = uow.beats.last()
        has_gone_back = seen is not None and (last is None or last < seen - _TOLERANCE)
        if (is_quiet or has_gone_back) and uow.ledger.has_pending():
            when = f"{last:%Y-%m-%d %H:%M} UTC" if last else "不明"
            uow.halts.put(Halt(None, None, 0, _RESTORED.format(last=when), now))
        uow.beats.beat(now)
        uow.commit()
    return now


def ask_quotas(work: Work, post: Post, now: datetime) -> int:
    """Ask the platform whether used-up quotas are there again (查询额度), and go on where they are; return how many."""
    with work.reading() as uow:
        used_up = [halt for halt in holding(uow.halts.all(), now) if halt.code == DAILY_QUOTA]
    opened = 0
    for halt in used_up:
        if halt.scope is None or not post.has_quota(halt.scope):
            continue
        with work.writing() as uow:
            if uow.halts.lift(halt.scope):
                uow.ledger.hurry(DAILY_QUOTA, now)
                opened += 1
            uow.commit()
    return opened
