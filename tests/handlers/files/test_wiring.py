"""The file check in the whole application, as it is built from settings."""

import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from handlers.keys.changing import retire, rotate_report
from handlers.keys.ring import read_keys
from handlers.report.seal_key import fingerprint
from tests.handlers.files.built import built
from tests.handlers.files.stage import GOOD


def upload(client: FlaskClient, pdf: bytes) -> TestResponse:
    sent = {"file": (io.BytesIO(pdf), "report.pdf")}
    return client.post("/verify/file", data=sent, content_type="multipart/form-data")


def test_the_form_of_the_typed_lookup_sends_files_here_and_a_genuine_one_is_green(tmp_path: Path) -> None:
    with built(tmp_path) as made:
        client = made.web.test_client()
        assert 'action="/verify/file" enctype="multipart/form-data"' in client.get("/verify").text
        assert GOOD in upload(client, made.pdf).text


def test_after_a_rotation_older_reports_count_until_their_key_is_retired(tmp_path: Path) -> None:
    with built(tmp_path) as made:
        pdf, keys = made.pdf, made.settings.keys.folder
        old = fingerprint(read_keys(keys).seal.certificate_pem)
        rotate_report(keys)
    with built(tmp_path / "rotated", QUXIANG_KEYS__FOLDER=str(keys)) as made:
        assert GOOD in upload(made.web.test_client(), pdf).text
        assert GOOD in upload(made.web.test_client(), made.pdf).text
        retire(keys, old)
    with built(tmp_path / "retired", QUXIANG_KEYS__FOLDER=str(keys)) as made:
        page = upload(made.web.test_client(), pdf).text
        assert GOOD not in page
        assert '<span class="code">F5</span>' in page


@pytest.mark.usefixtures("_still_limits")
def test_uploads_have_a_limit_of_their_own(tmp_path: Path) -> None:
    with built(tmp_path, QUXIANG_REPORT__UPLOADS_PER_MINUTE="2") as made:
        client = made.web.test_client()
        assert [upload(client, b"no pdf").status_code for _ in range(3)] == [422, 422, 429]
        assert client.get("/verify").status_code == 200
