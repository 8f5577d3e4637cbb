import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier
from handlers.chsi import pages
from handlers.chsi.client import signature
from handlers.chsi.pages import ChsiDoor, PersonLinks
from storage.cipher import FieldCipher
from storage.engine import open_engine
from storage.schema import metadata
from storage.unit_of_work import SqlWork
from tests.handlers.chsi.counterpart import SECRET
from tests.handlers.report.sample import NOW, SEASON, registered

HANDLERS = Path(pages.__file__).parents[1]


@dataclass
class Scene:
    """Both blueprints over one dossier, and what they noted."""

    client: FlaskClient
    links: PersonLinks
    answer: RealPerson = field(default_factory=lambda: RealPerson(ChsiAnswer.NO, None, "https://chsi.example/s"))
    noted: list[tuple[str, datetime]] = field(default_factory=list)

    def binding(self, _dossier: Dossier) -> ChsiAnswer:
        """Not asked here."""
        raise AssertionError

    def real_person(self, _dossier: Dossier) -> RealPerson:
        """Answer as the test wants."""
        return self.answer

    def note(self, reference: str, at: datetime) -> bool:
        """Note that the person was seen."""
        self.noted.append((reference, at))
        return reference == "d1"

    def go(self) -> TestResponse:
        """Open the link of the chat."""
        return self.client.get(self.links.url("d1").removeprefix("https://q.example"))

    def call(self, body: bytes, *, at: datetime = NOW, sign: str | None = None) -> TestResponse:
        """Call back as CHSI does."""
        stamp = str(int(at.timestamp()))
        signed = signature(SECRET, stamp, "/chsi/callback", body) if sign is None else sign
        return self.client.post("/chsi/callback", data=body, headers={"X-Timestamp": stamp, "X-Signature": signed})


@contextmanager
def opened(folder: Path, *, done: bool, secret: str = SECRET) -> Iterator[Scene]:
    engine = open_engine(f"sqlite:///{folder / 'chsi.sqlite'}")
    metadata.create_all(engine)
    work = SqlWork(engine, FieldCipher({1: b"k" * 32}, b"i" * 32))
    with work.writing() as uow:
        uow.seasons.save(SEASON)
        uow.registry.add_many([registered() if done else replace(registered(), real_person_at=None)])
        uow.commit()
    web = Flask("chsi", template_folder=str(HANDLERS / "templates"), static_folder=str(HANDLERS / "static"))
    scene = Scene(web.test_client(), PersonLinks("link-secret", "https://q.example"))
    door = ChsiDoor(work, lambda: NOW, scene, scene.links, secret, scene.note, lambda _: True)
    web.register_blueprint(pages.create_blueprint(door))
    web.register_blueprint(pages.create_callback(door))
    yield scene
    engine.dispose()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with opened(tmp_path, done=False) as scene:
        yield scene


def test_the_link_leads_to_chsi(scene: Scene) -> None:
    answer = scene.go()
    assert (answer.status_code, answer.location) == (302, "https://chsi.example/s")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert scene.noted == []


def test_who_is_already_seen_is_noted_and_told_what_comes_next(scene: Scene) -> None:
    scene.answer = RealPerson(ChsiAnswer.YES, NOW)
    answer = scene.go()
    assert answer.status_code == 200
    assert "实人验证已完成" in answer.text
    assert scene.noted == [("d1", NOW)]


def test_who_was_seen_before_does_not_bother_chsi(tmp_path: Path) -> None:
    with opened(tmp_path, done=True) as scene:
        scene.answer = RealPerson(ChsiAnswer.UNKNOWN)
        assert "实人验证已完成" in scene.go().text
        assert scene.noted == []


def test_when_chsi_is_away_the_page_says_so_and_whom_to_ask(scene: Scene) -> None:
    scene.answer = RealPerson(ChsiAnswer.UNKNOWN)
    answer = scene.go()
    assert answer.status_code == 503
    assert SEASON.hotline in answer.text


def test_without_an_interface_the_page_says_how_to_do_it_by_hand(scene: Scene) -> None:
    scene.answer = RealPerson(ChsiAnswer.NO)
    answer = scene.go()
    assert answer.status_code == 200
    assert SEASON.chsi_url in answer.text


@pytest.mark.parametrize("token", ["x", "ImQxIg.aaaaaa.bbbb", "%00", "é"])
def test_a_link_that_was_made_up_shows_nothing(scene: Scene, token: str) -> None:
    assert scene.client.get(f"/p/{token}").status_code == 404
    stranger = PersonLinks("another-secret", "").url("d1")
    assert scene.client.get(stranger).status_code == 404
    assert scene.client.get(scene.links.url("d2").removeprefix("https://q.example")).status_code == 404


def test_a_genuine_callback_is_noted(scene: Scene) -> None:
    body = json.dumps({"reference": "d1", "status": "done", "at": "2023-06-30T10:00:00+08:00"}).encode()
    answer = scene.call(body)
    assert (answer.status_code, answer.text) == (200, "ok")
    assert scene.noted == [("d1", NOW)]
    unknown = json.dumps({"reference": "d9", "status": "done", "at": "2023-06-30T10:00:00+08:00"}).encode()
    assert scene.call(unknown).text == "unknown reference"


@pytest.mark.parametrize("sign", ["", "0" * 64, "é" * 64, "签名"])
def test_a_callback_with_a_wrong_signature_is_refused(scene: Scene, sign: str) -> None:
    body = b'{"reference": "d1", "status": "done", "at": "2023-06-30T10:00:00+08:00"}'
    assert scene.call(body, sign=sign.encode().decode("latin-1")).status_code == 403
    assert scene.noted == []


def test_a_callback_from_long_ago_is_refused(scene: Scene) -> None:
    body = b'{"reference": "d1", "status": "done", "at": "2023-06-30T10:00:00+08:00"}'
    assert scene.call(body, at=NOW.replace(hour=9)).status_code == 403
    assert scene.noted == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"reference": "d1", "status": "pending", "at": "2023-06-30T10:00:00+08:00"}',
        b'{"reference": "d1", "status": "done", "at": "2023-06-30T10:00:00"}',
        b'{"reference": "d1", "status": "done"}',
    ],
)
def test_a_signed_callback_that_is_not_of_the_contract_changes_nothing(scene: Scene, body: bytes) -> None:
    assert scene.call(body).status_code == 400
    assert scene.noted == []


def test_a_huge_callback_is_refused_unread(scene: Scene) -> None:
    assert scene.call(b" " * 5000).status_code == 413


def test_without_a_secret_there_is_no_callback(tmp_path: Path) -> None:
    body = b'{"reference": "d1", "status": "done", "at": "2023-06-30T10:00:00+08:00"}'
    with opened(tmp_path, done=False, secret="") as scene:
        stamp = str(int(NOW.timestamp()))
        forged = signature("", stamp, "/chsi/callback", body)
        assert scene.call(body, sign=forged).status_code == 403
        assert scene.noted == []
