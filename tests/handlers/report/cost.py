"""What a report costs (`python -m tests.handlers.report.cost`): CPU milliseconds and KiB, each with other names."""

import random
import statistics
import sys
import time

from bot.registration.report import report_of
from handlers.report.pdf import Press, Sheet
from handlers.report.seal import Seal
from handlers.report.seal_key import make_seal_key
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import NOW, SEASON, registered

KEYS = VerificationKeys.of_seeds(1, {1: b"1" * 32})


def _sheet() -> Sheet:
    def han(length: int) -> str:
        return "".join(chr(random.randint(0x4E00, 0x9FA5)) for _ in range(length))

    dossier = registered(name=han(3), unit=han(18))
    verification = dossier.verifications[0]
    url = KEYS.landing_url("https://quxiang.example.edu.cn", verification)
    return Sheet(report_of(SEASON, dossier, verification, NOW), url, "quxiang.example.edu.cn")


def main(rounds: int = 100) -> None:
    """Print reports and say what they cost (报告开销)."""
    press = Press(Seal(make_seal_key(SEASON.school, NOW), lambda: NOW))
    spent: list[float] = []
    sizes: list[int] = []
    for _ in range(rounds):
        started = time.process_time()
        sizes.append(len(press.pdf(_sheet())))
        spent.append((time.process_time() - started) * 1000)
    sys.stdout.write(
        f"first {spent[0]:.0f} ms, then median {statistics.median(spent[1:]):.0f} ms, "
        f"worst {max(spent[1:]):.0f} ms CPU; {statistics.median(sizes) / 1024:.0f} KiB\n"
    )


if __name__ == "__main__":
    main()
