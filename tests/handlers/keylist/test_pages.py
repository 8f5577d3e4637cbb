from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from handlers import keylist
from handlers.keylist import pages
from handlers.keylist.model import WELL_KNOWN, KeyList
from tests.handlers.keylist.listing import ROOT, key_list

TEXT = key_list().sign(ROOT)


def client_of(text: str = TEXT, *, may_look: bool = True) -> FlaskClient:
    templates = Path(keylist.__file__).parents[1] / "templates"
    app = Flask("stage", template_folder=str(templates), static_folder=str(templates.with_name("static")))
    app.register_blueprint(pages.create_blueprint(pages.KeyListDoor(text, lambda _: may_look)))
    return app.test_client()


def test_the_list_is_served_as_it_was_signed() -> None:
    answer = client_of().get(WELL_KNOWN)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert KeyList.parse(answer.text, at_least=3, root=key_list().fingerprint) == key_list()


def test_it_may_be_kept_for_five_minutes_and_read_by_any_page() -> None:
    answer = client_of().get(WELL_KNOWN)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_who_has_it_already_is_told_so_in_a_few_bytes() -> None:
    etag = client_of().get(WELL_KNOWN).headers["ETag"]
    again = client_of().get(WELL_KNOWN, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "public, max-age=300"
    newer = client_of(key_list(4).sign(ROOT)).get(WELL_KNOWN, headers={"If-None-Match": etag})
    assert newer.status_code == 200


def test_a_crowd_is_turned_away_and_that_answer_is_not_kept() -> None:
    answer = client_of(may_look=False).get(WELL_KNOWN)
    assert answer.status_code == 429
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_nobody_writes_to_it(method: str) -> None:
    assert client_of().open(WELL_KNOWN, method=method.upper()).status_code == 405
