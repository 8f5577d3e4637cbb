"""What the seal costs (签章开销): CPU milliseconds to print, to seal, to check; size; and a whole upload.

.venv/bin/python -m tests.bench.pdf_seal [ROUNDS]
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable

from bot.registration.report import report_of
from handlers.files.child import found_in
from handlers.files.examining import Examiner
from handlers.files.paper import paper_of
from handlers.files.signature import signatures_of
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import fingerprint, make_seal_key
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, SEASON, registered

KEYS = VerificationKeys.of_seeds(1, {1: b"1" * 32})
SEAL_KEY = make_seal_key(SEASON.school, NOW)
HOST = "bys.example.edu.cn"


def sheet(number: int) -> Sheet:
    """Return the sheet of one more graduate (印样)."""
    dossier = registered(name=f"王{chr(0x4E00 + number)}明", unit=chr(0x5000 + number) * 18)
    verification = dossier.verifications[0]
    url = KEYS.landing_url(f"https://{HOST}", verification)
    return Sheet(report_of(SEASON, dossier, verification, NOW), url, HOST)


def spent(work: Callable[[int], object], rounds: int) -> float:
    """Return the median of CPU milliseconds, after one round to warm up (处理器毫秒)."""
    took = []
    for number in range(rounds + 1):
        started = time.process_time()
        work(number)
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took[1:])


def uploaded(examiner: Examiner, pdf: bytes) -> tuple[float, float]:
    """Return wall and CPU milliseconds of one examination in a child process (单次上传检查)."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    examiner(pdf)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall * 1000, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    """Print the costs (开销)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=60)
    rounds = parser.parse_args().rounds
    seal, pinned = Seal(SEAL_KEY, lambda: NOW), [fingerprint(SEAL_KEY.certificate_pem)]
    press = Press(seal, keep=1)
    pdf = press.pdf(sheet(0))
    bare = pdf[: pdf.index(b"%%EOF") + 6]
    whole = spent(lambda number: press.pdf(sheet(number)), rounds)
    sealing = spent(lambda _: seal.sign(bare), rounds)
    sizes = [len(press.pdf(sheet(number))) for number in range(10)]
    uploads = [uploaded(Examiner(pinned), pdf) for _ in range(min(rounds, 12))]
    wall, cpu = (statistics.median(column) for column in zip(*uploads, strict=True))
    sys.stdout.write(
        f"print and seal {whole:.1f} ms CPU, of which seal {sealing:.1f} ms; "
        f"{statistics.median(sizes) / 1024:.1f} KiB, of which seal {(len(pdf) - len(bare)) / 1024:.1f} KiB\n"
        f"check: signature {spent(lambda _: signatures_of(pdf, pinned), rounds):.1f} ms, "
        f"text {spent(lambda _: paper_of(pdf), rounds):.1f} ms, "
        f"all {spent(lambda _: found_in(pdf, pinned), rounds):.1f} ms CPU\n"
        f"an upload, in a process of its own: {wall:.0f} ms, {cpu:.0f} ms CPU\n"
    )


if __name__ == "__main__":
    main()
