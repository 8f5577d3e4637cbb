"""The exposition (指标输出) for Prometheus: counts of the processes, and gauges counted in the database.

The library's mode for several processes takes no collectors of one's own, so the gauges have a registry to themselves.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from bot.errors import QuxiangError
from bot.notices.delivery import Channel
from bot.notices.scene import ALL
from bot.ports import Clock
from handlers.watching.inquiry import Inquiry, NoAnswerError
from handlers.watching.shared_counts import SHARED
from storage.queue_facts import QueueFacts

BUDGET: Final = 2.0
"""Seconds a scrape waits for the database; then it tells what it has."""

FRESH_FOR: Final = 5.0
_SHARE: Final = 20
"""What was long to count is counted less often: a scrape never keeps the database busy for more than a twentieth."""

_STALE_AFTER: Final = 300.0


class _Counted(NamedTuple):
    facts: QueueFacts
    at: float
    took: float

    def is_fresh(self) -> bool:
        return time.monotonic() - self.at < max(FRESH_FOR, _SHARE * self.took)


class Exposition:
    """Tells the numbers (指标输出); safe for threads.

    Args:
        count: counts in the database.
        clock: the time.
    """

    content_type: Final = CONTENT_TYPE_LATEST

    def __init__(self, count: Callable[[datetime], QueueFacts], clock: Clock) -> None:
        self._count = count
        self._clock = clock
        self._last: _Counted | None = None
        self._inquiry = Inquiry(self._counted, "metrics", give_up=60.0, most=2)
        self._gauges = CollectorRegistry()
        self._gauges.register(_Gauges(self._present, clock))

    def text(self) -> bytes:
        """Return everything in Prometheus' text format (全部指标)."""
        return generate_latest(SHARED.registry) + generate_latest(self._gauges)

    def _present(self) -> _Counted | None:
        last = self._last
        if last is None or not last.is_fresh():
            question = self._inquiry.ask()
            try:
                last = question.answer(time.monotonic() + BUDGET)
            except (NoAnswerError, QuxiangError):
                last = self._last
        return last

    def _counted(self) -> _Counted:
        began = time.monotonic()
        facts = self._count(self._clock())
        ended = time.monotonic()
        self._last = _Counted(facts, ended, ended - began)
        return self._last


class _Gauges(Collector):
    """The gauges (数据库指标); what was counted long ago is left out, for an old number looks like a true one."""

    def __init__(self, present: Callable[[], _Counted | None], clock: Clock) -> None:
        self._present = present
        self._clock = clock

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return nothing: to register must not ask the database."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the gauges as of now, or as they were last."""
        counted = self._present()
        age = time.monotonic() - counted.at if counted else float("inf")
        yield _one("quxiang_facts_age_seconds", "Seconds since the gauges below were counted.", age)
        if counted is not None and age < _STALE_AFTER:
            now = self._clock()
            yield from _queues(counted.facts, now)
            yield from _people(counted.facts)


def _queues(facts: QueueFacts, now: datetime) -> Iterator[GaugeMetricFamily]:
    queue: dict[tuple[str, ...], float] = {
        (sender, state.lower()): many for (sender, state), many in facts.queue.items()
    }
    yield _many("quxiang_deliveries", "Messages in open states.", ("sender", "state"), queue)
    overdue: dict[tuple[str, ...], float] = {
        (sender,): _seconds(now, facts.oldest_due.get(sender)) for sender in ("system", "broadcast")
    }
    yield _many("quxiang_delivery_overdue_seconds", "How long the oldest message has been due.", ("sender",), overdue)
    lease = _seconds(now, facts.oldest_lease)
    yield _one("quxiang_lease_overdue_seconds", "How long ago the oldest lease ran out; 0 if none did.", lease)
    yield _one("quxiang_reports_unmatched", "Reports of the platform that wait for their message.", facts.unmatched)
    yield _by("quxiang_broadcasts", "Broadcasts by state.", "state", facts.broadcasts)
    yield _by("quxiang_mass_batches", "Mass batches by state.", "state", facts.batches)
    halted = {halt.name for halt in facts.halts}
    scopes = {name: int(name in halted) for name in (ALL, *(channel.name for channel in Channel))}
    yield _by("quxiang_halted", "1 for a channel that is halted.", "channel", scopes)
    if facts.per_second is not None:
        yield _one("quxiang_pace_per_second", "Calls to WeChat a second, at present.", facts.per_second)
    beat = _seconds(now, facts.beat) if facts.beat else float("inf")
    yield _one("quxiang_worker_beat_age_seconds", "Seconds since a worker said that it lives.", beat)


def _people(facts: QueueFacts) -> Iterator[GaugeMetricFamily]:
    turns: dict[tuple[str, ...], float] = {}
    for (place, outcome), many in facts.turns.items():
        flow, _, step = place.partition(".")
        turns[flow, step, outcome] = many
    help_ = "Messages of the chat in the last hour, by the question they answered."
    yield _many("quxiang_turns_last_hour", help_, ("flow", "step", "outcome"), turns)
    yield _one("quxiang_talks", "WeChat accounts that have written.", facts.talks)
    yield _by("quxiang_graduates", "Graduates of the current season by stage.", "stage", facts.stages)


def _one(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_, value=value)


def _by(name: str, help_: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    return _many(name, help_, (label,), {(key.lower(),): value for key, value in values.items()})


def _many(name: str, help_: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_, labels=labels)
    for keys, value in values.items():
        family.add_metric(keys, value)
    return family


def _seconds(now: datetime, since: datetime | None) -> float:
    """Return how long ago it was; 0 for nothing, and for what is still to come."""
    return max(timedelta(), now - since).total_seconds() if since else 0.0
