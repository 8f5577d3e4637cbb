import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from bot.registration.dossier import Dossier
from bot.registration.verification import Subject
from handlers.public_pages import loggable_path
from tests.handlers.report.sample import ADDRESS, CONTACT, IDENTITY_NUMBER, LAST_DAY, NOW, PHONE, registered
from tests.handlers.report.stage import BASE_URL, Stage

ENDS: dict[str, Callable[[Dossier], Dossier]] = {
    "已撤销": lambda dossier: dossier.close(Subject.ARCHIVE, NOW),
    "需重新确认": lambda dossier: dossier.fallen(NOW),
}


SECRETS = ("欧阳", IDENTITY_NUMBER, IDENTITY_NUMBER[-6:], ADDRESS, CONTACT, PHONE, "园区人力资源")


def whole(stage: Stage, subject: Subject = Subject.ARCHIVE) -> str:
    """Open the report as its graduate does, and return the path under which picture and file are found."""
    page = stage.client.post(stage.link(subject), data={"tail": IDENTITY_NUMBER[-6:]})
    assert page.status_code == 200
    found = re.search(r'href="(/r/[^"]+)/report\.pdf"', page.text)
    assert found
    return found[1]


def test_a_forwarded_link_shows_state_number_and_validity_and_everything_else_masked(stage: Stage) -> None:
    link = stage.link(Subject.ARCHIVE)
    answer = stage.client.get(link)
    assert answer.status_code == 200
    for said in ("生效中", "V0", ">23127150<", "2023-07-16 23:59:59", "欧**䶮", "身份证号后六位"):
        assert said in answer.text, said
    assert not [secret for secret in (*SECRETS, "report.pdf", "preview.png") if secret in answer.text]
    for file in ("/report.pdf", "/preview.png"):
        refused = stage.client.get(link + file)
        assert (refused.status_code, refused.mimetype) == (404, "text/html")


def test_with_the_end_of_the_id_number_the_page_shows_preview_and_download(stage: Stage) -> None:
    link = stage.link(Subject.ARCHIVE)
    for typed in (IDENTITY_NUMBER[-6:], f" {IDENTITY_NUMBER[-6:].lower()} ", IDENTITY_NUMBER):
        page = stage.client.post(link, data={"tail": typed})
        assert page.status_code == 200, typed
        assert '/preview.png"' in page.text
        assert "下载 PDF" in page.text


def test_what_is_not_six_characters_is_told_and_not_counted(stage: Stage) -> None:
    link = stage.link(Subject.ARCHIVE)
    for typed in ("", "12345", "欧阳㛃䶮", "1" * 5000, "<script>"):
        page = stage.client.post(link, data={"tail": typed})
        assert page.status_code == 403
        assert "五位数字" in page.text
        assert "<script>" not in page.text
    assert whole(stage)


def test_the_fifth_wrong_ending_locks_this_link_for_a_day_and_a_fresh_one_opens(stage: Stage) -> None:
    link = stage.link(Subject.ARCHIVE)
    for _ in range(4):
        assert "后六位不对" in stage.client.post(link, data={"tail": "000000"}).text
    assert "锁定到 2023-07-01 10:00" in stage.client.post(link, data={"tail": "000000"}).text
    refused = stage.client.post(link, data={"tail": IDENTITY_NUMBER[-6:]})
    assert refused.status_code == 403
    assert "report.pdf" not in refused.text
    stage.now += timedelta(seconds=1)
    assert whole(stage)


def test_what_was_opened_stays_open_for_half_an_hour_only(stage: Stage) -> None:
    opened = whole(stage)
    stage.now += timedelta(minutes=30)
    assert stage.client.get(opened + "/report.pdf").status_code == 200
    stage.now += timedelta(seconds=1)
    assert stage.client.get(opened + "/report.pdf").status_code == 404
    assert stage.client.get(opened).status_code == 404


def test_the_number_can_be_copied_without_script_and_the_button_needs_one(stage: Stage) -> None:
    page = stage.client.get(stage.link(Subject.ARCHIVE)).text
    assert re.search(r'<strong class="number" id="number">23127150</strong>', page)
    assert re.search(r'<button [^>]*data-copy="number"[^>]*\shidden>', page)


def test_the_download_is_the_report_of_this_subject_with_the_number_in_its_name(stage: Stage) -> None:
    answer = stage.client.get(whole(stage, Subject.HOUSEHOLD) + "/report.pdf")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    named = answer.headers["Content-Disposition"]
    assert named.startswith("attachment")
    assert "report-03127151.pdf" in named
    assert quote("户口核验报告-03127151.pdf") in named
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)
    assert "户口迁移信息" in text


def test_from_link_to_picture_to_code_to_landing_page_is_one_unbroken_way(stage: Stage) -> None:
    picture = stage.client.get(whole(stage) + "/preview.png")
    assert picture.mimetype == "image/png"
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.data)).convert("L"))
    assert code.text.startswith(BASE_URL.upper() + "/V/")
    landing = stage.client.get(code.text.removeprefix(BASE_URL.upper()))
    assert "生效中" in landing.text
    assert "23127150" in landing.text


