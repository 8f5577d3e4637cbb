"""Several workers, dead ones too: every upload is worked on to its end, and written once."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from bot.roster.columns import Column
from bot.staff.policy import Role
from bot.use_cases.roster_work import Opened, work_on_next
from handlers.roster.child import opened_sheet
from tests.handlers.staff.rosters import (
    actions,
    looked_at,
    newcomer,
    registered,
    rows_of,
    send,
    sums,
    work,
    workbook,
)
from tests.handlers.staff.stage import Clerk, ConsoleStage


@pytest.fixture
def clerk(stage: ConsoleStage) -> Clerk:
    """Somebody of the employment office."""
    return stage.clerk(Role.OFFICE)


def test_two_people_and_two_workers_write_once(stage: ConsoleStage, clerk: Clerk) -> None:
    other = stage.clerk(Role.ADMINISTRATOR)
    path = looked_at(stage, clerk, workbook([newcomer(900001)]))
    statuses: list[int] = []

    def press(who: Clerk) -> None:
        form = {"csrf_token": tokens[who.account.role]}
        statuses.append(who.client.post(f"{path}/apply", data=form).status_code)

    tokens = {who.account.role: who.token for who in (clerk, other)}
    both = [Thread(target=press, args=(who,)) for who in (clerk, other)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(statuses) == [303, 409]
    workers = [Thread(target=work, args=(stage,)) for _ in range(2)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert len(stage.dossiers()) == 21
    assert actions(stage) == ["ROSTER_UPLOADED", "ROSTER_APPLIED"]


def test_a_dead_workers_upload_is_taken_up_again_and_its_late_word_counts_for_nothing(
    stage: ConsoleStage, clerk: Clerk
) -> None:
    path = send(clerk, workbook([newcomer(900001)]))
    office = stage.installation.office
    seen: list[bool] = []

    def slow(content: Iterable[bytes], suffix: str) -> Opened:
        # Long after its lease ran out another worker does the whole job.
        stage.now += timedelta(minutes=2)
        if not seen:
            seen.append(True)
            assert work_on_next(office, slow)
        return opened_sheet(content, suffix)

    assert work_on_next(office, slow)
    assert sums(clerk, path) == (1, 0, 0, 0, 20)
    assert not work_on_next(office, slow)


@pytest.mark.parametrize("place", ["look", "write"])
def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    stage: ConsoleStage, clerk: Clerk, tmp_path: Path, place: str
) -> None:
    rows = registered(stage)
    rows[0][Column.CLASS] = "九班"
    path = send(clerk, workbook([*rows, newcomer(900001)]))
    if place == "write":
        work(stage)
        clerk.post(f"{path}/apply", 303)
    before = rows_of(stage)
    command = [sys.executable, str(Path(__file__).with_name("killed_worker.py")), str(tmp_path / "config.toml"), place]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == b"here\n"
        worker.kill()
    assert rows_of(stage) == before
    # Its lease counts by the real clock of that process, and somebody else takes over when it is past.
    stage.now = datetime.now(UTC)
    assert not work(stage)
    stage.now += timedelta(hours=1)
    assert work(stage) == 1
    if place == "look":
        assert sums(stage.clerk(Role.OFFICE), path) == (1, 1, 19, 0, 0)
        assert rows_of(stage) == before
    else:
        assert len(stage.dossiers()) == 21
        assert actions(stage) == ["ROSTER_UPLOADED", "ROSTER_APPLIED"]
