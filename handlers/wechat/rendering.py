"""How a reply looks in WeChat (回复排版): pages within the byte limit, links to tap, and a number to type for each.

The platform names no limit for passive text; 2048 bytes were measured, so a page has at most 2000 bytes of UTF-8. The
form of the tap link is undocumented but used everywhere: both parameters are needed, the text percent-encoded. PC
clients may not make it tappable, hence the number in front of each choice.
"""

import re
from functools import lru_cache
from urllib.parse import quote

from bot.conversation.reply import Link, Reply
from bot.errors import BadValueError
from handlers.wechat.markup import clean

MORE = "继续"
"""The word that asks for the next page, tapped or typed."""

_LEAST = 400  # below this a page could not hold its own 继续 and a sentence
_SENTENCE = re.compile("[。！？；…][”’」』）]*")
_WEB_ADDRESS = re.compile("https?://[!-~]+")
# A page is cut at the coarsest edge that leaves it at least this full.
_FULL_ENOUGH = 1 / 3
_FULL_WIDTH = str.maketrans("<>", "＜＞")
# What RFC 3986 allows in a URL; quotes, angle brackets and blanks would leave the attribute.
_URL_SAFE = ":/?#[]@!$&'()*+,;=%~"


def render(reply: Reply, limit: int = 2000) -> tuple[str, ...]:
    """The pages (分页) of a reply, each at most ``limit`` bytes of UTF-8, valid inside CDATA for any text.

    Every page but the last ends with a link 「继续」; choices and links stand on the last page, one a line. Texts
    cannot forge a link: ``<`` is shown full-width. Choices too many or links too long for one page lose their link
    first and stay readable and typable.

    Raises:
        BadValueError: ``limit`` is below 400.
    """
    if limit < _LEAST:
        raise BadValueError(f"a page needs at least {_LEAST} bytes")
    text = _plain(reply.text).strip()
    tail = _tail(reply, limit)
    more = f"\n\n{_tap(MORE, MORE, reply.question)}（回复“{MORE}”看下文）"
    if tail is None:
        text, tail = _join(text, "\n".join(_bare_lines(reply))), ""
    pages = []
    while _size(_join(text, tail)) > limit:
        head, text = _cut(text, limit - _size(more))
        pages.append(head + more)
    return (*pages, _join(text, tail))


def _tail(reply: Reply, limit: int) -> str | None:
    """Links and choices as they end the last page; None when no form with links fits on one page."""
    web = "\n".join(_web(link) for link in reply.links)
    numbered = list(enumerate(reply.choices, 1))
    full = _join(web, "\n".join(f"{number} {_tap(choice, choice, reply.question)}" for number, choice in numbered))
    if _size(full) <= limit:
        return full
    # The number is understood as well as the words, which take nine bytes a character when encoded.
    short = _join(
        web, "\n".join(f"{number} {_tap(str(number), choice, reply.question)}" for number, choice in numbered)
    )
    return short if _size(short) <= limit else None


def _bare_lines(reply: Reply) -> list[str]:
    web = [f"{_label(link.label)} {_plain(link.url)}" for link in reply.links]
    return web + [f"{number} {_label(choice)}" for number, choice in enumerate(reply.choices, 1)]


def _cut(text: str, budget: int) -> tuple[str, str]:
    """Split at the best edge: a head of at most ``budget`` bytes, and the rest without leading blanks."""
    if _size(text) <= budget:
        # It fits, but not together with the tail: the last paragraph or sentence goes along with the choices.
        at = _edge(text[:-1]) or len(text)
    else:
        prefix = text.encode()[:budget].decode(errors="ignore")
        at = _edge(prefix) or _outside_address(text, len(prefix))
    return text[:at].rstrip(), text[at:].lstrip()


def _edge(prefix: str) -> int:
    """Where to cut inside ``prefix``: after its last paragraph, line, sentence or blank; 0 when there is none."""
    sentences = [match.end() for match in _SENTENCE.finditer(prefix)]
    edges = (prefix.rfind("\n\n"), prefix.rfind("\n"), sentences[-1] if sentences else 0, prefix.rfind(" "))
    return next((at for at in edges if at > len(prefix) * _FULL_ENOUGH), 0)


def _outside_address(text: str, at: int) -> int:
    """``at``, moved in front of a web address it would cut in two."""
    for match in _WEB_ADDRESS.finditer(text):
        if 0 < match.start() < at < match.end():
            return match.start()
    return at


def _tap(words: str, label: str, question: int) -> str:
    """A link that sends ``words`` when tapped, percent-encoded because a literal ``+`` would arrive as a blank."""
    return f'<a href="weixin://bizmsgmenu?msgmenucontent={_encoded(words)}&msgmenuid={question}">{_label(label)}</a>'


@lru_cache(1024)
def _encoded(words: str) -> str:
    """Return words percent-encoded; nearly all of them are labels, the same in every message."""
    return quote(_line(words), safe="")


def _web(link: Link) -> str:
    url = clean(link.url).strip()
    if not url.startswith(("https://", "http://")):
        return _label(link.label)
    return f'<a href="{quote(url, safe=_URL_SAFE)}">{_label(link.label)}</a>'


@lru_cache(1024)
def _label(text: str) -> str:
    """Return words as a label; nearly all of them are choices, the same in every message."""
    return _line(_plain(text))


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _plain(text: str) -> str:
    """Text that the client shows as it is: without angle brackets of its own nobody can write a link."""
    return clean(text).translate(_FULL_WIDTH)


def _join(above: str, below: str) -> str:
    return f"{above}\n\n{below}" if above and below else above + below


def _size(text: str) -> int:
    return len(text.encode())
