"""A genuine code while the register cannot be asked: the truth, and never green."""

import re
import tomllib
from importlib.resources import files

import pytest

import handlers.offline
from bot.registration.verification import Subject
from handlers.verification.words import words
from storage.tables import graduate, metadata, season, verification
from tests.handlers.report.sample import IDENTITY_NUMBER, LAST_DAY
from tests.handlers.report.stage import Stage
from tests.handlers.verification.test_pages import LANGUAGES

TABLES = {table.name: table for table in (graduate, verification, season)}


def break_down(stage: Stage, name: str = "") -> None:
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- the database is to fail
        if name:
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql(f"DROP TABLE {TABLES[name].name}")
        else:
            metadata.drop_all(connection)


@pytest.mark.parametrize("table", ["", *TABLES])
@pytest.mark.parametrize("language", LANGUAGES)
def test_while_the_register_is_away_a_genuine_code_is_genuine_and_its_state_unknown(
    stage: Stage, table: str, language: str
) -> None:
    path = stage.code(Subject.ARCHIVE)
    break_down(stage, table)
    answer = stage.client.get(f"{path}?lang={language}")
    said = words(language)["outage"]
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    for each in (said["verdict"], said["code"], said["sentence"]):
        assert each in answer.text
    assert said["next"] in answer.text.replace("&#34;", '"')
    assert 'class="verdict good"' not in answer.text
    assert 'class="verdict bad"' not in answer.text
    assert not re.search(r">V\d<", answer.text)


def test_the_outage_page_shows_what_the_code_itself_says_and_the_telephone_last_known(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    before = stage.client.get(path).text
    break_down(stage)
    page = stage.client.get(path).text
    for said in ("23127150", LAST_DAY.isoformat(), "2023-06-30 10:00", "0512-62880000"):
        assert said in page
    digest = stage.dossier.verifications[0].digest[:12].upper()
    assert f"{digest[:4]} {digest[4:8]} {digest[8:]}" in page
    assert f"{digest[:4]} {digest[4:8]} {digest[8:]}" in before
    for hidden in ("欧", IDENTITY_NUMBER, "园区人力资源"):
        assert hidden not in page


def test_without_a_telephone_known_the_outage_page_still_says_whom_to_call(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    break_down(stage)
    assert "学校官网公布" in stage.client.get(path).text


@pytest.mark.parametrize("token", ["A" * 148, "x"])
def test_while_the_register_is_away_a_forged_code_is_unknown_as_always(stage: Stage, token: str) -> None:
    break_down(stage)
    answer = stage.client.get(f"/v/{token}")
    assert answer.status_code == 200
    assert ">V6<" in answer.text


def test_the_log_of_an_outage_names_a_class_and_nothing_else(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    path = stage.code(Subject.ARCHIVE)
    break_down(stage)
    stage.client.get(path)
    assert [record.getMessage() for record in caplog.records] == ["scan: the register cannot be asked (StoreError)"]


def test_when_the_register_is_back_the_code_has_its_state_again(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- the database is to fail for a while
        connection.exec_driver_sql("ALTER TABLE verification RENAME TO away")
        assert stage.client.get(path).status_code == 503
        connection.exec_driver_sql("ALTER TABLE away RENAME TO verification")
    assert ">V0<" in stage.client.get(path).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_online_and_offline_call_the_same_thing_by_the_same_code_and_words(language: str) -> None:
    offline = tomllib.loads(files(handlers.offline).joinpath("words.toml").read_text("utf-8"))
    genuine, outage = offline[language]["verdicts"]["genuine"], words(language)["outage"]
    assert (genuine["code"], genuine["word"], genuine["tone"]) == (outage["code"], outage["verdict"], outage["tone"])
