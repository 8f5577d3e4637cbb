"""Particulars (信息项): the small values people write, read kindly and checked exactly."""

import re
import unicodedata
from datetime import date

from bot.errors import BadValueError

_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060\ufeff\x00-\x08\x0b-\x1f\x7f]")
_NAME = re.compile(r"[^\W\d_][^\d_<>@#$%^*|~\\/\"]*", re.UNICODE)
_DOT = re.compile(r"\s*[·•・‧∙⋅.．]\s*")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_BLANKS = re.compile(r"\s+")
_AROUND_DIGITS = re.compile(r"[\s()（）]")
_CHINA = re.compile(r"^(?:\+86|0086)-?")
_STUDENT_NUMBER = re.compile(r"[0-9A-Z][0-9A-Z\-]{3,31}")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Area codes have three digits for Beijing and 02x, four for all others; else 01062881234 would be read as 0106.
_LANDLINE = re.compile(r"(010|02[0-9]|0[3-9][0-9]{2})-?([2-9][0-9]{6,7})(?:(?:转|-|ext\.?)([0-9]{1,6}))?")
_SERVICE = re.compile(r"[48]00-?[0-9]{3}-?[0-9]{4}")
_OVERSEAS = re.compile(r"\+[1-9][0-9]{6,14}")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DATE = re.compile(r"([12][0-9]{3})(?:年|[-/.])([0-9]{1,2})(?:月|[-/.])([0-9]{1,2})日?")


def clean_line(text: str) -> str:
    """Return the text (一行文字) without invisible characters and outer or doubled blanks; width is kept."""
    if text.isalnum():  # nearly all there is in a roster, and nothing in it to clean
        return text
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()


def parse_name(text: str) -> str:
    """Read a person's full name (姓名): rare characters are kept, ``·`` in its many forms becomes ``·``.

    Raises:
        BadValueError: shorter than two characters, longer than forty, or with digits or signs.
    """
    name = unicodedata.normalize("NFC", clean_line(text))
    name = _DOT.sub("·", name)
    if _HAN.search(name):
        name = name.replace(" ", "")
    if not 2 <= len(name) <= 40 or not _NAME.fullmatch(name):
        raise BadValueError("姓名应为 2 到 40 个字，不含数字和符号（· 可以）")
    return name


def same_name(one: str, other: str) -> bool:
    """Tell whether two names (姓名) are written the same; blanks, case, width and dots do not matter."""

    def key(name: str) -> str:
        return re.sub(r"[\s·•・‧∙⋅.．]", "", unicodedata.normalize("NFKC", _INVISIBLE.sub("", name))).casefold()

    return key(one) == key(other) != ""


def parse_phone(text: str) -> str:
    """Read a telephone number (联系电话): mobile, landline with area code and extension, 400, or +country.

    Raises:
        BadValueError: none of these.
    """
    if _MOBILE.fullmatch(text):
        return text
    value = _AROUND_DIGITS.sub("", unicodedata.normalize("NFKC", clean_line(text)))
    value = _CHINA.sub("", value.replace("—", "-").replace("–", "-"))
    if _MOBILE.fullmatch(value.replace("-", "")):
        return value.replace("-", "")
    if found := _LANDLINE.fullmatch(value):
        area, number, extension = found.groups()
        return f"{area}-{number}" + (f"转{extension}" if extension else "")
    if _SERVICE.fullmatch(value):
        return value
    if _OVERSEAS.fullmatch(value.replace("-", "")):
        return value.replace("-", "")
    raise BadValueError("电话应为 11 位手机号，或带区号的座机，如 0512-62881234")


def parse_postcode(text: str) -> str:
    """Read a postcode (邮编): six digits, leading zeros kept.

    Raises:
        BadValueError: not six digits.
    """
    value = unicodedata.normalize("NFKC", clean_line(text)).replace(" ", "")
    if not re.fullmatch(r"[0-9]{6}", value) or value == "000000":
        raise BadValueError("邮编应为 6 位数字")
    return value


def parse_uscc(text: str) -> str:
    """Read a unified social credit code (统一社会信用代码, GB 32100): 18 characters with a check character.

    Raises:
        BadValueError: wrong length, alphabet or check character.
    """
    value = unicodedata.normalize("NFKC", clean_line(text)).replace(" ", "").upper()
    if len(value) != 18 or any(c not in _USCC_ALPHABET for c in value):
        raise BadValueError("统一社会信用代码应为 18 位，不含 I、O、Z、S、V")
    total = sum(_USCC_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(value[:17]))
    if _USCC_ALPHABET[-total % 31] != value[17]:
        raise BadValueError("统一社会信用代码校验位不对")
    return value


def parse_student_number(text: str) -> str:
    """Read a student number (学号): 4 to 32 letters, digits or hyphens, upper case.

    Raises:
        BadValueError: other characters or length.
    """
    is_plain = text.isascii() and text.isalnum()
    value = (text if is_plain else _BLANKS.sub("", unicodedata.normalize("NFKC", clean_line(text)))).upper()
    if not _STUDENT_NUMBER.fullmatch(value) or not any(c.isdigit() for c in value):
        raise BadValueError("学号应为 4 到 32 位数字或字母")
    return value


def parse_date(text: str) -> date:
    """Read a date (日期): 2023-06-30, 2023/6/30, 2023年6月30日 or 20230630.

    Raises:
        BadValueError: no such shape or no such day.
    """
    value = unicodedata.normalize("NFKC", clean_line(text)).replace(" ", "")
    if re.fullmatch(r"[12][0-9]{7}", value):
        value = f"{value[:4]}-{value[4:6]}-{value[6:]}"
    found = _DATE.fullmatch(value)
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError as error:
        raise BadValueError("没有这一天") from error
    raise BadValueError("日期请写成 2023-06-30 的样子")
