import io
import logging
import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from bot.registration.dossier import Dossier
from bot.registration.look import Way
from bot.registration.report import Standing
from bot.registration.verification import Subject
from handlers.files.comparing import EVERY_ROW, Outcome
from handlers.files.examining import Examiner
from handlers.files.findings import Trouble
from handlers.files.judging import FileVerdict
from handlers.files.showing import MOST_BYTES
from handlers.files.words import words
from handlers.keylist.model import KeyState
from tests.handlers.files import tampering as tamper
from tests.handlers.files.stage import GOOD, FileStage
from tests.handlers.report.sample import ADDRESS, CONTACT, NOW, PHONE, SEASON

ENDS: dict[str, tuple[Callable[[Dossier], Dossier], str]] = {
    "V3": (lambda dossier: dossier.fallen(NOW), "需重新确认"),
    "V4": (lambda dossier: dossier.close(Subject.ARCHIVE, NOW), "已撤销"),
}


def rows(page: str) -> dict[str, tuple[str, str, str]]:
    """Return what the page says of each row: how it compares, the paper, the register."""
    found = re.findall(
        r'<tr class="(\w+)">\s*<th scope="row">(.*?)</th>\s*<td[^>]*>(.*?)</td>\s*<td[^>]*>(.*?)</td>', page, re.DOTALL
    )
    plain = [[re.sub(r"<[^>]+>", "", part).strip() for part in row] for row in found]
    return {label: (outcome, paper, register) for outcome, label, paper, register in plain}


@pytest.mark.parametrize("subject", Subject)
def test_an_original_in_force_is_green_and_every_row_equals(files: FileStage, subject: Subject) -> None:
    answer = files.check(files.issued(subject))
    assert answer.status_code == 200
    assert GOOD in answer.text
    assert '<span class="code">F0</span>' in answer.text
    assert '<span class="code">V0</span>' in answer.text
    said = rows(answer.text)
    assert len(said) > 15
    assert {outcome for outcome, _, _ in said.values()} == {"same"}
    assert said["姓名"] == ("same", "欧阳㛃䶮", "欧阳㛃䶮")


def test_the_file_downloaded_from_the_report_page_is_green(files: FileStage) -> None:
    page = files.under.client.post(files.under.link(Subject.ARCHIVE), data={"tail": "03002X"})
    found = re.search(r'href="(/r/[^"]+/report\.pdf)"', page.text)
    assert found
    assert GOOD in files.check(files.under.client.get(found[1]).data).text


@pytest.mark.parametrize("code", ENDS)
def test_file_and_standing_are_two_statements(files: FileStage, code: str) -> None:
    change, word = ENDS[code]
    pdf = files.issued()
    files.under.change(change)
    page = files.check(pdf).text
    assert GOOD not in page
    assert '<span class="code">F0</span>' in page
    assert f'{word} <span class="code">{code}</span>' in page
    hidden = {outcome for label, (outcome, _, _) in rows(page).items() if label in {"档案接收单位", "联系人", "学院"}}
    assert hidden == {"untold"}, "what a scan no longer shows is not compared either"
    assert "报告现在不能用来办理" in page


def test_the_last_second_is_green_and_the_next_is_not(files: FileStage) -> None:
    pdf = files.issued()
    verification = files.under.dossier.verification_of(Subject.ARCHIVE)
    assert verification
    files.under.now = verification.valid_until
    assert GOOD in files.check(pdf).text
    files.under.now += timedelta(seconds=1)
    page = files.check(pdf).text
    assert 'class="verdict wait"' in page
    assert '已过期 <span class="code">V2</span>' in page


def test_paper_from_before_an_extension_stays_green_and_says_so(files: FileStage) -> None:
    pdf = files.issued()
    files.under.change(lambda dossier: dossier.extend(Subject.ARCHIVE, date(2023, 9, 30), SEASON, NOW))
    page = files.check(pdf).text
    assert GOOD in page
    outcome, paper, register = rows(page)["有效期至"]
    assert (outcome, paper) == ("same", "2023-07-16 23:59:59")
    assert register.startswith("2023-09-30 23:59:59")
    assert "已延长有效期" in page


