"""Real threads and processes against each other, on every database."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.conversation.reply import Rendered
from bot.errors import MovedError
from bot.ports import Footstep
from bot.registration.dossier import Dossier
from storage.unit_of_work import SqlWork
from tests.telling import message

THREADS = 8
Plain = Callable[[int], Dossier]


def at_once(action: Callable[[int], str]) -> Counter[str]:
    """Run the action in eight threads that start together; count what they say."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> str:
        barrier.wait(timeout=10)
        return action(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(run, range(THREADS)))


@pytest.mark.usefixtures("season")
def test_the_same_message_in_eight_threads_has_one_effect(work: SqlWork, plain: Plain, now: datetime) -> None:
    dossier = plain(1).bind("oRace")
    with work.writing() as unit:
        unit.registry.add_many([dossier])
        unit.commit()

    def receive(number: int) -> str:
        for _ in range(100):
            with work.reading() as unit:
                opened = unit.talks.open("oRace")
            stored = opened.talk.stored_reply("message-1")
            if stored:
                return stored.text
            reply = Rendered(f"answer {number}", 1)
            assert opened.dossier is not None
            try:
                with work.writing() as unit:
                    unit.registry.save(opened.dossier, opened.dossier.check(now + timedelta(seconds=number)))
                    unit.talks.save(opened.talk, replace(opened.talk, seen=opened.talk.seen_with("message-1", reply)))
                    unit.trail.add(Footstep(dossier.id, "r", "check.all", "yes", "board.board", now))
                    unit.commit()
            except MovedError:
                continue
            return reply.text
        return "never"

    answers = at_once(receive)
    assert len(answers) == 1, answers
    with work.reading() as unit:
        opened = unit.talks.open("oRace")
    assert opened.talk.seq == 1
    assert opened.dossier is not None
    assert opened.dossier.version == 1


def test_of_eight_changes_of_one_dossier_each_is_stored_or_refused(work: SqlWork, plain: Plain) -> None:
    dossier = plain(1)
    with work.writing() as unit:
        unit.registry.add_many([dossier])
        unit.commit()

    def change(number: int) -> str:
        try:
            with work.writing() as unit:
                unit.registry.save(dossier, dossier.bind(f"oRace{number}"))
                unit.commit()
        except MovedError:
            return "refused"
        return "stored"

    assert at_once(change) == {"stored": 1, "refused": THREADS - 1}


def test_of_eight_graduates_one_gets_the_account(work: SqlWork, plain: Plain) -> None:
    dossiers = [plain(n) for n in range(THREADS)]
    with work.writing() as unit:
        unit.registry.add_many(dossiers)
        unit.commit()

    def bind(number: int) -> str:
        try:
            with work.writing() as unit:
                unit.registry.save(dossiers[number], dossiers[number].bind("oOne"))
                unit.commit()
        except MovedError:
            return "refused"
        return "stored"

    assert at_once(bind) == {"stored": 1, "refused": THREADS - 1}


def test_no_failure_is_lost_when_many_guess_at_once(work: SqlWork, now: datetime) -> None:
    def fail(_: int) -> str:
        for _ in range(100):
            try:
                with work.writing() as unit:
                    unit.guards.fail(["student:1", "openid:o1"], now)
                    unit.commit()
            except MovedError:
                continue
            return "counted"
        return "never"

    with work.reading() as unit:
        assert unit.guards.locked_until(["student:1"], now) is None
    assert at_once(fail) == {"counted": THREADS}
    with work.reading() as unit:
        assert unit.guards.locked_until(["student:1"], now) is not None


def test_a_thing_said_by_eight_threads_is_stored_once(work: SqlWork, now: datetime) -> None:
    def add(number: int) -> str:
        with work.writing() as unit:
            added = unit.notices.add(replace(message("once", "oN", "k", now), id=f"{number:032}"))
            unit.commit()
        return str(added)

    assert at_once(add) == {"True": 1, "False": THREADS - 1}


WORKER = """
import sys
from datetime import UTC, datetime, timedelta
from bot.errors import MovedError
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.unit_of_work import SqlWork
key, index_key = derive_keys(b"an invented master secret for tests only")
work = SqlWork(open_engine(sys.argv[1]), FieldCipher({1: key}, index_key))
now = datetime(2023, 6, 2, tzinfo=UTC)
empty = 0
while empty < 3:
    try:
        with work.writing() as unit:
            claimed = unit.ledger.claim(sys.argv[2], now + timedelta(hours=1), now, 7)
            unit.commit()
    except MovedError:
        continue
    empty = 0 if claimed else empty + 1
    print(*claimed)
"""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_processes_that_claim_at_once_never_get_the_same_notice(
    work: SqlWork, now: datetime, database_url: str
) -> None:
    notices = [message(f"{n:032}", "oN", "k", now) for n in range(120)]
    with work.writing() as unit:
        assert all(unit.notices.add(notice) for notice in notices)
        unit.commit()
    root = Path(__file__).parents[2]
    order = [sys.executable, "-c", WORKER, database_url]
    workers = [
        subprocess.Popen([*order, str(number)], stdout=subprocess.PIPE, cwd=root, text=True) for number in range(3)
    ]
    claimed = [line for worker in workers for line in worker.communicate(timeout=60)[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sorted(claimed) == [notice.id for notice in notices]