@pytest.mark.parametrize("state", ENDS)
@pytest.mark.parametrize("file", ["/report.pdf", "/preview.png"])
def test_what_is_not_in_force_is_not_handed_out_and_the_page_says_why(stage: Stage, state: str, file: str) -> None:
    opened = whole(stage)
    stage.change(ENDS[state])
    answer = stage.client.get(opened + file)
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert f"<h1>{state}</h1>" in answer.text
    assert "公众号" in answer.text
    assert "report.pdf" not in answer.text


def test_the_last_second_still_downloads_and_the_next_does_not(stage: Stage) -> None:
    verification = stage.dossier.verification_of(Subject.ARCHIVE)
    assert verification
    stage.now = verification.valid_until
    opened = whole(stage)
    assert stage.client.get(opened + "/report.pdf").status_code == 200
    stage.now += timedelta(seconds=1)
    answer = stage.client.get(opened + "/report.pdf")
    assert answer.status_code == 409
    assert "<h1>已过期</h1>" in answer.text
    assert "2023-07-16 23:59:59" in answer.text


def test_closing_one_subject_leaves_the_other_in_force(stage: Stage) -> None:
    stage.change(ENDS["已撤销"])
    assert stage.client.get(whole(stage, Subject.HOUSEHOLD) + "/report.pdf").status_code == 200


def test_a_bad_an_old_and_an_orphaned_link_read_alike(stage: Stage) -> None:
    good = stage.link(Subject.ARCHIVE)
    orphan = f"/r/{stage.links.token('never-issued')}"
    stage.now += timedelta(days=7, seconds=1)
    old = stage.client.get(good)
    stage.now = NOW
    pages = [stage.client.get(path) for path in ("/r/x", orphan, good[:-1] + ("A" if good[-1] != "A" else "E"))]
    assert {page.status_code for page in (old, *pages)} == {404}
    assert {page.text for page in pages} == {old.text}
    assert "链接已失效" in old.text
    assert "查看报告" in old.text


def test_a_name_the_font_cannot_print_gets_an_explanation_instead_of_a_hole(stage: Stage) -> None:
    dossier = replace(registered(name="王\U00030000明"), id="d2", confirmation=None, verifications=())
    graduate = replace(dossier.graduate, student_number="20190002")
    with stage.work.writing() as uow:
        season = uow.seasons.current()
        assert season
        named = replace(dossier, graduate=graduate).confirm(season, NOW)
        first = registered().verifications[0]
        named = named.authorise(replace(first, id="v3", number="33333333", digest=named.digest), season)
        uow.registry.add_many([named])
        uow.commit()
    answer = stage.client.get(f"/r/{stage.links.whole_token('v3')}/report.pdf")
    assert answer.status_code == 503
    assert "缺字" in answer.text
    assert "0512-62880000" in answer.text
    assert "王" not in answer.text


@pytest.mark.parametrize("tail", ["", "/preview.png", "/report.pdf"])
def test_every_answer_is_private_and_loads_nothing_from_elsewhere(stage: Stage, tail: str) -> None:
    for method in ("GET", "HEAD"):
        path = whole(stage) + tail if tail else stage.link(Subject.ARCHIVE)
        answer = stage.client.open(path, method=method)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert (answer.data == b"") is (method == "HEAD")


def test_no_page_holds_inline_script_or_style(stage: Stage) -> None:
    paths = [stage.link(Subject.ARCHIVE), stage.code(Subject.ARCHIVE), "/r/x", "/v/x"]
    for path in paths:
        page = stage.client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", page), path


def test_a_crowd_is_asked_to_wait_and_no_database_is_touched(stage: Stage) -> None:
    stage.may_look = False
    for path in (stage.link(Subject.ARCHIVE), stage.code(Subject.ARCHIVE)):
        answer = stage.client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.7"})
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        assert "请稍候" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert stage.askers == ["203.0.113.7"] * 2


def test_logs_can_tell_links_apart_without_holding_them(stage: Stage) -> None:
    link, code = stage.link(Subject.ARCHIVE), stage.code(Subject.ARCHIVE)
    token = link.removeprefix("/r/")
    assert re.fullmatch(r"/r/[0-9a-f]{8}/report\.pdf", loggable_path(link + "/report.pdf"))
    assert loggable_path(code) == loggable_path(code.lower())
    assert loggable_path(link) != loggable_path(code)
    assert re.fullmatch(r"/prefix/v/[0-9a-f]{8}\?lang=en", loggable_path(f"/prefix{code}?lang=en"))
    assert token not in loggable_path(f"GET {link} HTTP/1.1")
    assert loggable_path("/static/public.css") == "/static/public.css"
    assert stage.dossier.verifications[0].last_day == LAST_DAY
