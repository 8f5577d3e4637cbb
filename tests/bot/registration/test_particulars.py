"""Small values (信息项): read kindly, checked exactly, and read again as themselves."""

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadValueError
from bot.registration import particulars
from bot.registration.identity_number import IdentityNumber

TODAY = date(2023, 6, 30)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("11010519491231002X", "11010519491231002X"),  # the example of GB 11643
        ("440524188001010014", None),  # the other one; nobody of 1880 graduates
        ("１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
        ("110105 19491231 002x", "11010519491231002X"),
        ("110105194912310021", None),
        ("110105194902300026", None),
        ("990105194912310025", None),
        ("11010520991231002X", None),
        ("1101051949123100", None),
        ("", None),
    ],
)
def test_an_id_number_is_checked_by_the_standard(written: str, meant: str | None) -> None:
    if meant is None:
        with pytest.raises(BadValueError) as refused:
            IdentityNumber.parse(written, TODAY)
        assert not written or written not in str(refused.value)
    else:
        assert IdentityNumber.parse(written, TODAY).value == meant


def test_residence_permits_of_hong_kong_macao_and_taiwan_are_id_numbers() -> None:
    assert IdentityNumber.parse("810000199408230021", TODAY).tail == "230021"
    assert IdentityNumber.parse("830000199201300022", TODAY).value.startswith("83")


def test_an_id_number_masks_itself() -> None:
    number = IdentityNumber.parse("11010519491231002X", TODAY)
    assert str(number) == number.masked == "*****************X"
    assert "9491" not in repr(number)
    assert number.tail == "31002X"


@given(st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_noticed(place: int, digit: str) -> None:
    right = "11010519491231002X"
    wrong = right[:place] + digit + right[place + 1 :]
    if wrong != right:
        with pytest.raises(BadValueError):
            IdentityNumber.parse(wrong, TODAY)


@pytest.mark.parametrize(
    ("read", "written", "meant"),
    [
        (particulars.parse_phone, "13800000000", "13800000000"),
        (particulars.parse_phone, "138-0000-0000", "13800000000"),
        (particulars.parse_phone, "１３８００００００００", "13800000000"),
        (particulars.parse_phone, "+86 138 0000 0000", "13800000000"),
        (particulars.parse_phone, "051262881234", "0512-62881234"),
        (particulars.parse_phone, "(010)62881234转8", "010-62881234转8"),
        (particulars.parse_phone, "01062881234", "010-62881234"),
        (particulars.parse_phone, "0471-6288123", "0471-6288123"),
        (particulars.parse_phone, "400-123-4567", "400-123-4567"),
        (particulars.parse_phone, "+81 90-1234-5678", "+819012345678"),
        (particulars.parse_phone, "62881234", None),
        (particulars.parse_phone, "12345678901", None),
        (particulars.parse_postcode, "０１００１０", "010010"),
        (particulars.parse_postcode, "010 010", "010010"),
        (particulars.parse_postcode, "000000", None),
        (particulars.parse_postcode, "10010", None),
        (particulars.parse_uscc, "91350100M000100Y43", "91350100M000100Y43"),  # the example of GB 32100
        (particulars.parse_uscc, "91350100m000100y43", "91350100M000100Y43"),
        (particulars.parse_uscc, "91350100M000100Y44", None),
        (particulars.parse_uscc, "91350100I000100Y43", None),
        (particulars.parse_student_number, "２０２３０１０１０１", "2023010101"),
        (particulars.parse_student_number, "m-2020a1", "M-2020A1"),
        (particulars.parse_student_number, "学号", None),
        (particulars.parse_student_number, "ABCD", None),
        (particulars.parse_name, " 王 小明 ", "王小明"),
        (particulars.parse_name, "阿依古丽•买买提", "阿依古丽·买买提"),
        (particulars.parse_name, "欧阳㛃䶮𬭊", "欧阳㛃䶮𬭊"),
        (particulars.parse_name, "John  Smith", "John Smith"),
        (particulars.parse_name, "王", None),
        (particulars.parse_name, "王小明1", None),
        (particulars.parse_name, "<王小明>", None),
    ],
)
def test_values_are_read_as_people_write_them(read: Callable[[str], str], written: str, meant: str | None) -> None:
    if meant is None:
        with pytest.raises(BadValueError) as refused:
            read(written)
        assert written not in str(refused.value) or written in {"学号", "62881234"}
    else:
        assert read(written) == meant
        assert read(meant) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2023-06-30", TODAY),
        ("2023/6/30", TODAY),
        ("2023年6月30日", TODAY),
        ("20230630", TODAY),
        ("２０２３．６．３０", TODAY),
        ("2023-02-29", None),
        ("30.6.2023", None),
        ("", None),
    ],
)
def test_dates_are_read(written: str, meant: date | None) -> None:
    if meant is None:
        with pytest.raises(BadValueError):
            particulars.parse_date(written)
    else:
        assert particulars.parse_date(written) == meant


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("王小明", "王 小明", True),
        ("阿依古丽·买买提", "阿依古丽买买提", True),
        ("John Smith", "JOHN SMITH", True),
        ("王小明", "王小民", False),
        ("·", "・", False),
    ],
)
def test_names_are_the_same_when_only_their_writing_differs(one: str, other: str, same: bool) -> None:
    assert particulars.same_name(one, other) is same


@given(st.text(max_size=60))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (
        particulars.parse_name,
        particulars.parse_phone,
        particulars.parse_postcode,
        particulars.parse_uscc,
        particulars.parse_student_number,
        particulars.parse_date,
    ):
        try:
            value = read(text)
        except BadValueError:
            continue
        assert isinstance(value, date) or read(value) == value