def test_an_original_that_differs_from_the_register_is_not_green(files: FileStage) -> None:
    pdf = files.issued()
    with files.under.work.writing() as uow:
        season = uow.seasons.current()
        assert season
        uow.seasons.save(replace(season, school="江北示范大学"))
        uow.commit()
    page = files.check(pdf).text
    assert 'class="verdict bad"' in page
    assert "与登记不一致" in page
    assert rows(page)["毕业院校"] == ("different", "江南示范大学", "江北示范大学")


def test_a_changed_row_stands_first_in_words_and_colour(files: FileStage) -> None:
    pdf = tamper.rewritten(files.issued(), tamper.copied("学院", "档案接收单位"))
    page = files.check(pdf).text
    label, said = next(iter(rows(page).items()))
    assert label == "档案接收单位"
    assert said == ("different", "机械与电气工程学院", "园区人力资源管理服务中心𬭊")
    assert "有 1 项与登记不一致" in page
    assert ">不一致<" in page


def test_text_laid_over_a_row_is_read_as_a_reader_sees_it(files: FileStage) -> None:
    said = rows(files.check(tamper.saved(files.issued(), tamper.overlay)).text)
    assert [label for label, (outcome, _, _) in said.items() if outcome != "same"] == ["姓名"]
    assert said["姓名"][2] == "欧**䶮", "a differing name gets no more than its mask"


def test_a_stranger_learns_nothing_from_a_forged_file_that_a_scan_would_not_show(files: FileStage) -> None:
    pdf = files.issued()
    right = files.check(tamper.rewritten(pdf)).text
    wrong = files.check(tamper.rewritten(pdf, tamper.copied("毕（结）业", "联系人"))).text
    said = rows(right)
    assert {said[label][0] for label in ("联系人", "联系电话", "学院", "单位名称", "证件号码")} == {"untold"}
    assert not [secret for label, (_, _, secret) in said.items() for hidden in (CONTACT, PHONE) if hidden in secret]
    assert said["姓名"] == ("untold", "欧阳㛃䶮", "欧**䶮")
    assert said["档案接收地址"] == ("same", ADDRESS, ADDRESS), "a scan shows it"
    guessed = rows(wrong)
    assert guessed["联系人"][1] == "结业"
    assert {label: (outcome, register) for label, (outcome, _, register) in guessed.items()} == {
        label: (outcome, register) for label, (outcome, _, register) in said.items()
    }, "a right guess and a wrong one are answered alike"


def test_a_file_of_a_closed_report_tells_a_stranger_nothing_below_its_head(files: FileStage) -> None:
    forged = tamper.rewritten(files.issued())
    files.under.change(lambda dossier: dossier.close(Subject.ARCHIVE, NOW))
    said = rows(files.check(forged).text)
    told = {label for label, (outcome, _, _) in said.items() if outcome != "untold"}
    assert told == {"核验编号", "有效期至", "签发时间", "数据校验码", "届次与事项", "毕业院校"}


@pytest.mark.parametrize(("state", "code"), [(KeyState.FORMER, "F0"), (KeyState.RETIRED, "F5")])
def test_a_former_seal_counts_and_a_retired_one_does_not(files: FileStage, state: KeyState, code: str) -> None:
    rotated = FileStage(files.under, state)
    page = rotated.check(rotated.issued()).text
    assert f'<span class="code">{code}</span>' in page
    assert (GOOD in page) is (state is KeyState.FORMER)


def test_the_page_speaks_english(files: FileStage) -> None:
    page = files.check(files.issued(), "?lang=en").text
    assert '<html lang="en">' in page
    assert "Original file, report in force" in page
    assert "Receiving unit" in page
    assert not re.findall(r'<th scope="row">[^<]*[\u4e00-\u9fff]', page)
    assert 'href="/verify?lang=en"' in page


def test_the_look_is_written_down_as_a_file_with_the_department(files: FileStage) -> None:
    files.check(files.issued(), department="  苏州市人才 服务中心\n")
    verification = files.under.dossier.verification_of(Subject.ARCHIVE)
    assert verification
    with files.under.work.reading() as uow:
        (look,) = uow.looks.of([verification.id], 9)
    assert (look.way, look.standing, look.department) == (Way.FILE, Standing.IN_FORCE, "苏州市人才 服务中心")


