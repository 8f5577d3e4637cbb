"""A phone (手机) with WeChat on it: what a person can do in the chat with the official account."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from handlers.sandbox.account import SandboxError
from handlers.sandbox.bubble import Bubble
from handlers.sandbox.courier import Push
from handlers.sandbox.markup import Value
from handlers.sandbox.network import Network
from handlers.sandbox.records import Handset, Medium, Ticket

MEDIA_LIFE = 3 * 86400.0
# The smallest valid PNG: one green dot.
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkWPj/PwAEAwIBsnwv5QAAAABJRU5ErkJggg=="
)


class NothingToTapError(SandboxError, LookupError):
    """There is no such link, menu button or code on this phone."""


def _mine(kind: str, text: str, picture: str = "") -> Bubble:
    return Bubble("me", kind, text, 0.0, picture=picture)


class Phone:
    """One phone in the sandbox; every act returns the passive reply shown, the fault banner, or None for silence."""

    def __init__(self, network: Network, handset: Handset) -> None:
        self._network = network
        self._handset = handset

    @property
    def name(self) -> str:
        """The name (手机 A)."""
        return self._handset.name

    @property
    def openid(self) -> str:
        """The OpenID: 28 characters, starts with ``o``, stable for this name."""
        return self._handset.openid

    @property
    def following(self) -> bool:
        """Whether the phone follows the account (已关注)."""
        return self._handset.following

    @property
    def bubbles(self) -> tuple[Bubble, ...]:
        """The whole chat, both directions, messages that came by themselves and banners included, oldest first."""
        return self._network.world.chat(self.name)

    def follow(self, scene: str = "", ticket: str = "") -> Bubble | None:
        """关注: follow the account, by search or by a QR code with a scene."""
        handset = self._handset
        with self._network.world.change():
            handset.following, handset.followed_at, handset.scene = True, self._network.clock(), scene
            handset.subscribe_scene = "ADD_SCENE_QR_CODE" if scene else "ADD_SCENE_SEARCH"
            self._network.grant(handset, message=False)
        return self._event("subscribe", f"qrscene_{scene}" if scene else "", {"Ticket": ticket} if ticket else {})

    def unfollow(self) -> None:
        """取消关注: the account loses the phone, its tags and every window."""
        handset = self._handset
        with self._network.world.change():
            handset.following, handset.tags = False, []
            handset.message_grant.left = handset.action_grant.left = 0
            self._network.world.keep(handset)
        self._network.courier.deliver(self._event_fields("unsubscribe", "", {}))

    def say(self, text: str, *, at: float | None = None) -> Bubble | None:
        """Type and send a text; ``at`` sets CreateTime (seconds since the epoch) instead of the clock."""
        if not text:
            raise SandboxError("an empty text cannot be sent")
        return self._message(_mine("text", text), {"Content": text}, at=at)

    def tap(self, label: str) -> Bubble | None:
        """Tap the newest blue words that read, or contain, this label (bizmsgmenu).

        Raises:
            NothingToTapError: no bubble has such words.
        """
        _, content, menu_id = self._newest("taps", label)
        return self.send_tap(content, menu_id)

    def send_tap(self, content: str, menu_id: str) -> Bubble | None:
        """Send what a tap sends: its words, as a text message that names the link's id."""
        return self._message(_mine("text", content), {"Content": content, "bizmsgmenuid": menu_id})

    def link(self, label: str) -> str:
        """The address of the newest web link that reads, or contains, this label."""
        return str(self._newest("links", label)[1])

    def menu(self, key: str, *, scanned: str = "") -> Bubble | None:
        """Tap a button of the bottom menu, by its key or its name; ``scanned`` is what 扫码 buttons read.

        Raises:
            NothingToTapError: the menu has no such button.
        """
        button = self._button(key)
        kind, name = button["type"], button.get("key", "")
        if kind == "view":
            menu_id = str(self._network.world.fact("menu_id", 0))
            self._network.courier.deliver(self._event_fields("VIEW", button["url"], {"MenuId": menu_id}))
            return None
        if kind in {"click", "scancode_push", "scancode_waitmsg"}:
            # Only these three open the one-minute window (wechat.md B4).
            self._network.grant(self._handset, message=False)
        if kind == "click":
            return self._event("CLICK", name, {})
        if kind.startswith("scancode_"):
            return self._event(kind, name, {"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": scanned}})
        if kind == "location_select":
            place: Mapping[str, Value] = {
                "Location_X": "30.52",
                "Location_Y": "114.31",
                "Scale": "16",
                "Label": "武汉市",
                "Poiname": "",
            }
            return self._event(kind, name, {"SendLocationInfo": place})
        return self._send_picture_by_menu(kind, name)

    def send_image(self, content: bytes = DOT, content_type: str = "image/png") -> Bubble | None:
        """Send a picture (图片)."""
        media_id = self._upload("image", content, content_type)
        address = f"/sandbox/media/{media_id}"
        fields: dict[str, Value] = {"PicUrl": f"{self._network.base_url}{address}", "MediaId": media_id}
        return self._message(_mine("image", "[图片]", address), fields)

    def send_voice(self) -> Bubble | None:
        """Send a voice message (语音); Recognition is empty as on the real platform since 2023."""
        fields: dict[str, Value] = {"MediaId": self._upload("voice"), "Format": "amr", "Recognition": ""}
        return self._message(_mine("voice", "[语音] 3″"), fields)

    def send_video(self) -> Bubble | None:
        """Send a video (视频)."""
        fields: dict[str, Value] = {"MediaId": self._upload("video"), "ThumbMediaId": self._upload("thumb")}
        return self._message(_mine("video", "[视频]"), fields)

    def send_location(self, label: str = "湖北省武汉市洪山区珞喻路1037号") -> Bubble | None:
        """Send a place (位置)."""
        fields: dict[str, Value] = {"Location_X": 30.512954, "Location_Y": 114.413482, "Scale": 15, "Label": label}
        return self._message(_mine("location", label), fields)

    def send_link(self, title: str = "一篇文章", url: str = "https://example.com/") -> Bubble | None:
        """Forward an article (链接)."""
        return self._message(_mine("link", title), {"Title": title, "Description": "", "Url": url})

    def scan(self, text: str) -> Bubble | None:
        """扫一扫: a code of the account follows or sends SCAN; anything else only opens on the phone."""
        tickets = self._network.world.all(Ticket)
        found = next((each for each in tickets if each.url == text.strip()), None)
        if found is None or (found.until and found.until < self._network.clock()):
            return None
        if not self.following:
            return self.follow(found.scene, found.ticket)
        self._network.grant(self._handset, message=False)
        return self._event("SCAN", found.scene, {"Ticket": found.ticket})

    def accept_subscription(self, template_id: str) -> None:
        """允许: agree to one notice of this template in the popup of a page; the answer to the event shows nowhere."""
        self._subscribe(template_id, "accept")

    def refuse_subscription(self, template_id: str) -> None:
        """取消: refuse the notices of this template in the popup; consents given before are gone."""
        self._subscribe(template_id, "reject")

    def turn_off_subscription(self, template_id: str) -> None:
        """拒收: switch the notices of this template off in the settings; consents given before are gone."""
        self._consent("reject", template_id)
        self._tell_subscription("subscribe_msg_change_event", template_id, "reject", {})

    def compose(self, kind: str, fields: Mapping[str, Value], *, at: float | None = None) -> dict[str, Value]:
        """The full fields of an ordinary message, with a new MsgId, without sending it."""
        header = self._network.header(self._handset, kind, at)
        return header | dict(fields) | {"MsgId": self._network.next_message_id()}

    def push(self, fields: Mapping[str, Value]) -> Push:
        """Push these exact fields once, e.g. those of an earlier push again; the chat does not change.

        ``push.body`` holds the bytes of the answer, ``push.reply`` its decrypted XML.
        """
        return self._network.courier.push(fields)

    def _message(self, shown: Bubble, fields: Mapping[str, Value], *, at: float | None = None) -> Bubble | None:
        if not self.following:
            raise SandboxError("this phone does not follow the account")
        self._network.grant(self._handset, message=True)
        self._network.show(self._handset, shown)
        return self._network.send(self._handset, self.compose(shown.kind, fields, at=at))

    def _event_fields(self, event: str, key: str, more: Mapping[str, Value]) -> dict[str, Value]:
        header = self._network.header(self._handset, "event")
        return header | {"Event": event, "EventKey": key} | dict(more)

    def _event(self, event: str, key: str, more: Mapping[str, Value]) -> Bubble | None:
        return self._network.send(self._handset, self._event_fields(event, key, more))

    def _subscribe(self, template_id: str, status: str) -> None:
        self._consent(status, template_id)
        self._tell_subscription("subscribe_msg_popup_event", template_id, status, {"PopupScene": 1})

    def _consent(self, status: str, template_id: str) -> None:
        consents = self._handset.consents
        with self._network.world.change():
            consents[template_id] = consents.get(template_id, 0) + 1 if status == "accept" else 0
            self._network.world.keep(self._handset)

    def _tell_subscription(self, event: str, template_id: str, status: str, more: Mapping[str, Value]) -> None:
        item: Mapping[str, Value] = {"TemplateId": template_id, "SubscribeStatusString": status, **more}
        # subscribe_msg_popup_event brings SubscribeMsgPopupEvent, and so on.
        element = "".join(word.capitalize() for word in event.split("_"))
        fields: dict[str, Value] = {"Event": event, element: {"List": item}}
        self._network.courier.deliver(self._network.header(self._handset, "event") | fields)

    def _send_picture_by_menu(self, kind: str, name: str) -> Bubble | None:
        """The event comes first, the picture follows as a message of its own (wechat.md A3)."""
        digest = hashlib.md5(DOT).hexdigest()  # noqa: S324 - the platform's field is called PicMd5Sum
        pictures: Mapping[str, Value] = {"Count": 1, "PicList": [{"PicMd5Sum": digest}]}
        self._event(kind, name, {"SendPicsInfo": pictures})
        return self.send_image()

    def _upload(self, kind: str, content: bytes = b"sandbox", content_type: str = "application/octet-stream") -> str:
        media_id = secrets.token_urlsafe(48)
        until = self._network.clock() + MEDIA_LIFE
        body = base64.b64encode(content).decode()
        self._network.world.keep(Medium(media_id, kind, "", content_type, body, until))
        return media_id

    def _newest(self, kind: str, label: str) -> tuple[str, ...]:
        for bubble in reversed(self.bubbles):
            offered: tuple[tuple[str, ...], ...] = getattr(bubble, kind)
            for each in offered:
                if each[0] == label:
                    return each
            for each in offered:
                if label in each[0]:
                    return each
        raise NothingToTapError(f"nothing to tap reads {label!r}")

    def _button(self, key: str) -> dict[str, Any]:
        menu: dict[str, Any] = self._network.world.fact("menu", None) or {"button": []}
        for button in menu["button"]:
            for each in button.get("sub_button") or [button]:
                if key in {each.get("key"), each["name"]}:
                    return dict(each)
        raise NothingToTapError(f"the menu has no button {key!r}")
