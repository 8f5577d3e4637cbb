import random
import re
import string
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.registration.dossier import Dossier
from bot.registration.look import Way
from bot.registration.report import Standing
from bot.registration.verification import Subject
from handlers.typed.words import words
from tests.handlers.report.sample import ADDRESS, HOUSEHOLD_ADDRESS, IDENTITY_NUMBER, NOW, PHONE
from tests.handlers.typed.stage import NAME, NUMBER, Stage, opened_stage

LANGUAGES = ("zh", "en")
STEPS: dict[Standing, Callable[[Dossier], Dossier]] = {
    Standing.IN_FORCE: lambda dossier: dossier,
    Standing.CLOSED: lambda dossier: dossier.close(Subject.ARCHIVE, NOW),
    Standing.CONFIRM_AGAIN: lambda dossier: dossier.fallen(NOW),
    Standing.ANNULLED: lambda dossier: dossier.annul(dossier.verifications[0].id, "误发", NOW),
}
MISS = words("zh")["miss"]["heading"]


def verdict_of(page: str) -> str:
    """Return the code of the verdict."""
    found = re.search(r'<span class="code"[^>]*>(V\d)</span>', page)
    assert found, page
    return found[1]


def test_number_and_name_show_what_a_scan_shows(stage: Stage) -> None:
    stage.now = NOW + timedelta(hours=1, seconds=7)
    answer = stage.ask()
    assert answer.status_code == 200
    assert verdict_of(answer.text) == "V0"
    for said in (NUMBER, "欧**䶮", "江南示范大学", "园区人力资源管理服务中心", ADDRESS, "2023-06-30 11:00:07"):
        assert said in answer.text, said
    hidden = [NAME, IDENTITY_NUMBER, "20010203", PHONE, HOUSEHOLD_ADDRESS, "13812345678"]
    assert [secret for secret in hidden if secret in answer.text] == []


@pytest.mark.parametrize(
    "number",
    ["23127150", " 2312 7150 ", "２３１２７１５０", "2312-7150", "2312－7150", "231271—50", "\u200b23127150"],
)
@pytest.mark.parametrize("name", ["欧阳㛃䶮", " 欧阳 㛃䶮 "])
def test_full_width_digits_blanks_and_dashes_do_not_matter(stage: Stage, number: str, name: str) -> None:
    assert verdict_of(stage.ask(number, name).text) == "V0"


@pytest.mark.parametrize("standing", STEPS)
def test_whoever_knows_number_and_name_is_told_the_state(stage: Stage, standing: Standing) -> None:
    stage.change(STEPS[standing])
    assert verdict_of(stage.ask().text) == standing.value


def test_an_expired_report_is_told_as_expired(stage: Stage) -> None:
    stage.now = stage.dossier.verifications[0].valid_until + timedelta(seconds=1)
    assert verdict_of(stage.ask().text) == "V2"


def test_a_hit_is_written_down_with_the_department_as_stated(stage: Stage) -> None:
    stage.ask(department="示例市人才服务中心")
    assert [(look.way, look.standing, look.department) for look in stage.looks()] == [
        (Way.TYPED, Standing.IN_FORCE, "示例市人才服务中心")
    ]


def test_a_miss_is_not_written_down_anywhere(stage: Stage) -> None:
    stage.ask(name="王小明", department="示例市人才服务中心")
    assert stage.looks() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_wrong_pairs_get_the_same_bytes_whatever_the_state(stage: Stage, language: str) -> None:
    query = f"?lang={language}"
    first = stage.ask("99999999", "没有人", query)
    answers = [
        stage.ask(NUMBER, "欧阳㛃", query),
        stage.ask(NUMBER, "某某某", query),
        stage.ask("99999999", "某某某", query),
        stage.ask("2312715", NAME, query),
        stage.ask("231271500", NAME, query),
        stage.ask("abcdefgh", NAME, query, department="某单位"),
        stage.ask("٢٣١٢٧١٥٠", NAME, query),
        stage.ask("<script>", "<b>&'\"", query),
        stage.ask("\x00" * 8 + "1", "\x00王", query),
        stage.ask("9" * 300, "王" * 300, query),
    ]
    for step in list(STEPS.values())[1:]:
        stage.change(step)
        answers.append(stage.ask(NUMBER, "欧阳", query))
    stage.now = NOW + timedelta(days=400)
    answers.append(stage.ask(NUMBER, "欧阳", query))
    assert {(answer.status_code, answer.data) for answer in answers} == {(200, first.data)}
    assert {str(answer.headers) for answer in answers} == {str(first.headers)}
    assert verdict_of(first.text) == "V6"


