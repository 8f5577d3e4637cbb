"""What the room of notices must know of the installation (通知设置): threshold, channels, the pages of a text."""

from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, current_app

from bot.conversation.reply import Reply
from bot.notices.delivery import Channel
from bot.use_cases.manage_broadcasts import NoticeRules

_EXTENSION = "quxiang_notices"


def _one_page(reply: Reply) -> tuple[str, ...]:
    return (reply.text,)


@dataclass(frozen=True, slots=True)
class NoticeDoor:
    """What an installation says about notices (通知设置).

    Attributes:
        rules: see NoticeRules.
        channels: the channels that are set up, as ``Post.channels`` tells.
        render: turns a reply into the pages of the phone.
    """

    rules: NoticeRules = field(default_factory=NoticeRules)
    channels: frozenset[Channel] = frozenset({Channel.SERVICE, Channel.MASS})
    render: Callable[[Reply], tuple[str, ...]] = _one_page

    def attach(self, app: Flask) -> None:
        """Let the pages of an application find it (挂到应用上)."""
        app.extensions[_EXTENSION] = self

    @property
    def has_mass(self) -> bool:
        """Whether mass messages (群发) can be offered."""
        return Channel.MASS in self.channels


def door() -> NoticeDoor:
    """Return what the present application says (当前设置)."""
    found = current_app.extensions.get(_EXTENSION)
    return found if isinstance(found, NoticeDoor) else NoticeDoor()
