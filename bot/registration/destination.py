"""The destination (毕业去向): what a graduate does after graduation, as the school registered it (N5, N6, N18)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from bot.errors import BadValueError


@dataclass(frozen=True, slots=True)
class Category:
    """A destination category (毕业去向类别).

    Attributes:
        code: two digits of the ministry's table.
        name: its Chinese name.
        is_placed: whether it counts as placed (已落实).
    """

    code: str
    name: str
    is_placed: bool


@cache
def categories() -> dict[str, Category]:
    """Return all categories by code, from the dated data file beside this module."""
    table = tomllib.loads(files(__package__).joinpath("destination_codes.toml").read_text("utf-8"))
    return {
        code: Category(code, name, is_placed)
        for part, is_placed in (("placed", True), ("not_placed", False))
        for code, name in table[part].items()
    }


def parse_category(text: str) -> Category:
    """Read a category by code or by name.

    Raises:
        BadValueError: not in the table.
    """
    known = categories()
    if (found := known.get(text)) or (found := next((c for c in known.values() if c.name == text), None)):
        return found
    raise BadValueError("毕业去向应为类别代码或名称，如 10 或 签就业协议形式就业")


UNEMPLOYED = "70"
"""The code a graduate without a destination gets at the cut-off (未就业, N18)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """The registered destination (毕业去向).

    Attributes:
        code: category code.
        unit: name of the employer, school or project (单位名称); "" for those without one.
        uscc: unified social credit code (统一社会信用代码) or "".
        place: where the unit is (单位所在地).
        post: position (职位).
    """

    code: str
    unit: str = ""
    uscc: str = ""
    place: str = ""
    post: str = ""

    @property
    def category(self) -> Category:
        """The category of the code; an unknown old code keeps its number as name."""
        return categories().get(self.code) or Category(self.code, self.code, is_placed=True)
