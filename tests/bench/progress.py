"""What the pages of progress cost: CPU ms and bytes a page, 50,000 graduates, through the whole application.

.venv/bin/python -m tests.bench.progress [GRADUATES] [--on postgresql|mariadb]

"""

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import bindparam, create_engine, make_url, text, update

from app import build
from bot.staff.account import Account
from bot.staff.policy import Role
from bot.use_cases.keep_progress import keep_progress
from handlers.installation import Installation
from handlers.keys import make_keys
from handlers.settings import read_settings
from handlers.staff.passwords import hash_password
from storage.migrating import migrate
from storage.tables import graduate
from tests.conftest import SERVERS
from tests.handlers.staff.stage import MORNING, PASSWORD, SEASON, Clerk, ConsoleStage, dossier

CONFIG = """
[server]
public_url = "http://127.0.0.1:9"
[database]
url = "{url}"
[keys]
folder = "{folder}/keys"
[wechat]
app_id = "wx2023console0629"
app_secret = "console-app-secret-0629"
tokens = ["consoletoken0629"]
mode = "plain"
"""
COLLEGES, MAJORS, CLASS_SIZE = 20, 120, 40
PIECE = 5000
PLACE = (
    update(graduate)
    .where(graduate.c.id == bindparam("row"))
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in ("college", "major", "class_name", "counsellor_staff_number", "counsellor_name")
        }
    )
)


def place(index: int) -> dict[str, str]:
    """Return where the graduate of an index belongs: 40 in a class, five classes to a counsellor."""
    number = index // CLASS_SIZE
    major = number % MAJORS
    return {
        "row": f"{index:032x}",
        "new_college": f"第{major % COLLEGES + 1}学院",
        "new_major": f"应用专业方向{major + 1}",
        "new_class_name": f"2019级{number // MAJORS + 1}班",
        "new_counsellor_staff_number": f"T{number // 5:04}",
        "new_counsellor_name": f"辅导员{number // 5}",
    }


def school(folder: Path, url: str, count: int) -> Installation:
    """Make a school with so many graduates, staff of every role, and the days of two weeks."""
    make_keys(folder / "keys")
    (folder / "config.toml").write_text(CONFIG.format(url=url, folder=folder), "utf-8")
    migrate(url)
    made = build(read_settings(folder / "config.toml", {}), lambda: MORNING)
    hashed = hash_password(PASSWORD)
    with made.work.writing() as uow:
        uow.seasons.save(SEASON)
        for role in Role:
            number = "T0007" if role is Role.COUNSELLOR else ""
            account = Account(uuid.uuid4().hex, role.name.lower(), role.value, role, MORNING, number, hashed)
            uow.accounts.add(account.with_password(hashed))
        uow.commit()
    for start in range(0, count, PIECE):
        with made.work.writing() as uow:
            uow.registry.add_many([dossier(index) for index in range(start, min(start + PIECE, count))])
            uow.commit()
    with made.engine.connect() as connection, connection.execution_options(isolation_level="SERIALIZABLE").begin():
        connection.execute(PLACE, [place(index) for index in range(count)])
    with made.engine.connect() as connection:
        if made.engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE graduate"))
    for days in range(15):
        keep_progress(replace(made.office, clock=lambda days=days: MORNING - timedelta(days=days)))  # type: ignore[misc]  # bound now
    return made


@contextmanager
def server_database(service: str) -> Iterator[str]:
    """Make a database of our own on a server of the tests, and drop it in the end."""
    server = create_engine(SERVERS[service], isolation_level="AUTOCOMMIT")
    name = "quxiang_bench_progress"
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(SERVERS[service]).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}{' WITH (FORCE)' if service == 'postgresql' else ''}"))
        server.dispose()


def measured(clerk: Clerk, path: str, times: int = 20) -> str:
    """Open a page so often, and write what it cost as one line."""
    size = len(clerk.get(path).data)
    spent, wall = [], []
    for _ in range(times):
        began, start = time.process_time(), time.perf_counter()
        clerk.client.get(path)
        spent.append((time.process_time() - began) * 1e3)
        wall.append((time.perf_counter() - start) * 1e3)
    figures = f"{statistics.median(spent):7.1f} {max(spent):7.1f} {statistics.median(wall):7.1f} ms"
    return f"{figures} {size:7} bytes  {path[:60]}\n"


def exported(clerk: Clerk, fields: Mapping[str, str]) -> str:
    """Take the whole school out as a file, and write what it cost as one line."""
    token = clerk.token
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew: building the school was another
    before, began = memory("VmRSS"), time.process_time()
    answer = clerk.client.post("/staff/graduates/export", data={"csrf_token": token, **fields})
    if answer.status_code != 200:
        raise SystemExit(f"export refused: {answer.status_code}")
    size = sum(map(len, answer.response))
    spent, more = time.process_time() - began, memory("VmHWM") - before
    words = " ".join(fields.values())
    return f"{spent:7.1f} s CPU, {size / 1e6:.1f} MB, memory at most {more:.0f} MiB more  {words}\n"


def memory(name: str) -> float:
    """Return a figure of this process's memory (Linux), in MiB."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1024


PAGES = (
    "/staff/progress",
    "/staff/progress?by=major",
    "/staff/progress?by=class",
    "/staff/progress?by=counsellor",
    "/staff/progress?college=第1学院",
    "/staff/progress?college=第1学院&major=应用专业方向1",
    "/staff/progress?counsellor=T0007",
    "/staff/graduates",
    "/staff/graduates?stage=UNBOUND",
    "/staff/graduates?college=第1学院",
    "/staff/graduates?college=第1学院&major=应用专业方向1&class=2019级1班",
    "/staff/graduates?college=第1学院&stage=ARCHIVE_WAITS",
    "/staff/graduates?counsellor=T0007",
)

SEARCHES = ("王", "20190123", "没有这个人")
EXPORTS: tuple[Mapping[str, str], ...] = (
    {"kind": "csv"},
    {"kind": "csv", "list": "phones", "reason": "measured"},
    {"kind": "xlsx"},
)


def main(count: int, service: str = "") -> None:
    """Build the school, open the pages, and print the figures."""
    with tempfile.TemporaryDirectory() as name, server_database(service) if service else nullcontext("") as server:
        folder = Path(name)
        made = school(folder, server or f"sqlite:///{folder / 'bench.sqlite3'}", count)
        with made.work.reading() as uow:
            stage = ConsoleStage(made, {account.role: account for account in uow.accounts.all()})
        sys.stdout.write(
            f"{count} graduates, {made.engine.dialect.name}; CPU of our process, median and worst of 20, wall\n"
        )
        for role in (Role.OFFICE, Role.COUNSELLOR):
            clerk = stage.clerk(role)
            sys.stdout.write(f"{role.name}\n")
            searches = (clerk.post("/staff/graduates/search", words=words).headers["Location"] for words in SEARCHES)
            for path in (*PAGES, *searches):
                sys.stdout.write(measured(clerk, path))
        clerk = stage.clerk(Role.OFFICE)
        for fields in EXPORTS:
            sys.stdout.write(exported(clerk, fields))
        made.engine.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graduates", nargs="?", type=int, default=50_000)
    parser.add_argument("--on", choices=("postgresql", "mariadb"), default="")
    given = parser.parse_args()
    main(given.graduates, given.on)
