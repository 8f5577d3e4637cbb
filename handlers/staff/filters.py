"""The filters (筛选条件) in the addresses of lists and progress: read, written, and never more than the scope.

What somebody searches for is a name or a number, so it travels sealed: addresses are kept in logs and histories.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import url_for

from bot.errors import BadValueError
from bot.registration.stage import Stage
from bot.staff.policy import Actor
from bot.staff.roll import Area, By, Wanted

NONE = "-"
"""Stands in an address for graduates without the thing, as "" would stand for all."""
SOUGHT = "sought"
NAMES = ("college", "major", "class", "counsellor", "stage", SOUGHT, "by", "order", "page")
"""What may stand in an address; all else that came with it is left behind."""
KEPT = 12 * 3600
"""Seconds for which an address with a search works."""


@cache
def _sealer(secret: str) -> Fernet:
    key = HKDF(SHA256(), 32, None, b"quxiang staff search v1").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))


@dataclass(frozen=True, slots=True)
class Search:
    """Seals what one person searches for (搜索词), so that it may stand in an address.

    Attributes:
        secret: of this installation.
        actor: whose search it is; nobody else can open it.
    """

    secret: str = field(repr=False)
    actor: Actor

    def sealed(self, words: str) -> str:
        """Return the words for an address, "" for none."""
        return _sealer(self.secret).encrypt(f"{self.actor.id}\0{words}".encode()).decode() if words else ""

    def opened(self, sealed: str) -> str:
        """Return the words of an address.

        Raises:
            BadValueError: too old, altered, or somebody else's.
        """
        if not sealed:
            return ""
        try:
            owner, _, words = _sealer(self.secret).decrypt(sealed.encode(), ttl=KEPT).decode().partition("\0")
        except InvalidToken:
            owner, words = "", ""
        if owner != self.actor.id:
            raise BadValueError("这个搜索已经过期，请在“毕业生”里重新输入姓名或学号")
        return words


def area_of(given: Mapping[str, str], season_id: str, actor: Actor) -> Area:
    """Return the area that an address asks for (范围), within what the person may see."""

    def part(name: str) -> str | None:
        value = given.get(name, "").strip()
        return None if not value else "" if value == NONE else value

    return Area(season_id, actor.scope, part("college"), part("major"), part("class"), part("counsellor"))


def wanted_of(given: Mapping[str, str], season_id: str, search: Search) -> Wanted:
    """Return the list that an address asks for (筛选).

    Raises:
        BadValueError: there is no such stage, or the search is not ours.
    """
    name = given.get("stage", "")
    if name and name not in Stage.__members__:
        raise BadValueError("没有这个办理阶段，请重新筛选")
    area = area_of(given, season_id, search.actor)
    return Wanted(area, Stage[name] if name else None, search.opened(given.get(SOUGHT, "")))


def by_of(given: Mapping[str, str], area: Area) -> By:
    """Return what an address wants counted by (口径); else the next finer one."""
    asked = given.get("by", "").upper()
    if asked in By.__members__:
        return By[asked]
    if area.major is not None or area.counsellor is not None or area.scope.staff_number is not None:
        return By.CLASS
    return By.COLLEGE if area.college is None else By.MAJOR


def query_of(area: Area, stage: Stage | None = None) -> dict[str, str]:
    """Return the parameters of an address for an area and a stage (地址参数)."""
    parts = {
        "college": area.college,
        "major": area.major,
        "class": area.class_name,
        "counsellor": area.counsellor,
        "stage": stage.name if stage else None,
    }
    return {name: value or NONE for name, value in parts.items() if value is not None}


def given_in(args: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of an address that mean something here (有效参数)."""
    return {name: args[name] for name in NAMES if args.get(name)}


def address(endpoint: str, query: Mapping[str, str]) -> str:
    """Return the address of a page of the console with these parameters (地址)."""
    path = url_for(f"staff.{endpoint}")
    return f"{path}?{'&'.join(f'{name}={_plain(value)}' for name, value in query.items())}" if query else path


def _plain(value: str) -> str:
    """Return a value for an address; letters of any script stay, for escaped a Chinese one is three times as long."""
    return "".join(one if one.isalnum() or one in "-_." else quote(one, safe="") for one in value)
