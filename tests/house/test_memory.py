"""What a server process need not hold for its life, it does not load at its start."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# pypdf brings fontTools, pyHanko brings aiohttp: together a sixth of what a process held.
HEAVY = {"pypdf", "fontTools", "pyhanko", "aiohttp"}


def test_a_process_starts_without_the_libraries_that_read_and_sign_pdfs() -> None:
    program = "import app, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert not HEAVY & set(json.loads(done.stdout))
