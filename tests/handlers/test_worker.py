import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.conversation.reply import Reply
from bot.ports import Links, Notice, Outcome
from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from bot.use_cases.staff_changes import Office
from handlers.worker import Worker
from storage.unit_of_work import SqlWork

NOW = datetime(2023, 6, 29, 2, 0, tzinfo=UTC)


class NoLinks:
    """Links nobody needs here."""

    def report(self, verification: Verification) -> str:
        """Return no address."""
        return verification.id

    def real_person(self, dossier: Dossier) -> str:
        """Return no address."""
        return dossier.id


class Channel:
    """A channel that answers what it is told to, one answer after the other, then SENT."""

    def __init__(self, *answers: Callable[[], Outcome]) -> None:
        self.answers = list(answers)
        self.sent: list[str] = []
        self.done = threading.Event()

    def send(self, openid: str, reply: Reply, once: str) -> Outcome:
        """Send, or do what the test wants instead."""
        assert reply.text
        if self.answers:
            return self.answers.pop(0)()
        self.sent.append(f"{openid} {once}")
        self.done.set()
        return Outcome.SENT


@pytest.fixture
def office(work: SqlWork) -> Office:
    links: Links = NoLinks()
    return Office(work, links, lambda: datetime.now(UTC), lambda: "0" * 32)


def tell(work: SqlWork, once: str) -> None:
    with work.writing() as uow:
        uow.notices.add(Notice(once.rjust(32, "0"), "o" + "p" * 27, "notice.archive_approved", {}, once, NOW))
        uow.commit()


def test_a_running_worker_sends_what_comes_up_and_stops_when_told(work: SqlWork, office: Office) -> None:
    channel = Channel()
    worker = Worker(office, channel, pause=0.02)
    thread = worker.start()
    tell(work, "one")
    assert channel.done.wait(5)
    worker.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert channel.sent == ["o" + "p" * 27 + " one"]


def test_a_mistake_of_ours_is_logged_without_its_text_and_does_not_end_the_worker(
    work: SqlWork, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    def mistake() -> Outcome:
        raise KeyError("王小明")

    caplog.set_level(logging.DEBUG)
    channel = Channel(mistake)
    worker = Worker(office, channel, pause=0.02)
    tell(work, "one")
    thread = worker.start()
    while not any("KeyError" in record.getMessage() for record in caplog.records):
        thread.join(0.02)
        assert thread.is_alive()
    tell(work, "two")
    assert channel.done.wait(5)
    worker.stop()
    thread.join(5)
    assert channel.sent == ["o" + "p" * 27 + " two"], "the first one is tried again when its lease is over"
    assert "test_worker.py" in caplog.text
    assert "王小明" not in caplog.text


def test_a_long_job_keeps_no_notice_waiting(work: SqlWork, office: Office) -> None:
    begun, ends = threading.Event(), threading.Event()

    def job() -> int:
        begun.set()
        ends.wait(5)
        return 0

    channel = Channel()
    worker = Worker(office, channel, 0.02, job)
    thread = worker.start()
    assert begun.wait(5)
    tell(work, "one")
    assert channel.done.wait(4)
    assert not ends.is_set()
    worker.stop()
    ends.set()
    thread.join(5)
    assert not thread.is_alive()
