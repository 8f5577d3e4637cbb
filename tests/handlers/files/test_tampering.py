"""The corpus of tampered files (篡改样本): each has its verdict, and none but the untouched one is green."""

import json
import random
import re
from collections.abc import Callable

import pytest

from bot.registration.verification import Subject
from handlers.files.child import found_in
from handlers.files.examining import Examiner
from handlers.files.findings import Examined, Integrity
from handlers.files.signature import signatures_of
from handlers.report.seal_key import fingerprint, make_seal_key
from tests.handlers.files import forging as forge
from tests.handlers.files import tampering as tamper
from tests.handlers.files.stage import GOOD, FileStage
from tests.handlers.report.sample import NOW, SEASON

FORGER = make_seal_key(SEASON.school, NOW)
Step = Callable[[FileStage, bytes], bytes]


def saving(step: Callable[..., None]) -> Step:
    """Return the tampering that saves a step behind the file."""
    return lambda _files, pdf: tamper.saved(pdf, step)


def other_report(files: FileStage) -> bytes:
    """Return the genuine report of the other subject."""
    return files.issued(Subject.HOUSEHOLD)


def other_token(files: FileStage, pdf: bytes) -> bytes:
    """Name the other verification in the description."""
    token = files.under.code(Subject.HOUSEHOLD).rsplit("/", 1)[1]
    return tamper.saved(pdf, tamper.other_token(token))