def test_two_thousand_wrong_pairs_at_random_cannot_be_told_apart(stage: Stage) -> None:
    chance = random.Random(20230630)
    letters = "欧阳㛃䶮王小明李·abc 0" + string.punctuation
    seen = set()
    for _ in range(2000):
        number = chance.choice([NUMBER, "03127151", f"{chance.randrange(10**8):08}", f"{chance.randrange(10**9)}"])
        name = "".join(chance.choices(letters, k=chance.randint(1, 6))) + "甲"
        answer = stage.ask(number, name)
        seen.add((answer.status_code, answer.data))
    assert len(seen) == 1
    assert MISS in seen.pop()[1].decode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.text(min_size=1), name=st.text(min_size=1), department=st.text(max_size=60))
def test_whatever_is_typed_is_a_miss_or_asks_for_what_is_empty(
    stage: Stage, number: str, name: str, department: str
) -> None:
    plain = stage.ask("99999999", "没有人")
    answer = stage.ask(number, name + "甲", department=department)
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert answer.data == plain.data


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("form", "faults"),
    [
        ({}, ["number", "name"]),
        ({"number": " ", "name": "王小明"}, ["number"]),
        ({"number": "--", "name": "王小明"}, ["number"]),
        ({"number": "12345678", "name": "\u200b "}, ["name"]),
        ({"number": "12345678", "name": "王小明", "department": "字" * 61}, ["department"]),
    ],
)
def test_what_is_empty_or_too_long_is_said_at_its_field_before_anything_is_looked_up(
    stage: Stage, language: str, form: dict[str, str], faults: list[str]
) -> None:
    answer = stage.client.post(f"/verify?lang={language}", data=form)
    assert answer.status_code == 400
    said = [key for key, sentence in words(language)["faults"].items() if sentence in answer.text.replace("&#39;", "'")]
    assert said == faults
    assert answer.text.count('aria-invalid="true"') == len(faults)


def test_a_department_of_sixty_characters_is_not_too_long(stage: Stage) -> None:
    assert stage.ask(department="字" * 60).status_code == 200
    assert stage.looks()[0].department == "字" * 60


def test_nothing_typed_stands_in_any_address_of_the_answers(stage: Stage) -> None:
    for answer in (stage.ask(), stage.ask(name="王小明"), stage.ask(name="")):
        addresses = re.findall(r'(?:href|action|src)="([^"]*)"', answer.text)
        assert addresses
        assert not [address for address in addresses if NUMBER in address or "欧" in address]
        assert "Location" not in answer.headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_asks_for_both_offers_the_file_and_the_offline_page_and_the_other_language(
    stage: Stage, language: str
) -> None:
    page = stage.open(f"?lang={language}").text
    query = "?lang=en" if language == "en" else ""
    for said in (
        f'<form method="post" action="/verify{query}"',
        f'<form method="post" action="/verify/file{query}" enctype="multipart/form-data"',
        '<input type="file" id="file" name="file"',
        f'href="/verify/offline{query}"',
        'name="number"',
        'name="name"',
        f'href="/verify{"?" if language == "en" else "?lang=en"}"',
        f'<html lang="{words(language)["lang"]}">',
        "0512-62880000",
    ):
        assert said in page, said
    assert not re.search(r"<(script|style)>|\son\w+=|style=", page)


@pytest.mark.parametrize("query", ["?number=23127150&name=欧阳㛃䶮", "?lang=xx"])
def test_what_stands_in_the_address_is_never_looked_up_nor_shown(stage: Stage, query: str) -> None:
    assert stage.open(query).data == stage.open().data


def test_the_pages_may_not_be_kept_indexed_or_framed(stage: Stage) -> None:
    for answer in (stage.open(), stage.ask(), stage.ask(name="王小明")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"number=12345678&name=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b'{"number": "23127150"}', "application/json", 400),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded", 400),
        (b"number=%FF%FE&name=%ED%A0%80", "application/x-www-form-urlencoded", 200),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"", "multipart/form-data", 400),
        (b"&".join([b"a=1"] * 3000), "application/x-www-form-urlencoded", 400),
        (b"number=1&number=2&name=a&name=b", "application/x-www-form-urlencoded", 200),
    ],
)
def test_strange_bodies_get_a_clear_page(stage: Stage, body: bytes, content_type: str, status: int) -> None:
    answer = stage.client.post("/verify", data=body, content_type=content_type)
    assert answer.status_code == status
    assert words("zh")["title"] in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(stage: Stage, method: str) -> None:
    assert stage.client.open("/verify", method=method).status_code == 405


def test_before_any_season_was_set_up_every_pair_is_a_miss(tmp_path: Path) -> None:
    with opened_stage(tmp_path, is_set_up=False) as empty:
        assert empty.open().status_code == 200
        assert verdict_of(empty.ask().text) == "V6"


def test_both_languages_hold_the_same_words() -> None:
    def keys(table: object, prefix: str = "") -> list[str]:
        if not isinstance(table, dict):
            return [prefix]
        return [key for name, inner in table.items() for key in keys(inner, f"{prefix}.{name}")]

    assert keys(words("zh")) == keys(words("en"))