def test_a_file_that_names_no_report_leaves_no_look(files: FileStage) -> None:
    files.check(b"%PDF-1.7 nothing")
    verification = files.under.dossier.verification_of(Subject.ARCHIVE)
    assert verification
    with files.under.work.reading() as uow:
        assert not uow.looks.of([verification.id], 9)


def test_while_the_register_is_away_the_file_is_told_and_the_standing_is_not(files: FileStage, tmp_path: Path) -> None:
    pdf = files.issued()
    with closing(sqlite3.connect(tmp_path / "stage.sqlite")) as database:
        database.execute("ALTER TABLE verification RENAME TO gone")
    answer = files.check(pdf)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert '<span class="code">F0</span>' in answer.text
    assert '<span class="code">L0</span>' in answer.text
    assert GOOD not in answer.text


def test_asking_for_the_page_leads_to_the_form(files: FileStage) -> None:
    for query in ("", "?lang=en"):
        answer = files.client.get(f"/verify/file{query}")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/verify{query}")


def test_a_form_without_a_file_is_told_so(files: FileStage) -> None:
    for sent in ({}, {"file": (io.BytesIO(b""), "")}, {"file": "words"}, {"department": "x"}):
        answer = files.client.post("/verify/file", data=sent, content_type="multipart/form-data")
        assert answer.status_code == 400
        assert "没有收到文件" in answer.text
    assert files.client.post("/verify/file", data=b"\0", content_type="multipart/form-data").status_code == 400
    assert files.client.post("/verify/file", json={}).status_code == 400


@pytest.mark.parametrize("more", [1, 2**20])
def test_what_is_larger_than_any_report_is_refused(files: FileStage, more: int) -> None:
    answer = files.check(b"%PDF-" + b"0" * (MOST_BYTES - 5 + more))
    assert answer.status_code == 413
    assert "超过 5 MB" in answer.text


def test_a_large_upload_never_touches_the_disk(files: FileStage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an upload was put on the disk")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    assert files.check(files.issued() + b"\n" * 2**21).status_code == 200


def test_the_tighter_limit_holds_for_uploads_and_is_asked_with_the_address(files: FileStage) -> None:
    files.may_upload = False
    answer = files.check(b"%PDF-1.7")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "上传次数过多" in answer.text
    assert files.uploaders == ["127.0.0.1"]
    files.under.may_look = False
    assert files.check(b"%PDF-1.7").status_code == 429
    assert len(files.uploaders) == 1, "the common limit comes first"


def test_nothing_of_an_upload_reaches_the_log(files: FileStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    files.check(files.issued(), department="苏州市人才服务中心")
    files.check(tamper.flipped(files.issued(), 50_000))
    for secret in ("欧阳", "23127150", "苏州市人才服务中心", "AEAQ"):
        assert secret not in caplog.text


def test_the_answer_is_private_and_holds_no_script_and_no_style(files: FileStage) -> None:
    answer = files.check(files.issued())
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script", answer.text)


@pytest.mark.parametrize(("crowd", "patience", "checked"), [(3, 0.05, 1), (3, 20.0, 3), (5, 20.0, 3)])
def test_a_crowd_waits_for_its_turn_and_nobody_waits_long(
    files: FileStage, crowd: int, patience: float, checked: int
) -> None:
    examiner = Examiner([], at_once=1, patience=patience)
    pdf, start = files.issued(), Barrier(crowd)
    troubles: list[Trouble | None] = []

    def work() -> None:
        start.wait()
        troubles.append(examiner(pdf).trouble)

    threads = [Thread(target=work) for _ in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles.count(None) == checked
    assert troubles.count(Trouble.BUSY) == crowd - checked


def test_every_verdict_and_trouble_has_its_words_in_both_languages() -> None:
    def keys(table: Mapping[str, object]) -> set[str]:
        inside = {f"{name}.{key}" for name, part in table.items() if isinstance(part, dict) for key in keys(part)}
        return {*table, *inside}

    zh, en = words("zh"), words("en")
    assert keys(zh) == {key for key in keys(en) if not key.startswith("labels")}
    assert set(zh["troubles"]) == {trouble.value for trouble in Trouble}
    assert set(zh["files"]) == {verdict.value for verdict in FileVerdict}
    assert set(zh["outcomes"]) == {outcome.value for outcome in Outcome}
    assert set(en["labels"]) == {key for rows in EVERY_ROW.values() for key in rows}
