"""Differences (差异): which words of a text changed, for eyes that compare two versions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# A number or a Latin word changes as a whole; Chinese has no blanks, so each character is a word.
_WORDS = re.compile(r"[0-9]+|[A-Za-z]+|.", re.DOTALL)
_ALIKE = 0.5
"""Below this likeness the whole text counts as changed: marks on every second character help nobody."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text (片段), and whether it is not in the other version."""

    text: str
    is_changed: bool


def difference(before: str, now: str) -> tuple[Sequence[Piece], Sequence[Piece]]:
    """Return both versions in pieces (逐词对照), with what the other one does not have marked."""
    old, new = _WORDS.findall(before), _WORDS.findall(now)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return _whole(before), _whole(now)
    left: list[Piece] = []
    right: list[Piece] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        left += _piece(old[i:j], kind)
        right += _piece(new[k:m], kind)
    return left, right


def _whole(text: str) -> Sequence[Piece]:
    return [Piece(text, is_changed=True)] if text else []


def _piece(words: Sequence[str], kind: str) -> Sequence[Piece]:
    return [Piece("".join(words), kind != "equal")] if words else []
