"""The question (查询内容): what was typed, read kindly and without deciding whether it exists."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.registration.particulars import clean_line

LONGEST_DEPARTMENT = 60
LONGEST_NAME = 64
"""Longer than any name in the roster, which has at most forty characters; what is longer is compared cut."""
_LONGEST_NUMBER = 64
_BETWEEN_DIGITS = re.compile(r"[\s\-‐‑‒–—―−_.·]")
_NUMBER = re.compile(r"[0-9]{8}")
_NO_NUMBER = "--------"


@dataclass(frozen=True, slots=True)
class Question:
    """A pair to be looked up (编号与姓名), and who asks as far as stated (查询单位)."""

    typed_number: str = field(repr=False)
    name: str = field(repr=False)
    department: str = field(repr=False)

    @property
    def number(self) -> str:
        """The eight digits (核验编号), or what never was a number and costs the same to look up."""
        return self.typed_number if _NUMBER.fullmatch(self.typed_number) else _NO_NUMBER

    @property
    def faults(self) -> tuple[str, ...]:
        """What has to be filled in first (填写问题): keys of the words; seen without looking anything up."""
        empty = ("number" if not self.typed_number else "", "name" if not self.name else "")
        long = "department" if len(self.department) > LONGEST_DEPARTMENT else ""
        return tuple(fault for fault in (*empty, long) if fault)


def read_question(form: Mapping[str, str]) -> Question:
    """Read the form (读取表单): full-width digits, blanks and dashes in the number do not matter."""
    number = unicodedata.normalize("NFKC", clean_line(form.get("number", "")))
    return Question(
        _BETWEEN_DIGITS.sub("", number)[:_LONGEST_NUMBER],
        clean_line(form.get("name", ""))[:LONGEST_NAME],
        clean_line(form.get("department", "")),
    )
