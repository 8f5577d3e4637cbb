"""Shortcuts (直接办理): 延长, 提前关闭, 重新生成, said at any time, open the verification where they belong.

A notice says 回复“延长”; whoever answers it is two messages from done, wherever the talk was.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from bot.conversation.facts import Facts
from bot.conversation.flow import Bad, Position, revision
from bot.conversation.flows import board, verification
from bot.conversation.standing import opened, stand, with_answers
from bot.conversation.talk import Answer, Talk
from bot.conversation.understanding import fold, phrases, stripped

_NOTHING = {
    "extend": "gate.nothing_to_extend",
    "close": "gate.nothing_to_close",
    "reissue": "gate.nothing_to_reissue",
}
_SUBJECT = {"档案": "archive", "户口": "household", "户籍": "household", "两项": "both", "全部": "both"}
_UNBOUND = frozenset(["consent", "login", "personal", "unbind"])
_ABOUT = "(?:信息)?(?:的)?(?:核验)?(?:授权|报告|编号|有效期)?"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """What was asked for in one go (直接办理).

    Attributes:
        action: extend, close or reissue.
        subject: archive, household or both; "" if it was not said.
        rest: what is left of the text, perhaps a period; "" if nothing is.
    """

    action: str
    subject: str = ""
    rest: str = field(default="", repr=False)


def read(text: str) -> Shortcut | None:
    """Read a text as a shortcut (直接办理), or None; the whole text must be one, so a refusal never is."""
    folded = fold(text)
    for word in dict.fromkeys((folded, stripped(folded))):
        for action, form in _forms():
            found = form.fullmatch(word)
            if found and not (found[1] and found[2]):
                return Shortcut(action, _SUBJECT.get(found[1] or found[2] or "", ""), found[3])
    return None


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each action with the form in which it is said."""
    subjects, forms = "|".join(_SUBJECT), []
    for action, said in phrases()["shortcuts"].items():
        verbs = "|".join(sorted(map(re.escape, said), key=len, reverse=True))
        forms.append((action, re.compile(f"(?:把)?({subjects})?{_ABOUT}(?:{verbs})({subjects})?{_ABOUT}(.*)")))
    return tuple(forms)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a shortcut led to (直接办理结果).

    Attributes:
        talk: in the verification, with subject and action answered.
        action: extend, close or reissue.
        rest: the period, if one was said too.
        refusal: key of the sentence that says why not, or "".
    """

    talk: Talk
    action: str
    rest: str = field(default="", repr=False)
    refusal: str = ""


def prepared(text: str, talk: Talk, facts: Facts, at: Position) -> Prepared | None:
    """Open the verification with what a shortcut says; None if the text is none, or means something else here."""
    is_elsewhere = at.flow.name not in _UNBOUND and (at.flow.name != "verification" or at.step.name == "subject")
    shortcut = read(text) if facts.dossier is not None and is_elsewhere else None
    if shortcut is None:
        return None
    if reason := board.gate("verification", facts):
        return Prepared(talk, shortcut.action, refusal=reason)
    subject = _subject(shortcut, facts)
    if subject is None:
        return Prepared(talk, shortcut.action, refusal=_NOTHING[shortcut.action])
    said = (("subject", subject), ("action", shortcut.action))
    answers = tuple(Answer(step, value, value, revision()) for step, value in said)
    talk = with_answers(opened(talk, "verification", facts), "verification", answers)
    there = stand(talk, facts)
    if shortcut.rest and (
        there.step.name != "period" or isinstance(there.step.parse(shortcut.rest, there.kept, facts), Bad)
    ):
        return None
    return Prepared(talk, shortcut.action, shortcut.rest)


def _subject(shortcut: Shortcut, facts: Facts) -> str | None:
    """Return what the shortcut is about: what was said, else everything it can be done with; None if nothing."""
    possible = [
        subject
        for subject in verification.SUBJECTS
        if shortcut.action in verification.actions({"subject": subject}, facts)
    ]
    if shortcut.subject:
        return shortcut.subject if shortcut.subject in possible else None
    return next((subject for subject in ("both", "archive", "household") if subject in possible), None)
