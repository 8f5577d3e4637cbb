"""The worker (后台): sends notices as they come up, plans the reminders of the calendar, and does the long jobs."""

import logging
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import QuxiangError
from bot.ports import Channel
from bot.use_cases.deliver_notices import deliver_notices, plan_reminders
from bot.use_cases.keep_progress import keep_progress
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.staff_changes import Office

PLAN_EVERY = 600.0
BREATH = 0.05
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """Runs until stopped (后台); any number may run, notices are claimed.

    Attributes:
        office: the work, the clock and the links.
        channel: the way to the graduates.
        pause: seconds between two looks when there is nothing to do.
        jobs: does one long job, beside the notices; returns 0 if none waits.
    """

    office: Office
    channel: Channel
    pause: float = 1.0
    jobs: Callable[[], int] = lambda: 0
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def start(self) -> threading.Thread:
        """Run in a thread of this process."""
        thread = threading.Thread(target=self.run, name="worker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Finish the notice in hand, then end."""
        self._stop.set()

    def run(self) -> None:
        """Look, send, wait, until stopped; whatever fails is logged and waited out."""
        # Beside it, because a roster takes many seconds and a notice must not wait for it.
        beside = threading.Thread(target=self._do_jobs, name="worker-jobs", daemon=True)
        beside.start()
        self._send()
        beside.join()

    def _do_jobs(self) -> None:
        while not self._stop.is_set():
            if not self._safely(self.jobs):
                self._stop.wait(self.pause)

    def _send(self) -> None:
        until_plan = 0.0
        while not self._stop.is_set():
            if until_plan <= 0:
                # Each by itself: what stops one must not keep the others from their work.
                self._safely(lambda: register_unplaced(self.office, self._has_breath))
                self._safely(lambda: plan_reminders(self.office))
                self._safely(lambda: keep_progress(self.office))
                until_plan = PLAN_EVERY
            if not self._safely(lambda: deliver_notices(self.office.work, self.channel, self.office.clock)):
                until_plan -= self.pause
                self._stop.wait(self.pause)

    def _safely(self, job: Callable[[], int]) -> int:
        try:
            return job()
        except QuxiangError as error:
            _LOG.warning("the worker waits: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end all notices for good
            _LOG.error("the worker goes on after a mistake: %s at %s", type(error).__name__, _place(error))
        return 0

    def _has_breath(self) -> bool:
        """Let others write between two pieces of long work; False when it is time to stop."""
        return not self._stop.wait(BREATH)


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
