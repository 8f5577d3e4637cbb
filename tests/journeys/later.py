"""``quxiang`` as it will be one day: with a clock of the test's, and with the revisions of a folder beside our own.

``QUXIANG_TEST_SHIFT`` sets the clock, in seconds; ``QUXIANG_TEST_REVISIONS`` names the folder of a later version.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic.config import Config

from app import build
from handlers.commands import cli
from handlers.installation import Installation
from handlers.settings import read_settings
from storage import migrating

_of_today = migrating._config  # noqa: SLF001 -- a later version has more files there


def _of_later() -> Config:
    config = _of_today()
    ours = Path(str(config.get_main_option("script_location"))) / "versions"
    config.set_main_option("version_locations", f"{ours}{os.pathsep}{os.environ['QUXIANG_TEST_REVISIONS']}")
    return config


def _open(path: Path) -> Installation:
    shift = timedelta(seconds=float(os.environ.get("QUXIANG_TEST_SHIFT", "0")))
    return build(read_settings(path), lambda: datetime.now(UTC) + shift)


if __name__ == "__main__":
    if "QUXIANG_TEST_REVISIONS" in os.environ:
        migrating._config = _of_later  # noqa: SLF001 -- the same
    cli(obj=_open, prog_name="quxiang")
