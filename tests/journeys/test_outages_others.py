"""Redis or CHSI is stopped, frozen or slow: messages are answered at once, and what they need works again by itself."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
import requests

from bot.roster.columns import Column
from handlers.roster.demo import demo_roster
from tests.journeys.outage import BANNER, SLOW, Launcher, OutageTown, Plan, built, goes_on, launched, meanwhile, ready
from tests.journeys.own_servers import OwnServer, own_redis, remove
from tests.journeys.people import Person
from tests.journeys.proxy import Wire
from tests.journeys.stage import GRADUATES, TODAY
from tests.listening import LISTENER

Build = Callable[..., AbstractContextManager[OutageTown]]
_LOG = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    with launched() as process:
        yield process


@pytest.fixture
def build(tmp_path: Path, prepared: Path, launcher: Launcher) -> Build:
    def build_it(**more: object) -> AbstractContextManager[OutageTown]:
        return built(Plan(tmp_path, prepared, **more), launcher)  # type: ignore[arg-type]  # passed on as it is

    return build_it


@pytest.fixture
def town(build: Build) -> Iterator[OutageTown]:
    """A town whose CHSI hangs on a wire."""
    with build(chsi=partial(Wire, "127.0.0.1")) as built_town:
        yield built_town
        built_town.line.cut()


def knows(town: OutageTown, graduate: Person) -> None:
    """Let CHSI know a graduate as bound."""
    row = next(row for row in demo_roster(TODAY, GRADUATES).rows if row[Column.STUDENT_NUMBER] == graduate.number)
    LISTENER.guard([row[Column.IDENTITY_NUMBER], row[Column.MOBILE]])
    town.sandbox.chsi.set_person(row[Column.IDENTITY_NUMBER], row[Column.NAME], bound=True)


def almost_in(town: OutageTown, situation: str) -> Person:
    """A graduate who only has to give the end of the ID number."""
    graduate = town.graduate(situation)
    graduate.follows()
    graduate.says(graduate.number, "login.name.ask")
    graduate.says(graduate.who.name, "login.tail.ask")
    return graduate


BREAKS: dict[str, Callable[[Wire], None]] = {
    "stopped": Wire.cut,
    "frozen": Wire.freeze,
    "slow": lambda wire: wire.slow_down(SLOW),
}


@pytest.mark.parametrize("fall", BREAKS)
def test_chsi_falls_and_the_graduate_is_told_on_the_first_push(fall: str, town: OutageTown) -> None:
    graduate = almost_in(town, "学信网没有绑定")
    knows(town, graduate)
    BREAKS[fall](town.line)
    seen = town.answers(graduate, graduate.who.identity_tail)
    graduate.expects("login.tail.unavailable")
    assert [attempt for attempt, _, _ in seen] == [1]
    town.line.mend()
    graduate.says("再查一次", "login.chsi.done", "personal.check.ask")
    assert town.ask("SELECT count(*) FROM graduate WHERE openid IS NOT NULL") == 1
    _LOG.info("CHSI %s: %s", fall, seen)


def test_chsi_comes_back_in_the_middle_and_the_first_push_has_the_real_answer(town: OutageTown) -> None:
    graduate = almost_in(town, "学信网没有绑定")
    knows(town, graduate)
    town.line.freeze()

    def come_back() -> None:
        time.sleep(0.7)
        town.line.mend()

    repair = meanwhile(come_back)
    _LOG.info("CHSI frozen, back after 0.7: %s", town.answers(graduate, graduate.who.identity_tail))
    repair.join()
    graduate.expects("personal.check.ask")


def test_a_chsi_that_hangs_for_a_whole_class_leaves_room_for_everybody_else(town: OutageTown) -> None:
    listed = [each.situation for each in demo_roster(TODAY, GRADUATES).tryouts if "登录不成功" not in each.situation]
    crowd = [almost_in(town, situation) for situation in dict.fromkeys(listed)]
    town.change("UPDATE graduate SET chsi_bound = NULL")  # now CHSI has to be asked about everybody
    other = town.sandbox.phone("somebody else")
    town.line.freeze()
    before = len(town.sandbox.pushes)
    threads = [meanwhile(partial(each.phone.say, each.who.identity_tail)) for each in crowd]
    time.sleep(0.3)
    other.follow()
    for thread in threads:
        thread.join()
    pushes = list(town.sandbox.pushes)[before:]
    by_person = [[push for push in pushes if push.fields["FromUserName"] == each.phone.openid] for each in crowd]
    for few in by_person:
        town.is_as_promised(few)
    quick = next(push for push in pushes if push.fields["FromUserName"] == other.openid)
    worst = max(few[-1].seconds for few in by_person)
    _LOG.info("CHSI frozen, %d log in: worst %.2f s, all others %.2f s", len(crowd), worst, quick.seconds)
    assert quick.outcome == "answer"
    assert quick.seconds < 1


@pytest.fixture
def redis() -> Iterator[OwnServer]:
    server = own_redis()
    server.start()
    yield server
    remove(server)


@pytest.mark.redis
@pytest.mark.parametrize("fall", BREAKS)
def test_redis_falls_and_nobody_notices(fall: str, redis: OwnServer, build: Build) -> None:
    wire = Wire("127.0.0.1", redis.port)
    with build(more={"redis": {"url": f"redis://127.0.0.1:{wire.own_port}/0"}}) as town:
        graduate = ready(town)
        BREAKS[fall](wire)
        seen = town.answers(graduate, "一周")
        began = time.monotonic()
        page = requests.get(graduate.report, timeout=20)
        took = time.monotonic() - began
        assert [attempt for attempt, _, _ in seen] == [1]
        assert page.status_code == 200
        wire.mend()
        goes_on(graduate, town, is_done=True)
        assert not [words for words in graduate.heard if BANNER in words]
    _LOG.info("Redis %s: %s, a page %.2f s", fall, seen, took)
    wire.cut()
