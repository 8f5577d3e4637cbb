"""The worker: sends what comes up, survives mistakes, keeps long jobs apart, and asks after a restored database."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.notices.parcel import Parcel
from bot.notices.settling import Sent, Verdict
from bot.use_cases.keep_sending import QUIET, ask_quotas, keep_beat, was_quiet
from bot.use_cases.staff_changes import Office
from handlers.worker import Tools, Worker
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.conversation.world import LINKS
from tests.bot.use_cases.stage import EvenPace, Letterbox
from tests.telling import message

OPENID = "o" + "p" * 27
NOW = datetime(2023, 6, 29, 2, 0, tzinfo=UTC)


class Box(Letterbox):
    """A post that does what it is told to, one thing after the other, then takes everything."""

    def __init__(self, *answers: Callable[[], Sent]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.done = threading.Event()

    def send(self, parcel: Parcel) -> Sent:
        """Send, or do what the test wants instead."""
        if self.answers:
            return self.answers.pop(0)()
        answer = super().send(parcel)
        self.done.set()
        return answer


@pytest.fixture
def office(work: SqlWork) -> Office:
    with work.writing() as uow:
        uow.seasons.save(people.SEASON)
        talk = uow.talks.open(OPENID).talk
        uow.talks.save(talk, talk.heard(int(time.time()), by_act=False))
        uow.commit()
    return Office(work, LINKS, lambda: datetime.now(UTC), lambda: "0" * 32)


def tell(work: SqlWork, once: str) -> str:
    with work.writing() as uow:
        made = message(once, OPENID, "notice.archive_approved", datetime.now(UTC))
        uow.notices.add(made)
        uow.commit()
    return made.id


@contextmanager
def running(worker: Worker) -> Iterator[threading.Thread]:
    thread = worker.start()
    try:
        yield thread
    finally:
        worker.stop()
        thread.join(5)
        assert not thread.is_alive()


def test_a_running_worker_sends_what_comes_up_and_stops_when_told(work: SqlWork, office: Office) -> None:
    box = Box()
    with running(Worker(Tools(office, box, EvenPace()), pause=0.02)):
        one = tell(work, "one")
        assert box.done.wait(5)
    assert [parcel.id for parcel in box.sent] == [one]


def test_a_mistake_of_ours_is_logged_without_its_text_and_does_not_end_the_worker(
    work: SqlWork, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def mistake() -> Sent:
        raise KeyError("王小明")

    caplog.set_level(logging.DEBUG)
    box = Box(mistake)
    tell(work, "one")
    with running(Worker(Tools(office, box, EvenPace()), pause=0.02)) as thread:
        while not any("KeyError" in record.getMessage() for record in caplog.records):
            thread.join(0.02)
            assert thread.is_alive()
        two = tell(work, "two")
        assert box.done.wait(5)
    assert [parcel.id for parcel in box.sent] == [two], "the first is taken over when its lease is over"
    assert "test_worker.py" in caplog.text
    assert "王小明" not in caplog.text


def test_a_long_job_keeps_no_message_waiting(work: SqlWork, office: Office) -> None:
    begun, ends = threading.Event(), threading.Event()

    def job() -> int:
        begun.set()
        ends.wait(5)
        return 0

    box = Box()
    with running(Worker(Tools(office, box, EvenPace(), job), 0.02)):
        assert begun.wait(5)
        tell(work, "one")
        assert box.done.wait(4)
        assert not ends.is_set()
        ends.set()


# -- the database that went back in time ---------------------------------------------------------------


def halted(work: SqlWork) -> list[str]:
    with work.reading() as uow:
        return [halt.said for halt in uow.halts.all()]


def test_a_first_start_and_a_restart_ask_nothing(work: SqlWork, office: Office) -> None:
    tell(work, "one")
    assert not was_quiet(work, NOW)
    keep_beat(work, NOW, None)
    assert not was_quiet(work, NOW + QUIET)
    keep_beat(work, NOW + QUIET, None)
    assert halted(work) == []
    assert office


def test_after_a_long_silence_what_waits_is_not_sent_before_somebody_says_so(work: SqlWork, office: Office) -> None:
    with work.writing() as uow:
        uow.beats.beat(datetime.now(UTC) - QUIET - timedelta(seconds=5))
        uow.commit()
    tell(work, "one")
    box = Box()
    with running(Worker(Tools(office, box, EvenPace()), pause=0.02)):
        time.sleep(0.5)
        assert not box.sent
        (said,) = halted(work)
        assert "恢复发送" in said
        with work.writing() as uow:
            uow.halts.lift(None)
            uow.commit()
        assert box.done.wait(5)


def test_after_a_long_silence_with_nothing_waiting_the_work_goes_on(work: SqlWork, office: Office) -> None:
    assert office
    with work.writing() as uow:
        uow.beats.beat(NOW)
        uow.commit()
    keep_beat(work, NOW + 2 * QUIET, None, is_quiet=True)
    assert halted(work) == []


def test_a_database_that_goes_back_under_a_running_worker_is_noticed(work: SqlWork, office: Office) -> None:
    assert office
    seen = keep_beat(work, NOW, None)
    seen = keep_beat(work, NOW + timedelta(seconds=3), seen)
    tell(work, "one")
    assert halted(work) == []
    later = NOW + timedelta(hours=2)  # what this worker said last, to the database that is gone
    keep_beat(work, later + timedelta(seconds=3), later)
    assert len(halted(work)) == 1


def test_a_quota_that_is_there_again_opens_the_channel(work: SqlWork, office: Office) -> None:
    box = Box(lambda: Sent(Verdict.HALT, code=45009, said="额度用完了", until=NOW + timedelta(days=9999)))
    tell(work, "one")
    worker = Worker(Tools(office, box, EvenPace()))
    worker.look()
    assert halted(work) == ["额度用完了"]
    box.channels = frozenset()
    assert ask_quotas(work, box, NOW) == 0, "the platform says no"
    box.channels = Letterbox().channels
    assert ask_quotas(work, box, datetime.now(UTC)) == 1
    worker.look()
    assert len(box.sent) == 1
