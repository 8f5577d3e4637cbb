"""The worker (后台发送): sends notices as they come up and plans the reminders of the calendar."""

import logging
import threading
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from bot.errors import QuxiangError
from bot.ports import Channel
from bot.use_cases.deliver_notices import deliver_notices, plan_reminders
from bot.use_cases.staff_changes import Office

PLAN_EVERY = 600.0
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """Runs until stopped (后台); any number may run, notices are claimed.

    Attributes:
        office: the work, the clock and the links.
        channel: the way to the graduates.
        pause: seconds between two looks when there is nothing to do.
    """

    office: Office
    channel: Channel
    pause: float = 1.0
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
        until_plan = 0.0
        while not self._stop.is_set():
            tried = 0
            try:
                if until_plan <= 0:
                    plan_reminders(self.office)
                    until_plan = PLAN_EVERY
                tried = deliver_notices(self.office.work, self.channel, self.office.clock)
            except QuxiangError as error:
                _LOG.warning("the worker waits: %s", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end all notices for good
                _LOG.error("the worker goes on after a mistake: %s at %s", type(error).__name__, _place(error))
            if not tried:
                until_plan -= self.pause
                self._stop.wait(self.pause)


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"
