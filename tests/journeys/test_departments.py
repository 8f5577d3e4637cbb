"""A department at the real server: scans, records, mistakes and an outage; and nothing of it in the server's log."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import create_engine

from app import build
from bot.registration.season import SHANGHAI
from handlers.keys import read_keys
from handlers.serving import wait_for
from handlers.settings import read_settings
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import CONTACT, IDENTITY_NUMBER, PHONE, registered
from tests.journeys.stage import TODAY, free_port, write_settings
from tests.listening import LISTENER

ROOT = Path(__file__).resolve().parents[2]
DEPARTMENT, DEPARTMENT_CONTACT = "某某市人才服务中心乙", "0512-65229917"


class Hall:
    """The real server in a process of its own, a genuine token, and a visitor without a name."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = write_settings(folder, self.url, "http://127.0.0.1:9")
        made = build(read_settings(self.config, {}))
        dossier = registered()
        with made.work.writing() as uow:
            uow.registry.add_many([dossier])
            uow.commit()
        ring = read_keys(folder / "keys")
        keys = VerificationKeys.of_list(ring.listed, ring.qr)
        self.path = urlsplit(keys.landing_url(self.url, dossier.verifications[0])).path
        self.token = self.path[3:]
        made.client.close()
        made.engine.dispose()

    def visit(self, path: str, method: str = "GET", **form: str) -> requests.Response:
        """Open an address of the site."""
        with requests.Session() as browser:
            browser.trust_env = False
            return browser.request(method, self.url + path, data=form or None, timeout=10)

    def words(self) -> str:
        """Return everything the server has written."""
        return (self.folder / "stderr.txt").read_text()


@pytest.fixture
def hall(tmp_path: Path, prepared: Path) -> Iterator[Hall]:
    """A hall on 29 June 2023."""
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    hall = Hall(tmp_path)
    shift = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=SHANGHAI).timestamp() - time.time()
    command, pipe = [sys.executable, "-m", "tests.journeys.server"], subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{hall.config} {shift}\n")
        process.stdin.flush()
        group = int(process.stdout.readline())
        try:
            assert wait_for(hall.port), hall.words()
            yield hall
        finally:
            os.killpg(group, signal.SIGKILL)
            process.stdin.close()


def test_a_department_scans_records_and_errs_and_no_log_line_knows_the_token_or_anybody(hall: Hall) -> None:
    secrets = [hall.token, hall.token.lower(), "欧阳㛃䶮", IDENTITY_NUMBER, PHONE, CONTACT]
    secrets += [DEPARTMENT, DEPARTMENT_CONTACT]
    LISTENER.guard(secrets)
    assert "V0" in hall.visit(hall.path).text
    assert "V0" in hall.visit(hall.path.lower() + "?lang=en").text
    received = f"/v/{hall.token}/received"
    assert hall.visit(received, "POST", department="", contact="x").status_code == 422
    done = hall.visit(received, "POST", department=DEPARTMENT, contact=DEPARTMENT_CONTACT, note="完好")
    assert "已登记" in done.text
    assert hall.visit(hall.path, "POST").status_code == 405
    assert hall.visit(f"/x{hall.path}").status_code == 404
    assert hall.visit(f"/v/{hall.token}x").status_code == 200
    assert hall.visit(received, "POST", note="x" * 20_000).status_code == 413
    engine = create_engine(f"sqlite:///{hall.folder / 'quxiang.sqlite3'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE look RENAME TO away")
        assert "V0" in hall.visit(hall.path).text
        connection.exec_driver_sql("ALTER TABLE verification RENAME TO away2")
    engine.dispose()
    out = hall.visit(hall.path)
    assert out.status_code == 503
    assert "L0" in out.text
    said = hall.words()
    LISTENER.hear(said)
    assert "a look was not written down" in said
    assert "the register cannot be asked" in said
    assert not [secret for secret in secrets if secret in said]
