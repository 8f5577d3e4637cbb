"""What a department may write, field by field."""

import pytest

from bot.use_cases.receive_archive import BadEntryError, Entry, Fault

NAME, CONTACT = "苏州市人才服务中心", "0512-62881234"


def faults(department: str = NAME, contact: str = CONTACT, note: str = "") -> dict[str, Fault]:
    try:
        Entry.read(department, contact, note)
    except BadEntryError as error:
        return dict(error.faults)
    return {}


@pytest.mark.parametrize(
    ("department", "contact", "note"),
    [
        (NAME, CONTACT, ""),
        ("江苏省太仓市人力资源和社会保障局（档案科）", "0512-53560000转8001", "7 月 3 日 EMS 收到，袋子完好。"),
        ("𬭊㛃档案馆", "dangan@rsj.suzhou.gov.cn", "3 份，缺 1 份。"),
        ("某某大学研究生院", "王老师 138 1234 5678", "已入库 😀"),
        ("  苏州市\t人才服务中心\r\n", "（0512）62881234", "第一行\r\n第二行"),
        ("IBM 中国 No.3 部", "８６－０５１２－６２８８１２３４", "1.5 公斤"),
    ],
)
def test_what_offices_write_is_taken(department: str, contact: str, note: str) -> None:
    entry = Entry.read(department, contact, note)
    assert all("\n" not in value and value == value.strip() for value in entry.fields.values())


@pytest.mark.parametrize(
    ("department", "fault"),
    [
        ("", Fault.MISSING),
        (" \u3000\n", Fault.MISSING),
        ("12", Fault.MISSING),
        ("中", Fault.MISSING),
        ("单" * 61, Fault.LONG),
        ("苏州\u202e市人才", Fault.INVISIBLE),
        ("苏州\u200b市人才", Fault.INVISIBLE),
        ("苏州\x00市人才", Fault.INVISIBLE),
        ("苏州\ufffd人才", Fault.INVISIBLE),
        ("苏州\ue000人才", Fault.INVISIBLE),
        ("领档案到 evil.com", Fault.LINK),
        ("领档案到ｅｖｉｌ．ｃｏｍ", Fault.LINK),
        ("档案https://x", Fault.LINK),
        ("人才服务中心 微信 @chsi", Fault.LINK),
        ("a@example.com 中心", Fault.LINK),
        ("苏州人才.中国", Fault.LINK),
        ("人才中心 0512-62881234", Fault.NUMBER_IN_NAME),
        ("人才中心 6 2 8 8 1 2 3 4", Fault.NUMBER_IN_NAME),
        ("人才中心６２８８１２３４", Fault.NUMBER_IN_NAME),
    ],
)
def test_a_name_that_is_none_is_refused_for_its_own_reason(department: str, fault: Fault) -> None:
    assert faults(department=department) == {"department": fault}


@pytest.mark.parametrize(
    ("contact", "fault"),
    [
        ("", Fault.MISSING),
        ("王老师", Fault.NO_NUMBER),
        ("1234", Fault.NO_NUMBER),
        ("6" * 61, Fault.LONG),
        ("0512-62881234\x07", Fault.INVISIBLE),
        ("0512-62881234 见 www.example.cn", Fault.LINK),
        ("https://a@example.cn", Fault.LINK),
    ],
)
def test_a_contact_needs_a_number_or_a_mail_address_and_no_link(contact: str, fault: Fault) -> None:
    assert faults(contact=contact) == {"contact": fault}


def test_a_note_may_be_missing_but_not_long_nor_a_link() -> None:
    assert faults(note="好" * 200) == {}
    assert faults(note="好" * 201) == {"note": Fault.LONG}
    assert faults(note="看 http://x.cn") == {"note": Fault.LINK}


def test_all_faults_are_told_at_once_and_the_error_repeats_nothing() -> None:
    with pytest.raises(BadEntryError) as caught:
        Entry.read("", "王老师秘密", "http://秘密.cn")
    assert set(caught.value.faults) == {"department", "contact", "note"}
    assert "秘密" not in str(caught.value)
