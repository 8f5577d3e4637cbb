"""The file check (文件核验) ``/verify/file``: a report dropped on ``/verify`` is examined, looked up, and compared.

What the file is and how the report stands now are two statements; only both together, with every row equal, are green.
An upload lives in memory while it is answered, is never logged, and is opened in a child process only.
"""

import io
from dataclasses import dataclass, field
from typing import IO, Final

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import parse_form_data

from bot.registration.look import Way
from bot.registration.particulars import clean_line
from bot.use_cases.look_up_report import Counter
from handlers.files.comparing import compare
from handlers.files.examining import Examiner
from handlers.files.findings import Examined, Trouble
from handlers.files.judging import judge
from handlers.files.showing import MOST_BYTES, Checked, shown
from handlers.keylist.model import KeyList
from handlers.public_pages import Allow, guard, page_language
from handlers.verification.scanning import Scan, Scanner, noted
from handlers.verification.tokens import VerificationKeys

_FORM_BYTES: Final = 64 * 2**10  # the parts of the form around the file
_MOST_PARTS: Final = 10
_DRAINED: Final = 32 * 2**20
_LONGEST_DEPARTMENT: Final = 60
_STATUS: Final = {Trouble.TOO_LARGE: 413, Trouble.MISSING: 400, Trouble.OFTEN: 429, Trouble.BUSY: 503}


@dataclass(frozen=True, slots=True)
class FilesDoor:
    """What the file check needs (文件核验依赖).

    Attributes:
        counter: looks up and writes down looks.
        keys: keys of the QR codes, one of which signed the token inside each report.
        listed: the key list; says which seals count.
        base_url: public address.
        allow: whether a remote address may look now.
        may_upload: whether a remote address may have a file examined now; tighter, since that costs a second.
    """

    counter: Counter
    keys: VerificationKeys = field(repr=False)
    listed: KeyList
    base_url: str
    allow: Allow
    may_upload: Allow


@dataclass(frozen=True, slots=True)
class _Upload:
    """What came with the form (上传内容)."""

    pdf: bytes = field(repr=False)
    department: str = field(repr=False)


def create_blueprint(door: FilesDoor) -> Blueprint:
    """Make the blueprint (文件核验蓝图) of POST ``/verify/file``."""
    blueprint = Blueprint("files", __name__)
    guard(blueprint, door.allow)
    scanner = Scanner(door.counter, door.keys)
    examiner = Examiner([key.fingerprint for key in door.listed.report])

    @blueprint.get("/verify/file")
    def form() -> Response:
        return make_response(redirect(_form_url(page_language()), 303))

    @blueprint.post("/verify/file")
    def check() -> Response:
        if not door.may_upload(request.remote_addr or ""):
            return _answer(door, scanner, Examined(Trouble.OFTEN))
        try:
            upload = _received()
        except RequestEntityTooLarge:
            return _answer(door, scanner, Examined(Trouble.TOO_LARGE))
        if not upload.pdf:
            return _answer(door, scanner, Examined(Trouble.MISSING))
        return _answer(door, scanner, examiner(upload.pdf), upload.department)

    return blueprint


def _answer(door: FilesDoor, scanner: Scanner, examined: Examined, department: str = "") -> Response:
    scan = scanner.scan(examined.token)
    judgement = judge(examined, door.listed, is_genuine_token=scan.statement is not None)
    pairs = compare(scan, examined.paper, is_proven=judgement.is_proven)
    if scan.found is not None:
        noted(door.counter, scan.found, Way.FILE, department)
    language = page_language()
    context = shown(Checked(judgement, scan, pairs), language, door.base_url) | {
        "form_url": _form_url(language),
        "other_form_url": _form_url("zh" if language == "en" else "en"),
    }
    page = render_template("files/result.html", **context)
    answer = make_response(page, _status(scan, examined.trouble))
    if answer.status_code in {429, 503}:
        answer.headers["Retry-After"] = "60"
    return answer


def _status(scan: Scan, trouble: Trouble | None) -> int:
    if scan.is_unknown_for_now:
        return 503
    return _STATUS.get(trouble, 422) if trouble and scan.statement is None else 200


def _received() -> _Upload:
    """Read the form into memory: Flask itself would put a large file on the disk.

    Raises:
        RequestEntityTooLarge: more than the limit; most of it has been read and thrown away, or else browsers show a
            broken connection instead of the answer.
    """
    try:
        _, form, files = parse_form_data(
            request.environ,
            stream_factory=_in_memory,
            max_content_length=MOST_BYTES + _FORM_BYTES,
            # Counts also what waits for the next boundary, which may be nearly the whole file.
            max_form_memory_size=MOST_BYTES + _FORM_BYTES,
            max_form_parts=_MOST_PARTS,
        )
    except RequestEntityTooLarge:
        _drain(request.environ["wsgi.input"], min(request.content_length or 0, _DRAINED))
        raise
    sent = files.get("file")
    pdf = sent.stream.read() if sent else b""
    if len(pdf) > MOST_BYTES:
        raise RequestEntityTooLarge
    return _Upload(pdf, clean_line(form.get("department", ""))[:_LONGEST_DEPARTMENT])


def _in_memory(*_: object, **__: object) -> IO[bytes]:
    return io.BytesIO()


def _drain(stream: IO[bytes], left: int) -> None:
    while left > 0 and (piece := stream.read(min(left, 2**16))):
        left -= len(piece)


def _form_url(language: str) -> str:
    return f"{request.script_root}/verify{'?lang=en' if language == 'en' else ''}"
