"""What a page of the review room costs: CPU ms and bytes, 50,000 graduates of 20 colleges, a tenth of them waiting.

.venv/bin/python -m tests.bench.reviews [GRADUATES]

"""

import argparse
import gzip
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.registration.dossier import Dossier
from bot.staff.policy import Role
from bot.staff.review_queue import Place
from tests.handlers.staff.stage import ITEMS, MORNING, Clerk, ConsoleStage, dossier, graduate, raised

PIECE = 5000
ROUNDS = 40
COLLEGES = 20


def person(index: int) -> Dossier:
    """Invent a graduate of one of many colleges; every third who waits gives hints, every fifth was returned."""
    made = dossier(index)
    who = replace(graduate(index), college=f"第{index // 10 % COLLEGES + 1}学院")
    made = replace(made, graduate=who, confirmation=None, verifications=())
    if index % 10 == 5:
        items = replace(ITEMS, address="北京市学府路", postcode="215000") if index % 3 == 0 else ITEMS
        at = MORNING - timedelta(hours=1) + timedelta(milliseconds=index)
        if index % 50 == 5:
            made = made.return_archive("地址请写到门牌号和房间号，从省份写起", at)
            made = made.submit_archive(items, at)
        else:
            made = replace(made, archive=replace(made.archive, items=items, submitted_at=at))
    return made


def fill(stage: ConsoleStage, count: int) -> None:
    """Store the graduates after the twenty of the stage."""
    for start in range(20, count, PIECE):
        with stage.installation.work.writing() as uow:
            uow.registry.add_many([person(index) for index in range(start, min(start + PIECE, count))])
            uow.commit()


def measure(clerk: Clerk, name: str, path: str) -> None:
    """Open a page again and again and write down what it cost."""
    cpu, size, small = [], 0, 0
    for _ in range(ROUNDS):
        began = time.process_time()
        body = clerk.get(path).data
        cpu.append((time.process_time() - began) * 1000)
        size, small = len(body), len(gzip.compress(body))
    typical, worst = statistics.median(cpu), max(cpu)
    sys.stdout.write(f"{name:28} {typical:6.1f} ms CPU (worst {worst:6.1f})  {size:6} bytes, {small:6} compressed\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graduates", type=int, nargs="?", default=50_000)
    with tempfile.TemporaryDirectory() as folder, raised(Path(folder)) as stage:
        fill(stage, parser.parse_args().graduates)
        clerk = stage.clerk(Role.OFFICE)
        half = Place(MORNING - timedelta(hours=1) + timedelta(seconds=25), f"{25005:032x}")
        for name, path in {
            "queue": "/staff/reviews",
            "queue, one college": "/staff/reviews?college=第3学院",
            "queue, with hints": "/staff/reviews?hints=yes",
            "queue, nothing fits": "/staff/reviews?type=ORIGIN",
            "queue, half-way": f"/staff/reviews?after={half}",
            "entry": f"/staff/reviews/{3005:032x}",
            "entry, filtered": f"/staff/reviews/{3005:032x}?hints=no&college=第1学院",
            "reasons": "/staff/reviews/reasons",
        }.items():
            measure(clerk, name, path)
