"""Progress through the front door: the numbers are right, the same in every form, and never beyond the scope."""

import csv
import io
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from openpyxl import load_workbook

from bot.registration.dossier import Dossier
from bot.registration.stage import Stage, stage_of
from bot.staff.policy import EVERYONE, Role
from bot.staff.roll import FUNNEL, VERIFIED, Area, Progress
from bot.use_cases.keep_progress import keep_progress
from handlers.staff.charts import per_cent
from tests.handlers.staff.stage import MORNING, ConsoleStage

_RUNG = re.compile(r'<tr><th scope="row">(\S+?)</th><td class="bar-cell".*?<td class="count">([\d,]+)</td>', re.DOTALL)
_PART = re.compile(
    r'<tr><th scope="row">(?:<a [^>]*>)?([^<]+)(?:</a>)?(?:<small>[^<]*</small>)?</th>'
    r'<td class="bar-cell".*?<td class="count">(\d+)</td>',
    re.DOTALL,
)


def _expected(dossiers: Iterator[Dossier]) -> Mapping[str, int]:
    ranks = [stage_of(dossier).rank for dossier in dossiers]
    return {step.label: sum(rank >= step.stage.rank for rank in ranks) for step in FUNNEL}


def _rungs(page: str) -> dict[str, int]:
    funnel = page.split("每天的变化", maxsplit=1)[0]
    return {label: int(count.replace(",", "")) for label, count in _RUNG.findall(funnel)}


def _parts(page: str) -> dict[str, int]:
    return {name: int(count) for name, count in _PART.findall(page.split('id="parts"')[1])}


@pytest.mark.parametrize("role", list(Role))
def test_the_funnel_counts_exactly_the_graduates_one_may_see(stage: ConsoleStage, role: Role) -> None:
    scope = stage.accounts[role].actor.scope
    page = stage.clerk(role).get("/staff/progress").text
    assert _rungs(page) == _expected(dossier for dossier in stage.dossiers() if scope.covers(dossier))


def test_one_can_go_down_from_the_college_to_the_people(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    page = clerk.get("/staff/progress").text
    for name in ("文学院", "汉语言文学", "1班"):
        found = re.search(rf'<th scope="row"><a href="([^"]+)">{name}</a>', page)
        assert found, name
        page = clerk.get(found[1].replace("&amp;", "&")).text
    expected = [d for d in stage.dossiers() if (d.graduate.college, d.graduate.class_name) == ("文学院", "1班")]
    assert expected
    assert sorted(re.findall(r"<i>(\d+)</i>", page)) == [d.graduate.student_number for d in expected]


def test_parts_count_the_same_people_whatever_they_are_counted_by(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    for by in ("college", "major", "class", "counsellor"):
        page = clerk.get(f"/staff/progress?by={by}").text
        assert sum(int(count) for _, count in _PART.findall(page.split('id="parts"')[1])) == len(stage.dossiers())
        assert _rungs(page)["全部毕业生"] == len(stage.dossiers())


def test_the_slowest_part_comes_first(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    shares = {}
    for name in ("文学院", "理学院", "工学院"):
        dossiers = [d for d in stage.dossiers() if d.graduate.college == name]
        shares[name] = sum(stage_of(d) is Stage.VERIFIED for d in dossiers) / len(dossiers)
    by_progress = list(_parts(clerk.get("/staff/progress").text))
    assert [shares[name] for name in by_progress] == sorted(shares.values())
    assert list(_parts(clerk.get("/staff/progress?order=name").text)) == sorted(shares)


def test_a_counsellor_learns_nothing_about_the_students_of_others(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.COUNSELLOR)
    foreign = clerk.get("/staff/progress?counsellor=T02").text
    assert "李卫" not in foreign
    assert _rungs(foreign) == {}
    assert "李卫" not in clerk.get("/staff/progress?by=counsellor").text
    rows = list(csv.reader(io.StringIO(clerk.get("/staff/progress/numbers.csv?by=counsellor").text)))
    assert [row[1] for row in rows[1:-1]] == ["T01"]


def test_the_files_hold_the_numbers_of_the_page(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    page = clerk.get("/staff/progress").text
    answer = clerk.get("/staff/progress/numbers.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert {row[0]: int(row[1]) for row in rows[1:-1]} == _parts(page)
    book = load_workbook(io.BytesIO(clerk.get("/staff/progress/numbers.xlsx").data))
    assert book.sheetnames == ["按学院", "漏斗", "趋势"]
    funnel = {label: count for label, count, _ in list(book["漏斗"].values)[1:]}
    assert funnel == _rungs(page)
    assert [row[0] for row in list(book["趋势"].values)[1:]] == ["2023-06-29"]


def test_the_trend_shows_kept_days_and_today_live(stage: ConsoleStage) -> None:
    office = stage.installation.office
    for days in (2, 1):
        keep_progress(replace(office, clock=lambda days=days: MORNING - timedelta(days=days)))  # type: ignore[misc]  # bound now
    for role, total in ((Role.OFFICE, 20), (Role.COUNSELLOR, 10)):
        page = stage.clerk(role).get("/staff/progress").text
        assert re.findall(r'<tr><th scope="row">(6/\d+)</th>', page) == ["6/29", "6/28", "6/27"]
        assert len(re.findall(r'<polyline [^>]*points="\S+ \S+ \S+"', page)) == 3
        assert page.split("6/27</th>")[1].split("</tr>")[0].endswith(f'<td class="count">{total}</td>')
        assert 'role="img" aria-labelledby="trend-name trend-words"' in page
    assert "polyline" not in stage.clerk(Role.OFFICE).get("/staff/progress?college=文学院&major=汉语言文学").text


def test_the_first_day_says_kindly_that_there_are_no_days_before(stage: ConsoleStage) -> None:
    assert "更早的日子没有记录" in stage.clerk(Role.OFFICE).get("/staff/progress").text


def test_whatever_stands_in_the_address_the_page_is_a_page(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    for query in ("page=0", "page=²", "page=99999999", "by=x", "order=x", "_external=1&endpoint=x", "college=' OR 1=1"):
        clerk.get(f"/staff/progress?{query}")
        clerk.get(f"/staff/progress/numbers.csv?{query}")


def test_a_share_is_100_per_cent_only_if_nobody_is_missing() -> None:
    almost = Progress.of({Stage.VERIFIED: 49_999, Stage.UNBOUND: 1})
    first = Progress.of({Stage.VERIFIED: 1, Stage.UNBOUND: 49_999})
    assert per_cent(almost.share(VERIFIED.stage)) == "99.9%"
    assert per_cent(first.share(VERIFIED.stage)) == "<0.1%"
    assert (per_cent(1.0), per_cent(0.0), per_cent(0.5)) == ("100%", "0%", "50%")


def test_the_worker_keeps_the_day(stage: ConsoleStage) -> None:
    worker = stage.installation.worker
    thread = worker.start()
    end = time.monotonic() + 10
    kept: list[int] = []
    while not kept and time.monotonic() < end:
        with stage.installation.work.reading() as uow:
            kept = [day.progress.total for day in uow.progress_days.of(Area("2023", EVERYONE))]
        time.sleep(0.02)
    worker.stop()
    thread.join(10)
    assert kept == [20]
