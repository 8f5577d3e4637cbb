"""The people of the journeys: graduates, and what they can do with a phone.

What is heard is named by the key of the sentence (``login.name.ask``), so that words may be mended without breaking
journeys, or, where the words themselves are promised (核验编号), by the words.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.conversation.texts import texts
from handlers.roster.demo import Tryout
from handlers.sandbox import Bubble, Phone
from tests.listening import LISTENER

ENTRY = (
    "单位：示例市人才服务中心\n地址：示例省示例市学府路 1 号 201 室\n邮编：010010\n联系人：档案科\n电话：0471-6200003"
)
"""An archive entry in one message."""


_KEY = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_HOLE = re.compile(r"\\\{[^{}\\]+\\\}")


def is_said(key: str, text: str) -> bool:
    """Tell whether a text holds the sentence of a key, whatever fills its gaps; no key is taken as it stands."""
    template = texts().get(key)
    if template is None:
        assert not _KEY.fullmatch(key), f"there is no sentence {key}"
        return key in text
    assert _HOLE.sub("", re.escape(template)), f"{key} is all gaps: everything would fit"
    pattern = "\\s*".join(
        _HOLE.sub(".*", re.escape(line)) for line in template.splitlines() if not line.startswith("@")
    )
    return re.search(pattern, text, re.DOTALL) is not None


@dataclass
class Person:
    """A graduate (毕业生) with a phone; every act is checked for what is heard in answer."""

    phone: Phone
    who: Tryout

    @property
    def number(self) -> str:
        """The student number (学号)."""
        return self.who.student_number

    @property
    def hears(self) -> str:
        """The newest words from the account, fault banners included."""
        return next(bubble.plain for bubble in reversed(self.phone.bubbles) if bubble.side != "me")

    @property
    def heard(self) -> tuple[str, ...]:
        """All words from the account so far."""
        return tuple(bubble.plain for bubble in self.phone.bubbles if bubble.side != "me")

    def expects(self, *hears: str) -> None:
        """Check what was heard last, e.g. after an act that somebody else did for this person."""
        newest = next(bubble for bubble in reversed(self.phone.bubbles) if bubble.side != "me")
        self._checked(newest, hears, "")

    def says(self, text: str, *hears: str, not_: str = "") -> str:
        """Type a text, and hear words in the answer."""
        return self._checked(self.phone.say(text), hears, not_)

    def taps(self, label: str, *hears: str, not_: str = "") -> str:
        """Tap blue words of the newest answer that has them, and hear words in the answer."""
        return self._checked(self.phone.tap(texts().get(label, label)), hears, not_)

    def presses(self, button: str, *hears: str, not_: str = "") -> str:
        """Press a button of the bottom menu, and hear words in the answer."""
        return self._checked(self.phone.menu(button), hears, not_)

    def _checked(self, bubble: Bubble | None, hears: tuple[str, ...], not_: str) -> str:
        assert bubble is not None, "silence"
        for key in hears:
            assert is_said(key, bubble.plain), f"wanted {key}, heard {bubble.plain!r}"
        assert not not_ or not is_said(not_, bubble.plain), bubble.plain
        for _, url in bubble.links:
            if (found := re.search(r"/[rp]/([^/?#]+)", urlsplit(url).path)) is not None:
                LISTENER.guard([found[1]])
        return bubble.plain

    # -- stretches of the way that many journeys share ------------------------------------------------

    def follows(self) -> None:
        """Follow the account and agree (知情同意)."""
        bubble = self.phone.follow()
        assert bubble
        assert is_said("consent.agree.ask", bubble.plain)
        self.taps("consent.agree.choices.yes", "login.student_number.ask")

    def logs_in(self, *hears: str) -> str:
        """Follow, agree, and say who it is."""
        if not self.phone.following:
            self.follows()
        self.says(self.who.student_number, "login.name.ask")
        self.says(self.who.name, "login.tail.ask")
        return self.says(self.who.identity_tail, *(hears or ("login.tail.done",)))

    def checks(self) -> None:
        """Log in and find the personal data right (N4)."""
        self.logs_in("login.tail.done", "personal.check.ask")
        self.taps("personal.check.choices.right", "line.title")

    def fills_in_the_archive(self) -> None:
        """Fill in the archive entry (N7, N10) up to the read-back."""
        self.says("档案信息登记", "archive.transfer_type.ask")
        self.taps("archive.transfer_type.choices.unit", "archive.receiving_type.ask")
        self.taps("archive.receiving_type.choices.trustee", "archive.unit.ask")
        self.says(ENTRY, "archive.read_back.ask", "示例市人才服务中心")

    def submits_archive(self) -> None:
        """Fill in the archive entry and submit it (N7)."""
        self.fills_in_the_archive()
        self.taps("archive.read_back.choices.submit", "archive.read_back.submit")

    def confirms(self, *hears: str) -> None:
        """Confirm the destination (N9)."""
        self.says("去向登记确认", "confirmation.preview.ask")
        self.taps("confirmation.preview.choices.yes", "confirmation.preview.yes", *hears)

    def authorises(self, period: str = "一个月") -> str:
        """Choose a period (N13) and return the verification number (N14)."""
        answer = self.says(period, "核验编号", "有效期至", "生效中")
        found = re.search(r"核验编号\D{1,3}(\d{8})\b", answer)
        assert found
        return found[1]

    @property
    def report(self) -> str:
        """The address of the newest report."""
        return self.phone.link("查看下载报告")
