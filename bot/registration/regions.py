"""Regions (地区): which provinces a text names, and which a postcode belongs to."""

import re
import tomllib
from functools import cache
from importlib.resources import files

# 南京路, 北京大学, 朝阳区: a name that goes on like this tells nothing about where the place is.
_NO_PLACE = r"(?![东南西北中]{0,2}[一二三四五六七八九十]?(?:路|街|大道|道|巷|弄|里|大学|大厦|区|县|镇|乡|村))"
_ENDING = r"(?:市|州|盟|地区|自治州|分行|分公司|分校)"


@cache
def _provinces() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = tomllib.loads(
        files(__package__).joinpath("regions.toml").read_text("utf-8")
    )["provinces"]
    return table


@cache
def _province_of() -> dict[str, str]:
    cities = {city: province for province, entry in _provinces().items() for city in entry["cities"]}
    return cities | {province: province for province in _provinces()}


@cache
def _pattern() -> re.Pattern[str]:
    names = "|".join(sorted(_province_of(), key=len, reverse=True))
    provinces = "|".join(_provinces())
    return re.compile(f"^(?:{names}){_NO_PLACE}|(?:{names})(?={_ENDING})|(?:{provinces}){_NO_PLACE}")


def provinces_named(text: str) -> tuple[str, ...]:
    """Return the provinces a text names (省份), by themselves or by a city, in order, each once.

    A city counts at the start, or where 市, 州, 盟, 地区 or 分公司 follows; names of roads and universities do not.
    """
    found = (_province_of()[hit[0]] for hit in _pattern().finditer(text))
    return tuple(dict.fromkeys(found))


def provinces_of_postcode(postcode: str) -> frozenset[str]:
    """Return the provinces a postcode (邮编) may belong to; none for one that no place has."""
    return frozenset(
        province
        for province, entry in _provinces().items()
        if any(postcode.startswith(prefix) for prefix in entry["postcodes"])
    )
