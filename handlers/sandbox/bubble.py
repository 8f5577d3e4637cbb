"""Bubbles (气泡): what stands in a chat, and the two kinds of links a person can tap in it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

ANCHOR = re.compile(r"<a\s[^<>]*?href\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^<>]*>(.*?)</a>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bubble's text.

    Attributes:
        kind: ``text``, ``tap`` (weixin://bizmsgmenu) or ``link`` (http, https).
        label: what the person sees.
        target: the words a tap sends, or the address of a link.
        menu_id: msgmenuid of a tap.
    """

    kind: str
    label: str
    target: str = ""
    menu_id: str = ""


def _anchor(href: str, label: str, raw: str) -> Segment:
    """One ``<a>``: a tap, a link, or – in any other form – plain characters, as the client shows it."""
    address = href.strip().replace("&amp;", "&")
    try:
        parts = urlsplit(address)
    except ValueError:
        return Segment("text", raw)
    if parts.scheme == "weixin" and parts.netloc == "bizmsgmenu":
        query = parse_qs(parts.query)
        content, menu_id = query.get("msgmenucontent", [""])[0], query.get("msgmenuid", [""])[0]
        # The client needs both parameters; with one missing the words are blue but dead.
        return Segment("tap", label, content, menu_id) if content and menu_id else Segment("text", label)
    if parts.scheme in {"http", "https"} and parts.netloc:
        return Segment("link", label, address)
    return Segment("text", raw)


def segments(text: str) -> tuple[Segment, ...]:
    """Cut a text into plain stretches, taps and links; unknown markup stays visible characters."""
    found: list[Segment] = []
    place = 0
    for match in ANCHOR.finditer(text):
        if match.start() > place:
            found.append(Segment("text", text[place : match.start()]))
        found.append(_anchor(match[1] or match[2] or "", match[3], match[0]))
        place = match.end()
    if place < len(text):
        found.append(Segment("text", text[place:]))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Bubble:
    """One thing in a chat (聊天气泡).

    Attributes:
        side: ``me`` (the phone), ``them`` (the account) or ``system``.
        kind: text, news, template, image, voice, video, location, link, menu, banner, notice.
        text: raw text with its ``<a>`` tags; for other kinds what a reader would call them.
        at: seconds since the epoch.
        number: place in the order of all bubbles of the sandbox.
        title: headline of a card (news, template).
        url: where a card leads.
        picture: address of a picture.
        rows: label and value of a template's lines.
    """

    side: str
    kind: str
    text: str
    at: float
    number: int = 0
    title: str = ""
    url: str = ""
    picture: str = ""
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def plain(self) -> str:
        """The text without tags, as a person reads it."""
        return "".join(segment.label for segment in segments(self.text))

    @property
    def taps(self) -> tuple[tuple[str, str, str], ...]:
        """Label, content and msgmenuid of every tap link, from top to bottom."""
        return tuple((each.label, each.target, each.menu_id) for each in segments(self.text) if each.kind == "tap")

    @property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Label and address of every web link; a card's own address comes last."""
        inside = tuple((each.label, each.target) for each in segments(self.text) if each.kind == "link")
        return (*inside, (self.title or "查看详情", self.url)) if self.url else inside
