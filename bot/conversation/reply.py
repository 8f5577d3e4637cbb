"""What we answer, in our own words: text, choices to tap, links. How it looks in WeChat is the door's business."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """A web link under the text (网页链接)."""

    label: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer (回复).

    Attributes:
        text: paragraphs separated by blank lines; any characters, also hostile ones.
        choices: labels a person may tap, type as a number (1-based) or in words; a label doubles as the words sent.
        links: web links.
        question: a 31-bit number naming the question asked, sent with each tap (bizmsgmenuid).
    """

    text: str = field(repr=False)
    choices: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    question: int = 0


@dataclass(frozen=True, slots=True)
class Rendered:
    """A stored answer: exactly what goes on the wire, so that a re-push gets the same bytes.

    Attributes:
        text: the rendered text; "" means silence (the platform expects ``success``).
        at: CreateTime of the answer, whole seconds.
    """

    text: str = field(repr=False)
    at: int
