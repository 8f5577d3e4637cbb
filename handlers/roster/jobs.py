"""The long jobs of the worker (后台任务): the uploads of rosters, one at a time."""

from bot.use_cases.roster_work import forget_old, work_on_next
from bot.use_cases.staff_changes import Office
from handlers.roster.child import opened_sheet
from handlers.roster.memory import collector_paused

_TIDY_EVERY = 3600.0  # seconds


class RosterJobs:
    """Does what uploads ask for (名册任务), and forgets what is over.

    Args:
        office: staff's work, done by the system.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._tidied = 0.0

    def __call__(self) -> int:
        """Do one job; 0 if none waits."""
        now = self._office.clock().timestamp()
        if now - self._tidied > _TIDY_EVERY:
            self._tidied = now
            forget_old(self._office)
        with collector_paused():
            return int(work_on_next(self._office, opened_sheet))
