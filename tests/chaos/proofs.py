"""The proofs of the ledger: nothing lost and nothing twice under kill -9, pauses that hold, a rate that is kept."""

import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.notices.delivery import DeliveryState
from tests.chaos.school import TEMPLATE_PATH, School, until

FAULTS = {"-1": 0.01, "45011": 0.0005, "40001": 0.002, "lost": 0.01}
"""What the distant WeChat does to a call by chance; not 43117, whose ten minutes nobody wants to wait for."""
RECOVERY = 15.0
PAUSE = 2.0

_ARRIVED = {DeliveryState.ACCEPTED, DeliveryState.DELIVERED}
_ACCOUNTED = {DeliveryState.FAILED_TEMP, DeliveryState.FAILED_PERM, DeliveryState.UNKNOWN, DeliveryState.SKIPPED}


@dataclass(frozen=True)
class Killed:
    """What came of a broadcast among kills.

    Attributes:
        kills: workers killed.
        seconds: how long it all took.
        recovery: seconds until nothing was left in the hands of the dead, all workers having been killed at once.
        states: how many deliveries ended how.
        lost: recipients who did not get it, and whose state does not say so.
        twice: recipients who got it more than once.
    """

    kills: int
    seconds: float
    recovery: float
    states: Counter[DeliveryState]
    lost: int
    twice: int


def among_kills(school: School, kills: int, workers: int = 4, seed: int = 0, most_seconds: float = 1200) -> Killed:
    """Let workers send a broadcast while they are killed at random, and once all of them together."""
    dice, size, begin = random.Random(seed), len(school.openids), time.monotonic()
    school.sandbox.ask("chaos", FAULTS, seed)
    school.start(workers)
    assert until(school.is_frozen, 60) is not None
    done, recovery = 0, 0.0
    while not school.is_over():
        time.sleep(dice.uniform(0.02, 0.12))
        assert sum(school.states().values()) == size, "the states add up to the audience at every step"
        if done == kills // 2 and not recovery:
            recovery = _all_killed(school, workers)
            done += workers
        elif done < kills:
            school.kill(dice.randrange(workers))
            school.start()
            done += 1
        assert time.monotonic() - begin < most_seconds, school.states()
    school.stop()
    school.sandbox.ask("chaos", {})
    lost, twice = _checked(school)
    return Killed(done, time.monotonic() - begin, recovery, school.states(), lost, twice)


def _all_killed(school: School, workers: int) -> float:
    """Kill everybody at once; return how long the others needed to take over everything the dead held."""
    until(lambda: bool(school.held()), 70, every=0.01)
    for _ in range(workers):
        school.kill(0)
    held, begin = school.held(), time.monotonic()
    school.start(workers)
    # What is held by another owner now was taken over.
    assert until(lambda: not held & school.held(), 4 * RECOVERY) is not None
    return time.monotonic() - begin


def _checked(school: School) -> tuple[int, int]:
    """Return how many were lost without a word, and how many got it twice."""
    states, lost, twice = school.by_openid(), 0, 0
    for openid in school.openids:
        times = sum(school.sandbox.ask("received", openid).values())
        twice += times > 1
        state = states[openid]
        lost += times == 0 and state not in _ACCOUNTED
        assert not (times == 0 and state in _ARRIVED), "what is called accepted has arrived"
    return lost, twice


def paused_again_and_again(school: School, times: int, workers: int = 4, seed: int = 0) -> int:
    """Pause and resume; return the most messages that began later than two seconds after a pause."""
    dice, late = random.Random(seed), 0
    school.start(workers)
    assert until(school.is_frozen, 60) is not None
    for _ in range(times):
        time.sleep(dice.uniform(0.1, 0.4))
        if school.is_over():
            break
        school.move("pause")
        paused = datetime.now(UTC)
        time.sleep(PAUSE + 0.1)
        before = school.states()
        assert sum(before.values()) == len(school.openids)
        time.sleep(0.2)
        late = max(late, school.sent_since(paused + timedelta(seconds=PAUSE)))
        assert school.states() == before, "a paused broadcast stands still"
        school.move("resume")
    assert until(school.is_over, 300) is not None
    school.stop()
    lost, twice = _checked(school)
    assert (lost, twice) == (0, 0)
    return late


def busiest_second(school: School, seconds: float, workers: int = 4) -> int:
    """Send with several processes for a while; return the most calls that arrived within any one second."""
    school.start(workers)
    assert until(school.is_frozen, 60) is not None
    time.sleep(seconds)
    school.stop()
    return int(school.sandbox.ask("busiest_second", TEMPLATE_PATH))
