import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.registration.dossier import Dossier
from bot.registration.look import Way
from bot.registration.report import Standing
from bot.registration.verification import Subject
from handlers.verification.tokens import VerificationKeys
from handlers.verification.words import words
from storage.tables import look as look_table
from tests.handlers.report.sample import (
    ADDRESS,
    CONTACT,
    HOUSEHOLD_ADDRESS,
    IDENTITY_NUMBER,
    LAST_DAY,
    NOW,
    PHONE,
    SEASON,
    registered,
)
from tests.handlers.report.stage import BASE_URL, Stage, opened_stage
from tests.overhearing import overheard

LANGUAGES = ("zh", "en")
LATER = NOW + timedelta(hours=1)
STEPS: dict[Standing, Callable[[Dossier], Dossier]] = {
    Standing.CLOSED: lambda dossier: dossier.close(Subject.ARCHIVE, LATER),
    Standing.CONFIRM_AGAIN: lambda dossier: dossier.fallen(LATER),
    Standing.ANNULLED: lambda dossier: dossier.annul(dossier.verifications[0].id, "误发", LATER),
}


def look(stage: Stage, standing: Standing, query: str = "") -> str:
    """Bring the archive verification into a standing and scan its code."""
    path = stage.code(Subject.ARCHIVE)
    if step := STEPS.get(standing):
        stage.change(step)
    if standing is Standing.EXPIRED:
        stage.now = stage.dossier.verifications[0].valid_until + timedelta(seconds=1)
    if standing is Standing.UNKNOWN:
        path = "/V/" + path[-1] * 148
    answer = stage.client.get(path + query)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("standing", [s for s in Standing if s is not Standing.UNCONFIRMED])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_says_its_own_verdict_sentence_and_next_step(
    stage: Stage, standing: Standing, language: str
) -> None:
    page = look(stage, standing, f"?lang={language}")
    state = words(language)["states"][standing.value]
    assert re.search(rf"<h1>{state['verdict']} <span[^>]*>{standing.value}</span></h1>", page)
    assert f'<section class="verdict {state["tone"]}">' in page
    assert state["next"] in page.replace("&#39;", "'")
    for piece in re.split(r"\{\w+\}", state["sentence"]):
        assert piece in page
    others = {s["next"] for code, s in words(language)["states"].items() if code != standing.value}
    assert not [sentence for sentence in others if sentence in page.replace("&#39;", "'")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_states_share_a_sentence_and_every_standing_has_one(language: str) -> None:
    states = words(language)["states"]
    assert set(states) == {standing.value for standing in Standing}
    for part in ("verdict", "sentence", "next"):
        assert len({state[part] for state in states.values()}) == len(states)
    assert [code for code, state in states.items() if state["tone"] == "good"] == ["V0"]


def shape(words: object) -> object:
    if isinstance(words, dict):
        return {key: shape(value) for key, value in words.items()}
    return sorted(set(re.findall(r"\{\w+\}", str(words)))) if isinstance(words, str) else len(words)  # type: ignore[arg-type]  # a list


def test_both_languages_hold_the_same_words_with_the_same_gaps() -> None:
    english = {key: value for key, value in words("en").items() if key != "labels"}
    assert shape(dict(words("zh"))) == shape(english)


def test_a_report_replaced_by_a_new_one_says_so_and_asks_for_it(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    renewed = replace(stage.dossier.verifications[0], id="v-new", number="55555555", issued_at=LATER)
    stage.change(lambda dossier: dossier.authorise(renewed, SEASON))
    page = stage.client.get(path).text
    assert ">V4<" in page
    assert words("zh")["states"]["V4"]["replaced_next"] in page
    assert words("zh")["states"]["V4"]["next"] not in page
    assert "55555555" not in page


def test_the_page_tells_the_whole_history_oldest_first(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    later = [LATER + timedelta(hours=hour) for hour in range(3)]
    verification = stage.dossier.verifications[0]
    stage.change(lambda dossier: dossier.extend(Subject.ARCHIVE, LAST_DAY + timedelta(days=30), SEASON, later[0]))
    stage.change(lambda dossier: dossier.close(Subject.ARCHIVE, later[1]))
    stage.change(lambda dossier: dossier.annul(verification.id, "不给外人看的原因", later[2]))
    page = stage.client.get(path).text
    told = re.findall(r"<li><time>([^<]+)</time> (.*?)</li>", page)
    plain = [(at, re.sub(r"<[^>]+>", "", line)) for at, line in told]
    assert plain == [
        ("2023-06-30 10:00:00", "签发，有效期至 2023-07-16 23:59:59"),
        ("2023-06-30 11:00:00", "延长有效期至 2023-08-15 23:59:59"),
        ("2023-06-30 12:00:00", "毕业生撤销了授权，从此停用"),
        ("2023-06-30 13:00:00", "学校作废，从此停用"),
    ]
    assert "不给外人看的原因" not in page


@pytest.mark.parametrize("subject", Subject)
def test_english_has_a_label_for_every_item_shown(stage: Stage, subject: Subject) -> None:
    page = stage.client.get(stage.code(subject) + "?lang=en").text
    assert not re.search(r"<dt>\s*</dt>", page)
    assert '<html lang="en">' in page


def test_an_archive_office_sees_the_items_it_needs_and_the_second_of_its_look(stage: Stage) -> None:
    stage.now = NOW + timedelta(hours=1, seconds=7)
    page = look(stage, Standing.IN_FORCE)
    for said in ("23127150", "欧**䶮", "江南示范大学", "单位接收档案 · 托管单位接收", ADDRESS, "2023-06-30 11:00:07"):
        assert said in page, said
    assert "quxiang.example.edu.cn" in page
    assert "如何核验" in page


@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize("language", LANGUAGES)
def test_nobody_who_scans_learns_more_than_their_department_needs(
    stage: Stage, subject: Subject, language: str
) -> None:
    page = stage.client.get(stage.code(subject) + f"?lang={language}").text
    hidden = ["欧阳㛃䶮", IDENTITY_NUMBER, "20010203", PHONE, CONTACT, "13812345678", "20190001", "机械1901"]
    hidden += [HOUSEHOLD_ADDRESS] if subject is Subject.ARCHIVE else [ADDRESS, "园区人力资源"]
    assert [secret for secret in hidden if secret in page] == []


@pytest.mark.parametrize("standing", [Standing.CLOSED, Standing.CONFIRM_AGAIN, Standing.EXPIRED, Standing.UNKNOWN])
def test_items_are_shown_in_force_only(stage: Stage, standing: Standing) -> None:
    page = look(stage, standing)
    assert ADDRESS not in page
    assert "单位接收档案" not in page


def test_an_unknown_code_shows_nothing_of_anybody_but_whom_to_ask(stage: Stage) -> None:
    page = look(stage, Standing.UNKNOWN)
    assert "欧" not in page
    assert "23127150" not in page
    assert "0512-62880000" in page


@pytest.mark.parametrize("token", ["x", "A" * 148, "%E5%8E%BB", "..%2f..%2fetc", "A" * 3000])
def test_whatever_stands_in_the_path_is_unknown_and_never_an_error(stage: Stage, token: str) -> None:
    for door in ("/v/", "/V/"):
        answer = stage.client.get(door + token)
        assert answer.status_code in {200, 404}
        assert answer.status_code == 404 or ">V6<" in answer.text


def test_before_any_season_was_set_up_a_genuine_code_is_unknown_and_not_an_error(tmp_path: Path) -> None:
    with opened_stage(tmp_path, is_set_up=False) as empty:
        answer = empty.client.get(empty.code(Subject.ARCHIVE))
    assert answer.status_code == 200
    assert ">V6<" in answer.text


def test_a_code_signed_by_somebody_else_is_unknown(stage: Stage) -> None:
    stranger = VerificationKeys.of_seeds(1, {1: b"9" * 32})
    page = stage.client.get(f"/v/{stranger.issue(stage.dossier.verifications[0])}").text
    assert ">V6<" in page


def test_a_genuine_code_of_other_data_or_another_issue_of_the_number_is_unknown(stage: Stage) -> None:
    first = stage.dossier.verifications[0]
    for forged in (
        replace(first, digest="0" * 64),
        replace(first, issued_at=NOW - timedelta(days=900)),
        replace(first, number="99999999"),
        replace(first, last_day=LAST_DAY + timedelta(days=1)),
    ):
        path = stage.keys.landing_url(BASE_URL, forged).removeprefix(BASE_URL.upper())
        assert ">V6<" in stage.client.get(path).text


def test_an_old_print_says_that_the_validity_was_extended(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    assert words("zh")["extended"] not in stage.client.get(path).text
    stage.change(lambda dossier: dossier.extend(Subject.ARCHIVE, LAST_DAY + timedelta(days=30), SEASON, NOW))
    stage.now = NOW + timedelta(days=20)
    page = stage.client.get(path).text
    assert ">V0<" in page
    assert words("zh")["extended"] in page
    assert "2023-08-15 23:59:59" in page


def test_of_an_ended_report_nobody_is_told_that_its_validity_was_extended(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    stage.change(lambda dossier: dossier.extend(Subject.ARCHIVE, LAST_DAY + timedelta(days=30), SEASON, LATER))
    stage.change(lambda dossier: dossier.close(Subject.ARCHIVE, LATER))
    page = stage.client.get(path).text
    assert words("zh")["extended"] not in page
    assert words("zh")["was_valid_until"] in page


def test_a_change_of_data_is_told_with_the_very_next_look(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    assert ">V0<" in stage.client.get(path).text
    changed = registered(unit="另一家公司").destination
    stage.change(lambda dossier: replace(dossier, destination=changed))
    assert ">V3<" in stage.client.get(path).text


def test_small_letters_and_capitals_open_the_same_page(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    assert stage.client.get(path.lower()).text == stage.client.get(path).text


def test_the_page_leads_to_the_other_language_and_back(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    assert 'href="?lang=en"' in stage.client.get(path).text
    assert 'href="?"' in stage.client.get(path + "?lang=en").text


def test_the_page_may_not_be_kept_indexed_or_framed(stage: Stage) -> None:
    answer = stage.client.head(stage.code(Subject.ARCHIVE))
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in answer.headers


def looks(stage: Stage) -> list[tuple[Way, Standing]]:
    with stage.work.reading() as uow:
        return [(look.way, look.standing) for look in uow.looks.of(["v-archive"], 10)]


def test_every_scan_of_a_genuine_code_is_written_down_and_nothing_else_is(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    stage.client.head(path)
    stage.client.get("/v/" + "A" * 148)
    assert looks(stage) == []
    stage.client.get(path)
    stage.now += timedelta(minutes=1)
    stage.change(lambda dossier: dossier.close(Subject.ARCHIVE, stage.now))
    stage.client.get(path.lower() + "?lang=en")
    assert looks(stage) == [(Way.SCAN, Standing.CLOSED), (Way.SCAN, Standing.IN_FORCE)]


def test_a_look_that_cannot_be_written_down_does_not_keep_the_verdict_from_the_clerk(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- the table is to be missing
        look_table.drop(connection)
    answer = stage.client.get(stage.code(Subject.ARCHIVE))
    assert answer.status_code == 200
    assert ">V0<" in answer.text
    assert [record.getMessage() for record in caplog.records] == ["scan: a look was not written down (StoreError)"]


@pytest.mark.parametrize("standing", [s for s in Standing if s is not Standing.UNCONFIRMED])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_a_dead_end(stage: Stage, standing: Standing, language: str) -> None:
    query = "?lang=en" if language == "en" else ""
    page = look(stage, standing, query)
    assert f'href="/verify{query}"' in page
    assert f'href="/verify/offline{query}"' in page


def test_the_page_asks_for_one_style_sheet_and_no_script_that_it_waits_for(stage: Stage) -> None:
    page = stage.client.get(stage.code(Subject.ARCHIVE)).text
    assert len(re.findall(r'rel="stylesheet"', page)) == 1
    assert all('type="module"' in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"<style|style=|onclick|https?://(?!quxiang)", page)


def test_a_scan_costs_few_statements_and_a_forged_code_one(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    stage.client.get(path)
    with overheard(stage.work._engine) as said:  # noqa: SLF001 -- counted where they leave
        stage.client.get(path)
    tables = [re.findall(r"(?:FROM|INTO) (\w+)", line)[0] for line in said]
    assert tables == ["graduate", "verification", "season", "receipt", "look", "look"]
    with overheard(stage.work._engine) as said:  # noqa: SLF001 -- the same
        stage.client.get("/v/" + "A" * 148)
    assert len(said) == 1
