"""What a scan costs: wall ms and CPU ms a page, through the whole application, SQLite, each look written down.

.venv/bin/python -m tests.bench.scan [SCANS]

"""

import argparse
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from gzip import compress
from pathlib import Path
from urllib.parse import urlsplit

from werkzeug.test import Client

import app
from bot.registration.season import day_of
from bot.registration.verification import Subject, Verification
from bot.use_cases.staff_changes import change
from handlers.installation import Installation
from handlers.keys import read_keys
from handlers.verification.tokens import VerificationKeys
from tests.bench.turn import Person, installation

PEOPLE = 50


@dataclass(frozen=True)
class Cost:
    """What one kind of request cost."""

    wall: Sequence[float]
    cpu: float
    size: int
    small: int

    def line(self, name: str) -> str:
        """Write it as one line."""
        cuts = statistics.quantiles(self.wall, n=100)
        return (
            f"{name:28} p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms  {1 / self.cpu:6.0f} requests per CPU second  "
            f"{self.size} bytes, {self.small} compressed\n"
        )


def tokens(made: Installation, people: Sequence[Person]) -> Iterator[str]:
    """Give everybody a verification, and yield the paths of the codes."""
    ring = read_keys(made.settings.keys.folder)
    keys = VerificationKeys.of_list(ring.listed, ring.qr)
    for number, (student_number, _, _) in enumerate(people):
        now = app.now()
        fresh = Verification(app.new_id(), f"{23127150 + number}", Subject.ARCHIVE, "", now, day_of(now) + timedelta(7))
        changed = change(
            made.office,
            student_number,
            lambda dossier, season, at, fresh=fresh: dossier.confirm(season, at).authorise(  # type: ignore[misc]  # bound now
                replace(fresh, issued_at=at), season
            ),
        )
        issued = changed.verification_of(Subject.ARCHIVE)
        if issued is None:
            raise SystemExit("no verification")
        yield urlsplit(keys.landing_url(made.settings.server.public_url, issued)).path


def cost(web: Client, paths: Sequence[str], times: int, code: str) -> Cost:
    """Open the paths so often, one after the other."""
    wall, page = [], b""
    began = time.process_time()
    for at in range(times):
        start = time.perf_counter()
        # An address of its own for each: the limit of looks is no part of what is measured.
        answer = web.get(
            paths[at % len(paths)], environ_base={"REMOTE_ADDR": f"10.{at >> 16}.{at >> 8 & 255}.{at & 255}"}
        )
        page = answer.get_data()
        wall.append((time.perf_counter() - start) * 1000)
        if not re.search(rf">{code}<", page.decode()):
            raise SystemExit(f"not {code}: {answer.status}")
    return Cost(wall, (time.process_time() - began) / times, len(page), len(compress(page)))


def main(scans: int = 2000) -> None:
    """Scan, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        made, people = installation(Path(folder) / "bench", PEOPLE)
        paths, web = list(tokens(made, people)), Client(made.web())
        cost(web, paths, 2 * len(paths), "V0")  # first looks are told to the graduate; they come once
        sys.stdout.write(f"scan page, SQLite, {scans} requests each, one after the other\n")
        sys.stdout.write(cost(web, paths, scans, "V0").line("V0, look written down"))
        sys.stdout.write(cost(web, ["/v/" + "A" * 148], scans, "V6").line("V6, forged code"))
        sys.stdout.write(f"style sheet {len(web.get('/static/public.css').get_data())} bytes, kept by the browser\n")
        made.client.close()
        made.engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", nargs="?", type=int, default=2000)
    main(parser.parse_args().scans)
