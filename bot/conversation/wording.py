"""The wording (措辞): sentences and the next question put together into a reply."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.conversation.facts import Facts
from bot.conversation.flow import Position
from bot.conversation.reply import Link, Reply
from bot.conversation.standing import settled, stand
from bot.conversation.talk import Talk
from bot.conversation.texts import label, texts
from bot.conversation.turn import Say
from bot.conversation.vocabulary import Vocabulary
from bot.notices.delivery import Delivery
from bot.ports import Links
from bot.registration.archive import bounce_hints

LINK_LINE = re.compile(r"^@([a-z_]+) (.+)$", re.MULTILINE)
"""A line of a text that becomes a web link: "@target label"."""
_GAP = re.compile(r"\n{3,}")


def sentence(key: str, words: Vocabulary) -> str:
    """Return a sentence with its placeholders filled."""
    return texts()[key].format_map(words)


def extract_links(text: str, words: Vocabulary) -> tuple[str, tuple[Link, ...]]:
    """Take the "@target label" lines out of a text and return them as links; those without an address are dropped."""
    if "@" not in text:
        return _without_gaps(text), ()
    links = (Link(m[2], url) for m in LINK_LINE.finditer(text) if (url := words.link(m[1])))
    return _without_links(text), tuple(dict.fromkeys(links))


def _without_links(text: str) -> str:
    return _without_gaps(LINK_LINE.sub("", text))


def _without_gaps(text: str) -> str:
    return _GAP.sub("\n\n", text).strip()


def compose(talk: Talk, says: Sequence[Say], facts: Facts, links: Links) -> tuple[Talk, Reply, Position]:
    """Return the talk with the next question asked, the reply (what is to be said, then that question), and its place.

    Args:
        talk: after the turn; effects are done.
        says: sentences of the turn.
        facts: after the effects.
        links: makes web links.
    """
    talk = settled(talk, facts)
    at = stand(talk, facts)
    words = Vocabulary(facts, links, at.kept, at.step.name)
    known = texts()
    parts = [
        sentence(say.key, replace(words, extra=say.extra) if say.extra else words) for say in says if say.key in known
    ]
    parts += [*_hints(at, facts, words), sentence(f"{at.words}.ask", words)]
    text, found = extract_links("\n\n".join(_contacts_once(parts, words["contacts"])), words)
    options = at.step.options(at.kept, facts) if at.step.options else ()
    question = at.question(facts)
    labels = tuple(label(at.words, option) for option in options)
    return replace(talk, asked=question), Reply(text, labels, found, question), at


class _Data(dict[str, str]):
    """The data of a notice; an older one may lack what today's sentence asks for, and is said without it."""

    def __missing__(self, _name: str) -> str:
        return ""


def notice_reply(notice: Delivery, *, alone: bool = True) -> Reply:
    """Return a notice (主动消息) as a reply; everything it needs is in its data.

    Args:
        notice: the notice; one whose sentence is gone since a deploy gives an empty text.
        alone: sent by itself, so it says what comes next; otherwise an answer follows that says it, as of now.
    """
    data = _Data(notice.data) if alone else _Data(notice.data, next_step="")
    text = texts().get(notice.key, "").format_map(data)
    links = tuple(Link(m[2], url) for m in LINK_LINE.finditer(text) if (url := data[f"link_{m[1]}"]))
    return Reply(_without_links(text), (), links)


def _contacts_once(parts: Sequence[str], contacts: str) -> list[str]:
    """Leave the telephone numbers out where they were already given a few lines above."""
    first = next((place for place, part in enumerate(parts) if contacts in part), len(parts))
    return [part.replace(f"：\n{contacts}", "。") if place > first else part for place, part in enumerate(parts)]


def _hints(at: Position, facts: Facts, words: Vocabulary) -> list[str]:
    """Return soft hints before an archive read-back: what makes archives bounce; they never block."""
    if (at.flow.name, at.step.name) != ("archive", "read_back"):
        return []
    hints = bounce_hints(at.kept["unit"], at.kept["address"])
    reason = ["title"] if facts.own.archive.reason else []
    return [sentence(f"hint.{key}", replace(words, extra={"unit": at.kept["unit"]})) for key in (*reason, *hints)]
