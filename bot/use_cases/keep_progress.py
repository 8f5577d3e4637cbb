"""Keep progress (记录每日进度): where everybody stands today, so that the days can be compared later."""

from bot.errors import MovedError
from bot.registration.season import day_of
from bot.staff.policy import EVERYONE
from bot.staff.roll import Area, By, Progress, snapshot
from bot.use_cases.staff_changes import Office


def keep_progress(office: Office) -> int:
    """Keep where everybody stands today (当日快照), over what was kept earlier today; any number may do so at once.

    A day that is over keeps what was seen last. Nothing is kept before there is a season or after its last changes.

    Returns:
        For how many subjects something else was kept than before.
    """
    today = day_of(office.clock())
    with office.work.reading() as uow:
        season = uow.seasons.current()
        if season is None or today > season.changes_until:
            return 0
        area = Area(season.id, EVERYONE)
        seen = snapshot(uow.roll.progress(area, By.COLLEGE), uow.roll.progress(area, By.COUNSELLOR))
        kept = uow.progress_days.on(season.id, today)
    changed = {subject: seen.get(subject, Progress()) for subject in seen.keys() | kept.keys()}
    changed = {subject: now for subject, now in changed.items() if kept.get(subject) != now}
    if not changed:
        return 0
    try:
        with office.work.writing() as uow:
            uow.progress_days.put(season.id, today, changed)
            uow.commit()
    except MovedError:
        # Another worker keeps the same day at this moment; what it saw is as good.
        return 0
    return len(changed)
