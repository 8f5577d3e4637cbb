"""The ID number (身份证号, 公民身份号码): GB 11643, also residence permits of Hong Kong, Macao and Taiwan people."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from operator import mul

from bot.errors import BadValueError

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
# Provinces of GB/T 2260, and 81 / 82 / 83 for residence permits (港澳台居民居住证). Counties are not checked:
# public tables disagree with real cards (late registration, renamed counties).
_PROVINCES = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 91))
    for code in range(first, last + 1)
)
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_BETWEEN = re.compile(r"[\s\-—·]")


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A checked ID number (身份证号); it masks itself in ``repr`` and ``str``.

    Attributes:
        value: 18 characters, digits and perhaps a final X.
    """

    value: str = field(repr=False)

    @classmethod
    def parse(cls, text: str, today: date) -> "IdentityNumber":
        """Read a number as people write it: full-width, with spaces or hyphens, small x.

        Raises:
            BadValueError: wrong length, characters, province, date of birth or check digit.
        """
        # Nearly all are written plainly, and a roster has a hundred thousand.
        is_plain = text.isascii() and text.isalnum()
        value = (text if is_plain else _BETWEEN.sub("", unicodedata.normalize("NFKC", text))).upper()
        if not _SHAPE.fullmatch(value):
            raise BadValueError("身份证号应为 18 位数字，最后一位可以是 X")
        if value[:2] not in _PROVINCES:
            raise BadValueError("身份证号前两位不是有效的省级代码")
        try:
            born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
        except ValueError as error:
            raise BadValueError("身份证号中的出生日期不存在") from error
        if not date(1940, 1, 1) <= born <= today:
            raise BadValueError("身份证号中的出生日期不合理")
        if _CHECK[sum(map(mul, _WEIGHTS, map(int, value[:17]))) % 11] != value[17]:
            raise BadValueError("身份证号校验位不对，请核对是否有录入错误")
        return cls(value)

    @property
    def tail(self) -> str:
        """The last six characters (后六位), what the graduate types to prove identity."""
        return self.value[-6:]

    @property
    def masked(self) -> str:
        """The mask *****************X: any second digit would leave fewer than 10⁸ candidates (tests/test_masks.py)."""
        return f"{'*' * 17}{self.value[-1]}"

    def __str__(self) -> str:
        return self.masked