CORPUS: dict[str, tuple[Step, str]] = {
    # E5, the nine of the first round
    "untouched": (lambda _f, pdf: pdf, "F0"),
    "a bit of the page flipped": (lambda _f, pdf: tamper.flipped(pdf, len(pdf) // 3), "F1"),
    "text laid over by an incremental save": (saving(tamper.overlay), "F1"),
    "a comment box": (saving(tamper.annotation), "F1"),
    "only the description touched": (saving(tamper.metadata_only), "F2"),
    "written anew by another library": (lambda _f, pdf: tamper.rewritten(pdf), "F1"),
    "sealed by a forger of the same name": (lambda files, _pdf: files.issued(key=FORGER), "F4"),
    "seal taken away": (lambda _f, pdf: tamper.rewritten(pdf, tamper.stripped), "F3"),
    "bytes behind the end": (lambda _f, pdf: pdf + b"\n% hello\n", "F2"),
    # the file
    "a bit of the seal flipped": (lambda _f, pdf: tamper.flipped(pdf, tamper.room_of(pdf)[0] + 900), "F1"),
    "a bit of the last cross-reference flipped": (
        lambda _f, pdf: tamper.flipped(pdf, pdf.rindex(b"startxref") + 12),
        "F8",
    ),
    "bytes before the beginning": (lambda _f, pdf: b"hello\n" + pdf, "F8"),
    "cut off": (lambda _f, pdf: pdf[:-300], "F8"),
    "cut in half": (lambda _f, pdf: pdf[: len(pdf) // 2], "F8"),
    "rolled back to before the seal": (lambda _f, pdf: tamper.first_revision(pdf), "F3"),
    "twice in one file": (lambda _f, pdf: pdf + pdf, "F2"),
    "another report behind it": (lambda files, pdf: pdf + other_report(files), "F8"),
    "one zero byte behind the end": (lambda _f, pdf: pdf + b"\0", "F2"),
    "encrypted": (lambda _f, pdf: tamper.locked(pdf), "F8"),
    # what editors save
    "saved without a change": (saving(tamper.nothing), "F2"),
    "a form field": (saving(tamper.form_field), "F1"),
    "a page added": (saving(tamper.page_added), "F1"),
    "cropped": (saving(tamper.cropped), "F1"),
    "a font replaced": (saving(tamper.font_replaced), "F1"),
    "a file embedded": (saving(tamper.attachment), "F1"),
    "a script": (saving(tamper.script), "F1"),
    "a hidden layer": (saving(tamper.hidden_layer), "F1"),
    "the token of another report": (other_token, "F2"),
    # what forgers write
    "the name changed on the page": (lambda _f, pdf: tamper.rewritten(pdf, tamper.copied("毕业院校", "姓名")), "F1"),
    "the receiving unit changed on the page": (
        lambda _f, pdf: tamper.rewritten(pdf, tamper.copied("学院", "档案接收单位")),
        "F1",
    ),
    "the page of another report": (
        lambda files, pdf: tamper.rewritten(pdf, tamper.swapped_page(other_report(files))),
        "F1",
    ),
    "changed, stripped, and sealed by a forger": (
        lambda _f, pdf: forge.signed_by(tamper.rewritten(pdf, tamper.stripped), FORGER),
        "F4",
    ),
    # signatures
    "a second signature": (lambda _f, pdf: forge.signed_by(pdf, FORGER), "F6"),
    "the same signature in two fields": (saving(tamper.field_twice), "F6"),
    "a place for a second signature": (saving(tamper.empty_field), "F2"),
    "the seal of another report": (lambda files, pdf: forge.transplanted(pdf, other_report(files)), "F1"),
    "something in the spare room of the seal": (
        lambda _f, pdf: forge.in_room(pdf, lambda digits: digits[:-8] + b"DEADBEEF"),
        "F1",
    ),
    "the seal in small letters": (lambda _f, pdf: forge.in_room(pdf, bytes.lower), "F1"),
    "a remark nobody signs in the seal": (lambda _f, pdf: forge.resigned(pdf, forge.unsigned_remark), "F1"),
    "the twin of the signature": (lambda _f, pdf: forge.resigned(pdf, forge.twin_signature), "F1"),
    "another certificate in the seal": (
        lambda _f, pdf: forge.resigned(pdf, forge.certificate_swapped(FORGER.certificate_pem)),
        "F1",
    ),
    "an empty seal": (lambda _f, pdf: forge.in_room(pdf, lambda digits: b"0" * len(digits)), "F1"),
    "a shorter range": (lambda _f, pdf: forge.ranged(pdf, lambda n: [n[0], n[1], n[2], n[3] - 9]), "F1"),
    "a wider gap": (lambda _f, pdf: forge.ranged(pdf, lambda n: [n[0], n[1] - 9, n[2], n[3]]), "F1"),
    "a range that begins later": (lambda _f, pdf: forge.ranged(pdf, lambda n: [1, n[1] - 1, n[2], n[3]]), "F1"),
    "a range of one part": (lambda _f, pdf: forge.ranged(pdf, lambda n: n[:2]), "F1"),
}


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Examine by the child's own code, but here: sixty starts of a child are a minute; test_pages starts it."""

    def examined(examiner: Examiner, pdf: bytes) -> Examined:
        return found_in(pdf, json.loads(examiner._told))  # noqa: SLF001 -- what the child is told

    monkeypatch.setattr(Examiner, "_in_child", examined)


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", CORPUS)
def test_every_tampered_file_has_its_verdict_and_only_the_untouched_one_is_green(files: FileStage, name: str) -> None:
    step, code = CORPUS[name]
    answer = files.check(step(files, files.issued()))
    said = re.search(r'<span class="code">(F\d)</span>', answer.text)
    assert said, answer.text
    assert said[1] == code
    assert (GOOD in answer.text) is (name == "untouched")


def test_no_single_flipped_bit_leaves_the_file_as_it_was_sealed(files: FileStage) -> None:
    pdf = files.issued()
    pinned = {fingerprint(files.under.seal_key.certificate_pem)}
    start, end = tamper.room_of(pdf)
    whole = signatures_of(pdf, pinned)
    assert whole
    assert whole.integrity is Integrity.WHOLE
    chance = random.Random(20261123)
    places = [
        *chance.sample(range(len(pdf)), 200),
        *chance.sample(range(start - 60, end + 3), 200),
        *range(len(pdf) - 40, len(pdf)),
    ]
    for place in places:
        signed = signatures_of(tamper.flipped(pdf, place, 1 << chance.randrange(8)), pinned)
        assert signed is None or signed.integrity is Integrity.BROKEN, place
