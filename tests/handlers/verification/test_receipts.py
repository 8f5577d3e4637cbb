"""Recording on the scan page that the archive has arrived."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import insert
from werkzeug.test import TestResponse

from bot.registration.look import Receipt
from bot.registration.verification import Subject
from bot.use_cases.receive_archive import Fault
from handlers.verification.words import words
from storage.tables import receipt as receipt_table
from tests.handlers.report.sample import NOW
from tests.handlers.report.stage import Stage
from tests.handlers.verification.test_pages import LANGUAGES, LATER

NAME, CONTACT = "苏州市人才服务中心", "0512-62881234"


def send(stage: Stage, subject: Subject = Subject.ARCHIVE, query: str = "", **typed: str) -> TestResponse:
    fields = {"department": NAME, "contact": CONTACT, "note": "袋子完好"} | typed
    return stage.client.post(f"/v/{stage.code(subject)[3:]}/received{query}", data=fields)


def stored(stage: Stage) -> list[Receipt]:
    with stage.work.reading() as uow:
        return list(uow.receipts.of(["v-archive", "v-household"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_on_the_page_records_and_says_so(stage: Stage, language: str) -> None:
    query = "?lang=en" if language == "en" else ""
    page = stage.client.get(stage.code(Subject.ARCHIVE) + query).text
    action = re.search(r'action="([^"]+)"', page)
    assert action
    answer = stage.client.post(action[1], data={"department": NAME, "contact": CONTACT, "note": "袋子完好"})
    assert answer.status_code == 303
    done = stage.client.get(answer.headers["Location"])
    assert words(language)["receipt"]["done"] in done.text
    assert "2023-06-30 10:00:00" in done.text
    (receipt,) = stored(stage)
    assert (receipt.department, receipt.contact, receipt.note) == (NAME, CONTACT, "袋子完好")


def test_strangers_see_the_day_of_an_arrival_and_nobody_s_name(stage: Stage) -> None:
    send(stage)
    for path in (stage.code(Subject.ARCHIVE), f"/v/{stage.code(Subject.ARCHIVE)[3:]}/received"):
        page = stage.client.get(path).text
        assert "2023-06-30" in page
        for hidden in (NAME, CONTACT, "袋子完好"):
            assert hidden not in page
    assert "已有单位在 2023-06-30 登记" in stage.client.get(stage.code(Subject.ARCHIVE)).text


def test_sending_the_form_twice_records_once(stage: Stage) -> None:
    assert [send(stage).status_code for _ in range(2)] == [303, 303]
    assert len(stored(stage)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_wrong_is_said_field_by_field_and_what_was_typed_is_kept(stage: Stage, language: str) -> None:
    query = "?lang=en" if language == "en" else ""
    answer = send(stage, query=query, department='"><script>alert(1)</script>', contact="王老师", note="看 x.com")
    text = words(language)["receipt"]
    assert answer.status_code == 422
    assert ">V0<" in answer.text
    assert text["faults"]["no_number"].format(field=text["named"]["contact"]) in answer.text
    assert text["faults"]["link"].format(field=text["named"]["note"]) in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert 'value="王老师"' in answer.text
    assert stored(stage) == []


def test_every_fault_has_its_sentence_in_both_languages() -> None:

    for language in LANGUAGES:
        assert set(words(language)["receipt"]["faults"]) == {fault.value for fault in Fault}


def test_without_fields_everything_needed_is_named(stage: Stage) -> None:
    answer = stage.client.post(f"/v/{stage.code(Subject.ARCHIVE)[3:]}/received")
    assert answer.status_code == 422
    assert "请填写单位名称。" in answer.text
    assert "请填写联系方式。" in answer.text


def test_a_household_report_has_no_form_and_takes_no_record(stage: Stage) -> None:
    assert "<form" not in stage.client.get(stage.code(Subject.HOUSEHOLD)).text
    answer = send(stage, Subject.HOUSEHOLD)
    assert answer.status_code == 409
    assert words("zh")["receipt"]["closed"] in answer.text
    assert "<form" not in answer.text
    assert stored(stage) == []


def test_an_ended_report_has_no_form_and_an_expired_one_has(stage: Stage) -> None:
    path = stage.code(Subject.ARCHIVE)
    stage.now = stage.dossier.verifications[0].valid_until + timedelta(days=1)
    assert "<form" in stage.client.get(path).text
    stage.now = LATER
    stage.change(lambda dossier: dossier.close(Subject.ARCHIVE, LATER))
    assert "<form" not in stage.client.get(path).text
    assert send(stage).status_code == 409
    assert stored(stage) == []


def test_a_full_report_says_so_and_shows_no_form(stage: Stage) -> None:
    for number in range(3):
        assert send(stage, department=f"第{number}中心").status_code == 303
    assert "<form" not in stage.client.get(stage.code(Subject.ARCHIVE)).text
    answer = send(stage, department="又一个中心")
    assert answer.status_code == 409
    assert words("zh")["receipt"]["full"] in answer.text
    assert len(stored(stage)) == 3


def test_whoever_records_too_often_keeps_what_was_typed(stage: Stage) -> None:
    stage.may_record = False
    answer = send(stage)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert words("zh")["receipt"]["busy"] in answer.text
    assert f'value="{NAME}"' in answer.text
    assert stored(stage) == []


def test_a_record_that_cannot_be_stored_keeps_what_was_typed(stage: Stage) -> None:
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- the table is to refuse
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON receipt BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    answer = send(stage)
    assert answer.status_code == 503
    assert words("zh")["receipt"]["failed"] in answer.text
    assert f'value="{NAME}"' in answer.text


def test_without_the_signed_code_of_the_paper_nothing_is_recorded(stage: Stage) -> None:
    forged = "A" * 148
    answer = stage.client.post(f"/v/{forged}/received", data={"department": NAME, "contact": CONTACT})
    assert ">V6<" in answer.text
    assert stage.client.get(f"/v/{forged}/received").status_code == 303
    assert stored(stage) == []


def test_while_the_register_is_away_the_form_s_answer_is_the_outage_page(stage: Stage) -> None:
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- the database is to fail
        connection.exec_driver_sql("ALTER TABLE season RENAME TO away")
    answer = send(stage)
    assert answer.status_code == 503
    assert words("zh")["outage"]["verdict"] in answer.text


def test_the_result_page_of_what_was_taken_back_leads_to_the_verdict(stage: Stage) -> None:
    send(stage)
    with stage.work.writing() as uow:
        assert uow.receipts.withdraw(stored(stage)[0].id, "office", NOW)
        uow.commit()
    answer = stage.client.get(f"/v/{stage.code(Subject.ARCHIVE)[3:]}/received")
    assert answer.status_code == 303
    assert "已有单位" not in stage.client.get(stage.code(Subject.ARCHIVE)).text


def test_a_record_that_cannot_be_read_does_not_keep_the_verdict_from_the_clerk(stage: Stage) -> None:
    broken = {"id": "r", "verification_id": "v-archive", "at": NOW, "department": b"x", "contact": b"x"}
    with stage.work._engine.connect() as connection:  # noqa: SLF001 -- a row nobody of us wrote
        connection.execute(insert(receipt_table).values(**broken, withdrawn_by=""))
    answer = stage.client.get(stage.code(Subject.ARCHIVE))
    assert answer.status_code == 200
    assert ">V0<" in answer.text


def test_sending_the_form_writes_no_look(stage: Stage) -> None:
    send(stage)
    with stage.work.reading() as uow:
        assert uow.looks.count(["v-archive"]) == 0
