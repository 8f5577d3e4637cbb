import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bot.ports import ChsiAnswer
from handlers.chsi.client import HttpChsi
from handlers.chsi.roster import RosterChsi
from tests.handlers.chsi.counterpart import SECRET, Counterpart, raised
from tests.handlers.report.sample import IDENTITY_NUMBER, NOW, registered


@pytest.fixture
def other() -> Iterator[Counterpart]:
    with raised() as counterpart:
        yield counterpart


@pytest.fixture
def chsi(other: Counterpart) -> HttpChsi:
    return HttpChsi(other.url, SECRET, 1.0)


@pytest.mark.parametrize(
    ("status", "answer"), [("bound", ChsiAnswer.YES), ("unbound", ChsiAnswer.NO), ("unknown", ChsiAnswer.UNKNOWN)]
)
def test_the_binding_is_read(other: Counterpart, chsi: HttpChsi, status: str, answer: ChsiAnswer) -> None:
    other.body = json.dumps({"status": status}).encode()
    assert chsi.binding(registered()) is answer


def test_every_call_is_signed_over_time_path_and_body(other: Counterpart, chsi: HttpChsi) -> None:
    chsi.real_person(registered())
    ((path, headers, body),) = other.asked
    text = f"{headers['X-Timestamp']}\n{path}\n".encode() + body
    assert headers["X-Signature"] == hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
    assert json.loads(body) == {"name": "欧阳㛃䶮", "id_number": IDENTITY_NUMBER, "reference": "d1"}


def test_the_real_person_is_done_or_pending(other: Counterpart, chsi: HttpChsi) -> None:
    other.body = b'{"status": "done", "at": "2023-06-30T10:00:00+08:00"}'
    done = chsi.real_person(registered())
    assert done.answer is ChsiAnswer.YES
    assert done.at == datetime(2023, 6, 30, 10, tzinfo=timezone(timedelta(hours=8)))
    other.body = b'{"status": "pending", "url": "https://chsi.example/s"}'
    pending = chsi.real_person(registered())
    assert (pending.answer, pending.at, pending.url) == (ChsiAnswer.NO, None, "https://chsi.example/s")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"done"',
        b"null",
        b'{"status": "done"}',
        b'{"status": "done", "at": 5}',
        b'{"status": "done", "at": "yesterday"}',
        b'{"status": "done", "at": "2023-06-30T10:00:00"}',
        b'{"status": "pending"}',
        b'{"status": "pending", "url": 5}',
        b'{"status": "pending", "url": "javascript:alert(1)"}',
        b'{"status": ["bound"]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_not_of_the_contract_means_that_nothing_is_known(
    other: Counterpart, chsi: HttpChsi, body: bytes
) -> None:
    other.body = body
    assert chsi.real_person(registered()).answer is ChsiAnswer.UNKNOWN
    assert chsi.binding(registered()) is ChsiAnswer.UNKNOWN


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500, 503])
def test_any_other_status_means_that_nothing_is_known(other: Counterpart, chsi: HttpChsi, status: int) -> None:
    other.status, other.body = status, b'{"status": "bound"}'
    other.headers = {"Location": f"{other.url}/elsewhere"} if status == 302 else {}
    assert chsi.binding(registered()) is ChsiAnswer.UNKNOWN
    assert [path for path, _, _ in other.asked] == ["/chsi/binding"], "the signed call is not carried elsewhere"


def test_an_answer_that_drips_in_is_not_waited_for(other: Counterpart) -> None:
    other.drip, other.body = 0.1, b'{"status": "bound"}' + b" " * 100
    began = time.monotonic()
    assert HttpChsi(other.url, SECRET, 0.3).binding(registered()) is ChsiAnswer.UNKNOWN
    assert time.monotonic() - began < 1.5


def test_an_endless_answer_is_not_read(other: Counterpart, chsi: HttpChsi) -> None:
    other.body = b'{"status": "bound"}' + b" " * 5000
    assert chsi.binding(registered()) is ChsiAnswer.UNKNOWN


def test_nobody_there_means_that_nothing_is_known_and_the_log_names_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert HttpChsi("http://127.0.0.1:9/chsi", SECRET, 0.5).binding(registered()) is ChsiAnswer.UNKNOWN
    assert "ConnectionRefusedError" in caplog.text
    assert "欧阳" not in caplog.text
    assert IDENTITY_NUMBER not in caplog.text


def test_the_roster_answers_for_schools_without_the_interface() -> None:
    known, chsi = registered(), RosterChsi()
    assert chsi.binding(replace(known, chsi_bound=False)) is ChsiAnswer.NO
    assert chsi.binding(replace(known, chsi_bound=None)) is ChsiAnswer.YES, "who does not know keeps nobody out"
    assert chsi.real_person(known).at == NOW
    assert chsi.real_person(replace(known, real_person_at=None)).answer is ChsiAnswer.NO
