"""The worker runs the cut-off by itself, and a cut-off that cannot run keeps no notice from being sent."""

import time
from collections.abc import Callable

import pytest

from bot.notices.delivery import Channel
from bot.use_cases.staff_changes import Office
from handlers import worker as worker_module
from handlers.worker import Tools, Worker
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.conversation.world import LINKS
from tests.bot.use_cases.stage import EvenPace, Letterbox


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


@pytest.fixture
def office(work: SqlWork) -> Office:
    unplaced = people.new_dossier(openid=people.OPENID)
    with work.writing() as uow:
        uow.seasons.save(people.SEASON)
        uow.registry.add_many([unplaced])
        uow.commit()
    ids = iter(f"{number:032x}" for number in range(1, 99))
    return Office(work, LINKS, lambda: people.AFTER, lambda: next(ids))


def test_the_worker_registers_at_the_cut_off_and_tells_the_graduate(office: Office, work: SqlWork) -> None:
    box = Letterbox(channels=frozenset({Channel.TEMPLATE}))
    worker = Worker(Tools(office, box, EvenPace()), pause=0.02)
    thread = worker.start()
    assert until(lambda: [parcel.openid for parcel in box.sent] == [people.OPENID])
    worker.stop()
    thread.join(5)
    with work.reading() as uow:
        assert [(run.count, run.finished_at) for run in uow.cutoffs.runs("2023")] == [(1, people.AFTER)]


def test_a_cut_off_that_fails_leaves_the_other_work_alone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fails(*_args: object) -> int:
        asked.append("cut-off")
        raise ZeroDivisionError

    def runs(*_args: object) -> int:
        asked.append("broadcasts")
        return 0

    monkeypatch.setattr(worker_module, "register_unplaced", fails)
    monkeypatch.setattr(worker_module, "run_broadcasts", runs)
    worker = Worker(Tools(office, Letterbox(), EvenPace()), pause=0.02)
    thread = worker.start()
    assert until(lambda: asked[:2] == ["cut-off", "broadcasts"])
    worker.stop()
    thread.join(5)
