"""The worker (后台): sends what is due, keeps the broadcasts going, plans the calendar, and does the long jobs."""

import logging
import random
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.errors import QuxiangError
from bot.notices.delivery import LEASE
from bot.notices.ports import Pace, Post
from bot.use_cases.keep_progress import keep_progress
from bot.use_cases.keep_sending import ask_quotas, keep_beat, was_quiet
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.send_deliveries import Means, Sender, recover
from bot.use_cases.send_mass import MassMeans, run_mass
from bot.use_cases.staff_changes import Office
from handlers.places import places_of
from handlers.slots import Slots
from handlers.wechat.rendering import render

PLAN_EVERY = 600.0
KEEP_EVERY = 3.0
"""Seconds between two signs of life; a third of a lease, so that one lost sign loses no lease."""
BREATH = 0.05
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What the worker works with (后台工具).

    Attributes:
        office: the work, the clock and the links.
        post: the ways to the graduates.
        pace: the rate all processes share.
        jobs: does one long job, beside the messages; returns 0 if none waits.
        plan: further jobs of the calendar, each a function that returns how much it did.
        chores: further jobs of every second, the same.
    """

    office: Office
    post: Post
    pace: Pace
    jobs: Callable[[], int] = lambda: 0
    plan: Sequence[Callable[[], int]] = ()
    chores: Sequence[Callable[[], int]] = ()


@dataclass(slots=True)
class Worker:
    """Runs until stopped (后台); any number may run, whatever they do is taken by lease.

    Attributes:
        tools: see Tools.
        pause: seconds between two looks when there is nothing to do.
        senders: threads that send.
        owner: names this worker in the ledger.
    """

    tools: Tools
    pause: float = 1.0
    senders: int = 2
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    _stop: threading.Event = field(default_factory=threading.Event, repr=False)
    _seen: datetime | None = None
    _senders: list[Sender] = field(default_factory=list, repr=False)

    def start(self) -> threading.Thread:
        """Run in a thread of this process."""
        thread = threading.Thread(target=self.run, name="worker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Finish what is being sent, give the rest back, then end (收尾)."""
        self._stop.set()

    def run(self) -> None:
        """Look, send, wait, until stopped; whatever fails is logged and waited out."""
        self._begin()
        slots = Slots(self.tools.pace, self.tools.office.clock, self._stop.wait, self.senders)
        # A roster takes many seconds, a call to WeChat may take three: nobody waits for the other.
        rooms = [self._keep, self._plan, self._do_chores, self._do_jobs]
        rooms += [self._sending(slots)] * self.senders
        threads = [threading.Thread(target=room, name="worker-room", daemon=True) for room in rooms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sender(self, my_turn: Callable[[], bool] = lambda: True) -> Sender:
        """Return one sender of this worker (发送者)."""
        tools, clock = self.tools, self.tools.office.clock
        means = Means(tools.office.work, tools.post, tools.pace, clock, self.owner, my_turn, _jitter, render)
        self._senders.append(Sender(means, self._stop.is_set))
        return self._senders[-1]

    def look(self) -> int:
        """Do once, here and now, all that a running worker does every second (看一遍); return how many were taken."""
        self._safely(self._recover)
        for chore in self._chores():
            self._safely(chore)
        sender, taken = self.sender(), 0
        while some := sender.send_due():
            taken += some
        for chore in self._chores():
            self._safely(chore)
        return taken

    # -- the rooms -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Before anything is sent, find out whether this database is the one that was worked with last."""
        work, clock = self.tools.office.work, self.tools.office.clock
        while not self._stop.is_set():
            try:
                is_quiet = was_quiet(work, clock())
                # What the calendar brings counts as well: a restored database would bring it a second time.
                self._plan_once()
                self._seen = keep_beat(work, clock(), None, is_quiet=is_quiet)
            except QuxiangError as error:
                _LOG.warning("the worker waits to begin: %s", type(error).__name__)
                self._stop.wait(self.pause)
            else:
                return

    def _keep(self) -> None:
        """Say that this worker lives, keep what it holds, and take over from those that do not."""
        while not self._stop.wait(KEEP_EVERY):
            self._safely(self._kept)
            self._safely(self._recover)

    def _kept(self) -> int:
        now, work = self.tools.office.clock(), self.tools.office.work
        self._seen = keep_beat(work, now, self._seen)
        with work.writing() as uow:
            in_hand = [delivery_id for sender in self._senders for delivery_id in sender.in_hand]
            if in_hand:
                uow.ledger.renew(self.owner, in_hand, now + LEASE)
            uow.commit()
        return 1

    def _recover(self) -> int:
        return recover(self.tools.office.work, self.tools.office.clock())

    def _plan(self) -> None:
        while not self._stop.wait(PLAN_EVERY):
            self._plan_once()

    def _plan_once(self) -> None:
        office = self.tools.office
        # Each by itself: what stops one must not keep the others from their work.
        self._safely(lambda: register_unplaced(office, self._has_breath))
        for job in self.tools.plan:
            self._safely(job)
        self._safely(lambda: keep_progress(office))
        self._safely(lambda: ask_quotas(office.work, self.tools.post, office.clock()))

    def _chores(self) -> Sequence[Callable[[], int]]:
        tools = self.tools
        mass = MassMeans(
            tools.office.work,
            tools.post,
            tools.office.clock,
            self.owner,
            _jitter,
            tools.office.new_id,
            self._stop.is_set,
        )
        return (lambda: run_broadcasts(tools.office, self._has_breath), lambda: run_mass(mass), *tools.chores)

    def _do_chores(self) -> None:
        while not self._stop.wait(self.pause):
            for chore in self._chores():
                self._safely(chore)

    def _do_jobs(self) -> None:
        while not self._stop.is_set():
            if not self._safely(self.tools.jobs):
                self._stop.wait(self.pause)

    def _sending(self, slots: Slots) -> Callable[[], None]:
        def send() -> None:
            sender = self.sender(slots.my_turn)
            while not self._stop.is_set():
                if not self._safely(sender.send_due):
                    self._stop.wait(self.pause)

        return send

    def _safely(self, job: Callable[[], int]) -> int:
        try:
            return job()
        except QuxiangError as error:
            _LOG.warning("the worker waits: %s", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end all messages for good
            _LOG.error("the worker goes on after a mistake: %s", places_of(error))
        return 0

    def _has_breath(self) -> bool:
        """Let others write between two pieces of long work; False when it is time to stop."""
        return not self._stop.wait(BREATH)


def _jitter() -> float:
    return random.uniform(0.5, 1.5)  # noqa: S311 - spreads pauses out, hides nothing
