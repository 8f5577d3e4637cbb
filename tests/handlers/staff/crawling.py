"""Crawling: walks the console as somebody does who opens every link and sends every form, with the values they have."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

from tests.handlers.staff.stage import Clerk

WORDS = "核对学生填写的信息"
"""What is written where a form asks for words."""


@dataclass(frozen=True)
class Sheet:
    """A form as a page shows it: where it goes, and what it would send as it stands."""

    address: str
    method: str
    fields: tuple[tuple[str, str], ...]


@dataclass
class _Parser(HTMLParser):
    """Finds links and forms."""

    base: str
    links: list[str] = field(default_factory=list)
    sheets: list[Sheet] = field(default_factory=list)
    _form: dict[str, str] | None = None
    _fields: list[tuple[str, str]] = field(default_factory=list)
    _select: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters of a tag."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(urljoin(self.base, given["href"]))
        if tag == "form":
            self._form, self._fields = given, []
        if tag == "select":
            self._select = given.get("name", "")
        if tag == "option" and self._select and (given.get("value") or "selected" in given):
            self._put(self._select, given.get("value", ""))
        if tag == "textarea" and given.get("name"):
            self._put(given["name"], WORDS)
        if (tag == "input" or (tag == "button" and "value" in given)) and given.get("name"):
            self._input(given)

    def handle_endtag(self, tag: str) -> None:
        """Finish a form."""
        if tag == "form" and self._form is not None:
            address = urljoin(self.base, self._form.get("action") or self.base)
            self.sheets.append(Sheet(address, self._form.get("method", "get").upper(), tuple(self._fields)))
            self._form = None
        if tag == "select":
            self._select = ""

    def _input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in {"text", "search"}:
            self._put(given["name"], given.get("value") or WORDS)
        elif kind != "file" and given["name"] != "csrf_token":
            self._put(given["name"], given.get("value", "on"))

    def _put(self, name: str, value: str) -> None:
        self._fields.append((name, value))


@dataclass
class Walk:
    """What a walk found: addresses opened, forms seen, and whose endpoint answered.

    Attributes:
        clerk: who walks.
        app: the application.
        may_send: whether a form of an endpoint is sent.
        most: how many pages are opened, and forms sent, of one kind: endpoint and names of what it is asked.
    """

    clerk: Clerk
    app: Flask
    may_send: Callable[[str], bool]
    most: int = 6
    opened: list[str] = field(default_factory=list)
    sheets: dict[Sheet, None] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    _kinds: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def go(self, start: str = "/staff/") -> Iterator[tuple[str, TestResponse]]:
        """Open everything that can be reached; give what was asked and what came."""
        ahead, known = deque([start]), {start}
        while ahead:
            address = ahead.popleft()
            self.opened.append(address)
            answer = self.clerk.client.get(address, buffered=True)
            yield f"GET {address}", answer
            found, sheets = self._look(address, answer)
            for sheet in sheets:
                sent = yield from self._send(sheet)
                found += sent
            for link in found:
                if link not in known:
                    known.add(link)
                    names = (name for name, _ in parse_qsl(urlsplit(link).query))
                    if self._has_room(endpoint_of(self.app, link), *names):
                        ahead.append(link)

    def _has_room(self, endpoint: str, *names: str) -> bool:
        self._kinds[endpoint, *names] += 1
        return bool(endpoint) and self._kinds[endpoint, *names] <= self.most

    def _look(self, address: str, answer: TestResponse, method: str = "GET") -> tuple[list[str], list[Sheet]]:
        if answer.status_code < 400:
            self.answered.add(endpoint_of(self.app, address, method))
        if "Location" in answer.headers:
            return [urljoin(address, answer.headers["Location"])], []
        if answer.mimetype != "text/html":
            return [], []
        parser = _Parser(address)
        parser.feed(answer.text)
        fresh = [sheet for sheet in parser.sheets if sheet not in self.sheets]
        self.sheets.update(dict.fromkeys(fresh))
        return [_path(link) for link in parser.links], fresh

    def _send(self, sheet: Sheet) -> Generator[tuple[str, TestResponse], None, list[str]]:
        if sheet.method == "GET":
            return [_path(f"{sheet.address.partition('?')[0]}?{urlencode(fields)}") for fields in variants(sheet)]
        endpoint = endpoint_of(self.app, sheet.address, "POST")
        if not self.may_send(endpoint) or not self._has_room(endpoint, *sorted({name for name, _ in sheet.fields})):
            return []
        found: list[str] = []
        for fields in variants(sheet):
            answer = send(self.clerk, sheet.address, fields)
            yield f"POST {sheet.address} {fields}", answer
            links, _ = self._look(sheet.address, answer, "POST")
            found += links
        return found


def variants(sheet: Sheet) -> list[list[tuple[str, str]]]:
    """Return a form as it stands, and once for each further value one of its fields can take."""
    first = dict(reversed(sheet.fields))
    others = [(name, value) for name, value in sheet.fields if first[name] != value]
    return [list(first.items()), *([*(first | {name: value}).items()] for name, value in dict.fromkeys(others))]


def send(clerk: Clerk, address: str, fields: list[tuple[str, str]]) -> TestResponse:
    """Send a form with somebody's own token."""
    values: dict[str, list[str]] = {"csrf_token": [clerk.token]}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    return clerk.client.post(address, data=values, buffered=True)


def endpoint_of(app: Flask, address: str, method: str = "GET") -> str:
    """Return the endpoint behind an address, or "" for what is not the console's."""
    if urlsplit(address).netloc or not address.startswith("/staff"):
        return ""
    try:
        endpoint, _ = app.url_map.bind("localhost").match(urlsplit(address).path, method)
    except (HTTPException, RequestRedirect):
        return ""
    return str(endpoint).removeprefix("staff.")


def _path(address: str) -> str:
    parts = urlsplit(address)
    return address if parts.netloc else parts._replace(fragment="").geturl()
