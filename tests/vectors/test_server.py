"""The server's side of the published vectors."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.registration.dossier import Confirmation, Dossier
from bot.registration.report import Standing
from bot.registration.verification import Subject, Verification
from handlers.keylist.model import KeyList, KeyListError, ListFault
from handlers.verification.offline import Finding, Genuineness, check
from handlers.verification.tokens import VerificationKeys
from tests.handlers.report.sample import SEASON, registered
from tests.handlers.report.stage import Stage, opened_stage
from tests.vectors import make
from tests.vectors.files import FOLDER, KEYLISTS, LISTS, SCANS, STANDINGS, TOKENS, Vector, named
from tests.vectors.lists import SEEDS

ALL = [vector for content in (TOKENS, KEYLISTS, STANDINGS, SCANS) for vector in content["vectors"]]


def of(content: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", [pytest.param(v, id=name) for name, v in named(content).items()])


def test_the_published_files_are_what_the_generator_writes() -> None:
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == make.texts()


def test_there_are_enough_vectors_half_of_them_negative_each_with_its_name_and_clock() -> None:
    good = [v for v in ALL if v["expect"] in ("V0", "accept") or "genuine" in str(v["expect"]).split("'")]
    assert len(ALL) >= 80
    assert len(good) <= len(ALL) / 2
    assert len({(v["kind"], v["name"]) for v in ALL}) == len(ALL)
    assert all(datetime.fromisoformat(v["clock"]).tzinfo for v in ALL if v["kind"] != "keylist")


def test_every_answer_there_is_is_expected_somewhere() -> None:
    assert {v["expect"]["genuineness"] for v in TOKENS["vectors"]} == set(Genuineness)
    assert {v["expect"] for v in KEYLISTS["vectors"]} == {"accept", *ListFault}
    assert {v["expect"] for v in STANDINGS["vectors"]} == set(Standing) - {Standing.UNKNOWN}
    assert {v["expect"] for v in SCANS["vectors"]} == set(Standing)


@of(TOKENS)
def test_the_offline_check_says_of_a_token(vector: Vector) -> None:
    found = check(vector["token"], KeyList.parse(LISTS[vector["keys"]]), datetime.fromisoformat(vector["clock"]))
    assert told(found) == vector["expect"]


@of(KEYLISTS)
def test_the_key_list_is(vector: Vector) -> None:
    assert judged(vector) == vector["expect"]


@of(STANDINGS)
def test_the_standing_of_a_verification_is(vector: Vector) -> None:
    verification = verification_of({"number": "23127150"} | vector["verification"])
    state = verification.state(vector["confirmed_digest"], datetime.fromisoformat(vector["clock"]))
    assert Standing.of(state).value == vector["expect"]


@of(SCANS)
def test_the_scan_page_shows(vector: Vector, tmp_path: Path) -> None:
    keys = VerificationKeys.of_list(KeyList.parse(LISTS["usual"]), SEEDS)
    with opened_stage(tmp_path, is_set_up=False) as bare:
        dossier = holding(vector["register"])
        with bare.work.writing() as uow:
            uow.seasons.save(SEASON)
            uow.registry.add_many([dossier])
            uow.commit()
        stage = Stage(bare.work, dossier, now=datetime.fromisoformat(vector["clock"]), keys=keys)
        page = stage.client.get(f"/V/{vector['token']}").text
    assert re.findall(r'class="code"[^>]*>(V\d)<', page) == [vector["expect"]]


def judged(vector: Vector) -> str:
    """Say what becomes of a key list in the words of the vectors."""
    try:
        KeyList.parse(vector["text"], vector["at_least"], vector["root"])
    except KeyListError as error:
        return error.fault.value
    return "accept"


def told(found: Finding) -> dict[str, Any]:
    """Say what was found in the words of the vectors."""
    statement = found.statement
    if statement is None:
        return {"genuineness": found.genuineness.value}
    issued = statement.issued_minute * 60
    return {
        "genuineness": found.genuineness.value,
        "number": statement.number,
        "issued": f"{datetime.fromtimestamp(issued, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "last_day": statement.last_day.isoformat(),
        "is_past": found.is_past,
    }


def verification_of(held: dict[str, Any]) -> Verification:
    """Build a verification from what a vector says of it."""
    annulled, closed, superseded = (
        held[name] and datetime.fromisoformat(held[name]) for name in ("annulled_at", "closed_at", "superseded_at")
    )
    return Verification(
        "v-archive",
        held["number"],
        Subject.ARCHIVE,
        held["digest"],
        datetime.fromisoformat(held["issued_at"]),
        date.fromisoformat(held["last_day"]),
        closed_at=closed,
        superseded_at=superseded,
        annulled_at=annulled,
    )


def holding(register: dict[str, Any]) -> Dossier:
    """Return the invented graduate with exactly this verification and confirmation."""
    dossier = registered()
    assert dossier.confirmation
    confirmation = {
        "same": dossier.confirmation,
        "other": Confirmation(dossier.confirmation.at, "0" * 64),
        None: None,
    }[register["confirmed"]]
    verification = verification_of({"digest": dossier.digest} | register)
    return replace(dossier, confirmation=confirmation, verifications=(verification,))
