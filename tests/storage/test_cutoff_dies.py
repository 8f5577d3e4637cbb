"""A process that dies in the middle of the cut-off loses nothing and does nothing twice: real processes, kill -9."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, func, select

from bot.registration.dossier import Dossier
from bot.registration.season import SHANGHAI
from bot.use_cases.register_unplaced import register_unplaced
from bot.use_cases.staff_changes import Office
from storage.notice_tables import delivery
from storage.staff_tables import audit, cutoff_run
from storage.tables import graduate
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
from tests.storage.conftest import new_id

ROOT = Path(__file__).parents[2]
COUNT = 60
MIDNIGHT = datetime(2023, 8, 31, 0, 0, tzinfo=SHANGHAI)
_WORKER = """
import sys, time, uuid
from datetime import datetime
from bot.use_cases import register_unplaced as cutoff
from bot.use_cases.staff_changes import Office
from storage.cipher import FieldCipher, derive_keys
from storage.engine import open_engine
from storage.unit_of_work import SqlWork
from tests.bot.conversation.world import LINKS
cutoff.PIECE = 2
key, index_key = derive_keys(b"an invented master secret for tests only")
work = SqlWork(open_engine(sys.argv[1]), FieldCipher({1: key}, index_key))
office = Office(work, LINKS, lambda: datetime.fromisoformat(sys.argv[2]), lambda: uuid.uuid4().hex)
cutoff.register_unplaced(office, lambda: time.sleep(0.02) is None)
"""


def test_two_workers_killed_in_the_middle_leave_each_graduate_registered_once_in_the_end(
    engine: Engine, work: SqlWork, database_url: str, plain: Callable[[int], Dossier]
) -> None:
    with work.writing() as uow:
        uow.registry.add_many([replace(plain(number), openid=f"o-{number}") for number in range(COUNT)])
        uow.commit()
    order = [sys.executable, "-c", _WORKER, database_url, MIDNIGHT.isoformat()]
    workers = [subprocess.Popen(order, cwd=ROOT) for _ in range(2)]
    deadline = time.monotonic() + 30
    while _registered(engine) < 6 and time.monotonic() < deadline:
        time.sleep(0.02)
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
    assert [worker.wait(30) for worker in workers] == [-signal.SIGKILL] * 2
    left = COUNT - _registered(engine)
    assert left > 0, "both died before the end"
    assert register_unplaced(Office(work, LINKS, lambda: MIDNIGHT, new_id)) == left
    assert _registered(engine) == COUNT
    with engine.connect() as connection:
        told = Counter(connection.execute(select(delivery.c.openid)).scalars())
        runs = connection.execute(select(cutoff_run.c.count.label("total"), cutoff_run.c.finished_at)).all()
        entries = connection.execute(select(func.count()).select_from(audit)).scalar_one()
    assert set(told.values()) == {1}
    assert len(told) == COUNT
    assert [(run.total, run.finished_at is not None) for run in runs] == [(COUNT, True)]
    assert entries == 1


def _registered(engine: Engine) -> int:
    with engine.connect() as connection:
        statement = select(func.count()).select_from(graduate).where(graduate.c.destination_code == "70")
        return int(connection.execute(statement).scalar_one())
