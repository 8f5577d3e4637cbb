"""What staff see of departments' records, and how they and a whole verification are taken back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app import build
from bot.registration.look import Receipt
from bot.registration.report import Standing
from bot.registration.verification import Subject
from handlers.installation import Installation
from handlers.settings import read_settings
from tests.handlers.commands.stage import Desk
from tests.handlers.report.sample import NOW, registered
from tests.telling import claimed

Look = Callable[[Callable[[Installation], object]], None]
NAME, CONTACT = "苏州市人才服务中心", "0512-62881234"


@pytest.fixture
def inside(desk: Desk) -> Look:
    """A way to look into the desk's database; a graduate with one record of an arrival is in it."""

    def look(at: Callable[[Installation], object]) -> None:
        made = build(read_settings(desk.config, {}))
        at(made)
        made.client.close()
        made.engine.dispose()

    def fill(made: Installation) -> None:
        with made.work.writing() as uow:
            uow.registry.add_many([replace(registered(), openid="oReceipts")])
            uow.receipts.add(Receipt("receipt-1", "v-archive", NOW, NAME, CONTACT, "袋子完好"))
            uow.commit()

    look(fill)
    return look


@pytest.mark.usefixtures("inside")
def test_records_are_listed_with_whose_they_are_and_who_says_so(desk: Desk) -> None:
    listed = desk.types("receipt", "list")
    for said in (
        "receipt-1",
        "2023-06-30 10:00",
        "20190001",
        "欧阳㛃䶮",
        "李老师",
        "23127150",
        NAME,
        CONTACT,
        "袋子完好",
    ):
        assert said in listed.output
    assert "共 1 条，有效 1 条" in listed.output
    assert "共 1 条" in desk.types("receipt", "list", "--counsellor", "李老师").output
    assert "共 0 条" in desk.types("receipt", "list", "--counsellor", "别人").output


def test_a_record_taken_back_stays_in_the_list_and_the_graduate_is_told(desk: Desk, inside: Look) -> None:
    done = desk.types("receipt", "withdraw", "receipt-1", "--reason", "不是这个单位")
    assert done.exit_code == 0
    listed = desk.types("receipt", "list").output
    assert "已撤回（学校" in listed
    assert "共 1 条，有效 0 条" in listed

    def told(made: Installation) -> None:
        with made.work.writing() as uow:
            (notice,) = claimed(uow, made.office.clock())
        assert notice.key == "notice.receipt_withdrawn"
        assert notice.data["notice_reason"] == "不是这个单位"

    inside(told)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("receipt", "withdraw", "no-such", "--reason", "x"), "没有这条接收登记"),
        (("receipt", "withdraw", "receipt-1", "--reason", " "), "请写明原因"),
        (("verification", "annul", "99999999", "--reason", "x"), "没有这个核验编号"),
        (("verification", "annul", "2312715", "--reason", "x"), "8 位数字"),
        (("verification", "annul", "23127150", "--reason", ""), "请写明原因"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_changes_nothing(desk: Desk, words: tuple[str, ...], told: str) -> None:
    result = desk.types(*words)
    assert result.exit_code == 1
    assert told in result.output
    assert "有效 1 条" in desk.types("receipt", "list").output


def test_an_annulled_verification_is_so_at_once_and_the_graduate_reads_why(desk: Desk, inside: Look) -> None:
    assert "已作废" in desk.types("verification", "annul", "23127150", "--reason", "签发\n有误").output

    def annulled(made: Installation) -> None:
        with made.work.writing() as uow:
            hit = uow.registry.by_number("23127150")
            notices = claimed(uow, made.office.clock())
        assert hit is not None
        dossier, verification = hit
        assert Standing.of(dossier.state_of(verification, made.office.clock())) is Standing.ANNULLED
        other = dossier.verification_of(Subject.HOUSEHOLD)
        assert other is not None
        assert other.annulled_at is None
        (notice,) = notices
        assert notice.key == "notice.annulled"
        assert notice.data["annulled_reason"] == "签发 有误"
        assert notice.data["annulled_number"] == "23127150"

    inside(annulled)
    again = desk.types("verification", "annul", "23127150", "--reason", "再来")
    assert again.exit_code == 1
    assert "已经作废" in again.output


def test_a_verification_of_last_year_can_be_annulled_too(desk: Desk, inside: Look) -> None:
    days = ["opens=2024-06-28", "closes=2024-07-03", "cutoff=2024-07-01", "changes_until=2024-08-31"]
    assert desk.types("season", "set", "id=2024", *days).exit_code == 0
    assert "已作废" in desk.types("verification", "annul", "03127151", "--reason", "签发有误").output

    def annulled(made: Installation) -> None:
        with made.work.reading() as uow:
            hit = uow.registry.by_number("03127151")
        assert hit is not None
        assert hit[1].annulled_reason == "签发有误"

    inside(annulled)
