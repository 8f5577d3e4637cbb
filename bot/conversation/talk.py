"""The talk (会话): everything remembered about the chat with one WeChat account; a position is never stored."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.conversation.reply import Rendered

SEEN = 8
"""How many stored answers a talk keeps; WeChat re-pushes within 15 seconds, so eight are plenty (wechat.md A4)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer given in the present flow (已作回答).

    Attributes:
        step: name of the step.
        value: the canonical value, readable again by the step's parser.
        out: the outcome it led to.
        rev: the revision of the flow whose parser accepted it.
    """

    step: str
    value: str = field(repr=False)
    out: str
    rev: str

    def under(self, step: str) -> "Answer":
        """Return the same answer under another name of its step (换步骤名)."""
        return self if step == self.step else Answer(step, self.value, self.out, self.rev)


@dataclass(frozen=True, slots=True)
class Talk:
    """The chat with one WeChat account (会话).

    Attributes:
        openid: the account.
        seq: compare-and-swap counter; 0 means not stored yet.
        following: False after 取消关注.
        at: CreateTime of the newest message handled, seconds.
        spoke_at, acted_at: CreateTime of the newest message, and of the newest tap on the menu, follow or scan, or
            None: what opens the windows for customer-service messages.
        consent: version of the consent text agreed to (知情同意); 0 for none.
        flow: name of the running flow; "" at the progress board.
        answers: given in the running flow.
        tries: unusable answers in a row to the present question.
        asked: number of the question last asked; an answer counts only for it.
        seen: the last answers sent (deduplication key, text, CreateTime), so that a re-push gets the same bytes.
        more: pages not shown yet, brought by 继续.
    """

    openid: str = field(repr=False)
    seq: int = 0
    following: bool = True
    at: int = 0
    spoke_at: int | None = None
    acted_at: int | None = None
    consent: int = 0
    flow: str = ""
    answers: tuple[Answer, ...] = ()
    tries: int = 0
    asked: int = 0
    seen: tuple[tuple[str, str, int], ...] = field(default=(), repr=False)
    more: tuple[str, ...] = field(default=(), repr=False)

    def stored_reply(self, key: str) -> Rendered | None:
        """Return the answer already given to the message of this deduplication key, or None."""
        return next((Rendered(text, at) for seen, text, at in self.seen if seen == key), None)

    def seen_with(self, key: str, rendered: Rendered) -> tuple[tuple[str, str, int], ...]:
        """Return ``seen`` with one more answer (记下应答), the oldest forgotten."""
        return (*self.seen, (key, rendered.text, rendered.at))[-SEEN:]

    def heard(self, at: int, *, by_act: bool) -> "Talk":
        """Note a message of this CreateTime (最近一次); a tap on the menu, a follow or a scan is apart."""
        newest = max(self.at, at)
        if by_act:
            return replace(self, at=newest, acted_at=max(self.acted_at or 0, at))
        return replace(self, at=newest, spoke_at=max(self.spoke_at or 0, at))

    def followed(self) -> "Talk":
        """Return the talk of somebody who must be following, having written (在关注)."""
        return self if self.following else replace(self, following=True)

    def to_memory(self) -> dict[str, Any]:
        """Return what is stored encrypted, as JSON-ready values."""
        return {
            "consent": self.consent,
            "flow": self.flow,
            "answers": [[a.step, a.value, a.out, a.rev] for a in self.answers],
            "tries": self.tries,
            "asked": self.asked,
            "seen": self.seen,
            "more": list(self.more),
        }

    @classmethod
    def from_memory(cls, openid: str, columns: dict[str, Any], memory: dict[str, Any]) -> "Talk":
        """Rebuild a talk from its columns (seq, following …) and its memory; unknown keys of older versions pass."""
        return cls(
            openid=openid,
            **columns,
            consent=memory.get("consent", 0),
            flow=memory.get("flow", ""),
            answers=tuple(Answer(*parts) for parts in memory.get("answers", ())),
            tries=memory.get("tries", 0),
            asked=memory.get("asked", 0),
            seen=tuple(map(tuple, memory.get("seen", ()))),
            more=tuple(memory.get("more", ())),
        )
