"""The targets behind links and uploads (链接与文件): tokens, answers of CHSI, reports and rosters."""

import io
import json
import os
import resource
import tempfile
import traceback
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import strategies as st

from bot.ports import ChsiAnswer
from bot.roster.columns import Remarks
from handlers.chsi.client import HttpChsi
from handlers.chsi.exchange import Answer, Ways
from handlers.files.child import found_in
from handlers.files.findings import Integrity
from handlers.report.tokens import ReportLinks
from handlers.roster.faults import RosterFileError
from handlers.roster.reading import read_lines
from handlers.verification.tokens import VerificationKeys
from tests.fuzz.breeding import anything, bred, seeds
from tests.fuzz.target import Target
from tests.handlers.report.sample import NOW, registered

# -- the token of a QR code: one spelling, in either case, and nothing else -----------------------------

KEYS = VerificationKeys.of_seeds(1, {1: bytes(range(32)), 2: bytes(range(1, 33))})


def check_token(given: bytes) -> None:
    token = given.decode("utf-8", errors="replace")
    statement = KEYS.read(token)
    genuine = {seed.decode().upper() for seed in seeds("token")}
    assert statement is None or token.upper() in genuine, "a token nobody signed was taken"
    assert statement is None or len(statement.number) == 8


# -- the link to a report ------------------------------------------------------------------------------

LINKS = ReportLinks(("old secret of the fuzzing", "secret of the fuzzing"), lambda: NOW, "https://x", timedelta(days=7))


def check_link(given: bytes) -> None:
    token = given.decode("utf-8", errors="replace")
    known = {None, registered().verifications[0].id}
    page, whole = LINKS.read(token), LINKS.read_whole(token)
    assert {page, whole} <= known
    assert page is None or whole is None, "a page's token opened the whole report"


# -- what CHSI answers ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told(Ways):
    """Ways on which everything has been said already."""

    said: bytes = b""

    def post(self, url: str, body: bytes, headers: dict[str, str], seconds: float) -> Answer:
        """Answer at once."""
        assert url.startswith("http")
        assert body
        assert headers
        assert seconds > 0
        return Answer(200, self.said)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("status", "at", "url")), inner),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


def check_chsi(said: bytes) -> None:
    chsi = HttpChsi("http://127.0.0.1:9/chsi", "s" * 16, 1, _Told(said=said))
    assert chsi.binding(registered()) in ChsiAnswer
    person = chsi.real_person(registered())
    assert person.answer is not ChsiAnswer.YES or person.at is not None
    assert person.at is None or person.at.utcoffset() is not None
    assert not person.url or person.url.startswith(("https://", "http://"))


# -- an uploaded report: examined in a child, and never good unless it is what was sealed --------------

_CPU, _MEMORY = 4, 768 * 2**20


@cache
def _seal() -> frozenset[str]:
    return frozenset({found_in(_sealed(), ()).signed.fingerprint})


@cache
def _sealed() -> bytes:
    return max(seeds("paper"), key=len)


def check_paper(pdf: bytes) -> None:
    pinned = _seal()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _examine(pdf, pinned, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    _, status, used = os.wait4(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in {0, 2}, said
    assert used.ru_utime + used.ru_stime < _CPU + 1.5
    assert said != "whole" or pdf == _sealed(), "a changed report was taken for the sealed one"


def _examine(pdf: bytes, pinned: frozenset[str], writing: int) -> None:
    """In the child: as ``handlers.files.child`` does it; 0 for a finding, 2 for too hard, 1 for a find."""
    code, said = 1, ""
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU))
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
        found = found_in(pdf, pinned)
        code, said = 0, "whole" if found.signed.integrity is Integrity.WHOLE else "other"
    except MemoryError:
        code = 2
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        said = traceback.format_exc()
    finally:
        with suppress(OSError):
            os.write(writing, said.encode()[:60_000])
        os._exit(code)


# -- a roster ------------------------------------------------------------------------------------------


@st.composite
def rosters(draw: st.DrawFn) -> bytes:
    """Draw a file, or a workbook one part of which was changed before it was packed."""
    whole = draw(anything(seeds("roster")))
    book = draw(st.sampled_from([seed for seed in seeds("roster") if seed.startswith(b"PK")]))
    if draw(st.booleans()):
        return whole
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        victim = draw(st.sampled_from(names))
        for name in names:
            content = old.read(name)
            new.writestr(name, draw(bred([content])) if name == victim else content)
    return packed.getvalue()


def check_roster(content: bytes) -> None:
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        return  # old workbooks are opened in a child of their own
    with tempfile.NamedTemporaryFile(suffix=".xlsx" if content.startswith(b"PK") else ".csv") as file:
        file.write(content)
        file.flush()
        with suppress(RosterFileError):
            for line in read_lines(Path(file.name), Remarks()):
                assert line.number > 0


TARGETS = (
    Target("token", anything(seeds("token")), check_token),
    Target("link", anything(seeds("link")), check_link),
    Target("chsi", st.one_of(anything(seeds("chsi")), _JSON), check_chsi),
    Target("paper", anything(seeds("paper")), check_paper, cost=40, seconds=8.0),
    Target("roster", rosters(), check_roster, cost=8, seconds=5.0),
)
