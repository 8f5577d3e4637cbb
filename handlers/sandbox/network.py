"""The net between phones and platform (微信网络): one object that pages, API and phones share."""

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from handlers.sandbox.account import MODES, Account, SandboxError
from handlers.sandbox.bubble import Bubble
from handlers.sandbox.cipher import MessageCipher
from handlers.sandbox.courier import Courier, Letterbox, Push
from handlers.sandbox.faults import Faults
from handlers.sandbox.limits import Limits
from handlers.sandbox.markup import Value
from handlers.sandbox.records import Grant, Handset, Medium
from handlers.sandbox.reports import Reports
from handlers.sandbox.verdict import Judge
from handlers.sandbox.world import World

BANNER = "该公众号提供的服务出现故障，请稍后再试"
MESSAGE_WINDOW, MESSAGE_COUNT = 48 * 3600.0, 5
ACTION_WINDOW, ACTION_COUNT = 60.0, 3
OPENID_LENGTH = 28


@dataclass(slots=True)
class Fates:
    """What becomes of messages the platform has accepted (发送结局), in the words of its reports.

    Attributes:
        template: of a template message, unless the phone has a fate of its own.
        mass: of a mass message.
    """

    template: str = "success"
    mass: str = "send success"


class Network:
    """Accounts, phones, pushes and the clock of one sandbox."""

    def __init__(self, account: Account, state_file: Path | None, reply_limit: float, base_url: str) -> None:
        self.account = account
        self.base_url = base_url.rstrip("/")
        self.clock = time.time
        self.world = World(state_file)
        self.faults = Faults()
        self.limits = Limits(self._now)
        self.fates = Fates()
        self.courier = Courier(self._letterbox, self.faults, reply_limit, self._now)
        self.reports = Reports(self.courier.deliver)
        self._cipher = MessageCipher(account.encoding_aes_key, account.app_id)
        self._received: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.set_mode(account.mode)

    def set_mode(self, mode: str) -> None:
        """Switch the message encryption (消息加解密方式)."""
        if mode not in MODES:
            raise SandboxError("mode is plain, compatible or safe")
        self.account = replace(self.account, mode=mode)

    def _now(self) -> float:
        """The clock of this moment; a test may have set another since the beginning."""
        return self.clock()

    def _letterbox(self) -> Letterbox:
        account = self.account
        judge = Judge(account.mode, account.token, self._cipher, account.original_id, self.picture_of)
        return Letterbox(account.webhook_url, judge, account.app_id)

    def picture_of(self, media_id: str) -> str | None:
        """The address of an uploaded file, None when the platform does not have it (any more)."""
        medium = self.world.find(Medium, media_id)
        fresh = medium is not None and (not medium.until or medium.until > self.clock())
        return f"/sandbox/media/{media_id}" if fresh else None

    def handset(self, name: str) -> Handset:
        """The phone of this name, bought on the spot if it is new; the openid stays for ever."""
        with self.world.change():
            found = self.world.find(Handset, name)
            if found is None:
                found = Handset(name, "o" + secrets.token_urlsafe(OPENID_LENGTH)[: OPENID_LENGTH - 1])
                self.world.keep(found)
            return found

    def crowd(self, count: int, *, wrote: bool = False) -> tuple[str, ...]:
        """Buy so many phones that follow, as if long ago, and return their openids; nothing is pushed."""
        now = self.clock()
        openids = []
        with self.world.change():
            for _ in range(count):
                handset = self.handset(f"路人 {self.world.next_number('crowd')}")
                handset.following, handset.followed_at, handset.is_shown = True, now, False
                if wrote:
                    handset.message_grant = Grant(now + MESSAGE_WINDOW, MESSAGE_COUNT)
                self.world.keep(handset)
                openids.append(handset.openid)
        return tuple(openids)

    def shown(self) -> tuple[Handset, ...]:
        """The phones on the table, oldest first."""
        return tuple(each for each in self.world.all(Handset) if each.is_shown)

    def header(self, handset: Handset, kind: str, at: float | None = None) -> dict[str, Value]:
        """The common elements of a message from this phone."""
        return {
            "ToUserName": self.account.original_id,
            "FromUserName": handset.openid,
            "CreateTime": int(self.clock() if at is None else at),
            "MsgType": kind,
        }

    def next_message_id(self) -> int:
        """A MsgId: 64 bits, larger than a float can hold exactly."""
        return 23_000_000_000_000_001 + self.world.next_number("messages")

    def grant(self, handset: Handset, *, message: bool) -> None:
        """Open a window for customer-service messages: by a message 48 h, by another act one minute."""
        with self.world.change():
            if message:
                handset.message_grant = Grant(self.clock() + MESSAGE_WINDOW, MESSAGE_COUNT)
            else:
                handset.action_grant = Grant(self.clock() + ACTION_WINDOW, ACTION_COUNT)
            self.world.keep(handset)

    def show(self, handset: Handset, bubble: Bubble) -> Bubble:
        """Put a bubble into the chat."""
        with self.world.change():
            if bubble.side == "them":
                handset.typing_until = 0.0
                self._received[handset.openid][bubble.text] += 1
            return self.world.say(handset.name, bubble, self.clock())

    def send(self, handset: Handset, fields: Mapping[str, Value]) -> Bubble | None:
        """Push what the phone did and show the answer, or the fault banner; None for silence."""
        push = self.courier.deliver(fields)
        if push.outcome in {"nothing", "fault"}:
            return self.show(handset, Bubble("system", "banner", BANNER, self.clock()))
        return self.show(handset, push.bubble) if push.bubble else None

    def received(self, openid: str) -> Counter[str]:
        """How often this phone got which text or card since the sandbox began; nothing falls out of it."""
        with self.world.lock:
            return Counter(self._received.get(openid, ()))

    def pushes(self) -> tuple[Push, ...]:
        """The log of deliveries, oldest first."""
        return tuple(self.courier.log)
