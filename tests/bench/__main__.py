"""All measurements in one go: ``make bench``. Numbers are CPU time; machines are noisy, so compare within one run."""

import subprocess
import sys

if __name__ == "__main__":
    for module in (
        "tests.bench.turn",
        "tests.bench.webhook",
        "tests.bench.scan",
        "tests.bench.deliveries",
        "tests.handlers.report.cost",
        "tests.bench.roster_import",
        "tests.bench.roster_preview",
        "tests.bench.progress",
        "tests.bench.typed_timing",
        "tests.bench.guessing",
        "tests.bench.pdf_seal",
        "tests.bench.qr_decode",
    ):
        sys.stdout.write(f"\n{module}\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", module], check=True)
