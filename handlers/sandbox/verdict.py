"""The platform's strict look at a passive reply (被动回复): what is shown, and what becomes the banner."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from handlers.sandbox.account import SandboxError
from handlers.sandbox.bubble import Bubble
from handlers.sandbox.cipher import MessageCipher, UnreadableError, is_signed
from handlers.sandbox.markup import BadXmlError, Node, read

MAX_TEXT_BYTES = 2048  # no official number; measured by several users (wechat.md A5)
MAX_ARTICLES = 8
# Since 2018-10-12 an answer to these carries one article only.
SINGLE_ARTICLE = frozenset({"text", "image", "voice", "video", "news", "location"})
MEDIA = {"image": ("Image", "[图片]"), "voice": ("Voice", "[语音]"), "video": ("Video", "[视频]")}


class BadReplyError(SandboxError):
    """The reply is malformed; the text says how."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What a reply is checked against.

    Attributes:
        mode: plain, compatible or safe.
        token: the token for MsgSignature.
        cipher: opens encrypted replies.
        original_id: who must have sent the reply.
        picture_of: address of a known media_id, or None.
    """

    mode: str
    token: str
    cipher: MessageCipher
    original_id: str
    picture_of: Callable[[str], str | None]

    def decrypt(self, body: bytes) -> bytes:
        """The reply's XML without its envelope; b"" for silence (``success`` or nothing).

        Raises:
            BadReplyError: the envelope is wrong for the mode, the signature or the AppID.
        """
        if body.strip() in {b"", b"success"}:
            return b""
        node = _read(body)
        sealed = node.get("Encrypt")
        if sealed is None:
            if self.mode == "safe":
                raise BadReplyError("a plain reply in safe mode")
            return body
        if self.mode == "plain":
            raise BadReplyError("an encrypted reply in plain mode")
        stamp, nonce, signature = (node.get(name) or "" for name in ("TimeStamp", "Nonce", "MsgSignature"))
        if not stamp.isdigit() or not nonce or not is_signed(signature, self.token, stamp, nonce, sealed):
            raise BadReplyError("wrong MsgSignature")
        try:
            return self.cipher.open(sealed)
        except UnreadableError as error:
            raise BadReplyError(str(error)) from error

    def bubble(self, xml: bytes, fields: Mapping[str, object], at: float) -> Bubble | None:
        """What the reply shows on the phone that sent ``fields``; None for a hand-over to a human.

        Raises:
            BadReplyError: the XML is malformed, misaddressed or over a limit.
        """
        node = _read(xml)
        if node.get("ToUserName") != fields["FromUserName"]:
            raise BadReplyError("ToUserName is not the sender")
        if node.get("FromUserName") != self.original_id:
            raise BadReplyError("FromUserName is not the account")
        if not (node.get("CreateTime") or "").strip().isdigit():
            raise BadReplyError("CreateTime is not a number")
        kind = node.get("MsgType") or ""
        if kind == "text":
            return Bubble("them", "text", _text(node), at)
        if kind == "news":
            return _news(node, str(fields["MsgType"]), at)
        if kind in MEDIA:
            return self._media(node, kind, at)
        if kind == "music":
            return Bubble("them", "music", f"[音乐]{node.get('Music', 'Title') or ''}", at)
        if kind == "transfer_customer_service":
            return None
        raise BadReplyError("unknown MsgType")

    def _media(self, node: Node, kind: str, at: float) -> Bubble:
        element, label = MEDIA[kind]
        address = self.picture_of(node.get(element, "MediaId") or "")
        if address is None:
            raise BadReplyError("unknown MediaId")
        return Bubble("them", kind, label, at, picture=address)


def _read(body: bytes) -> Node:
    try:
        return read(body)
    except BadXmlError as error:
        raise BadReplyError(str(error)) from error


def _text(node: Node) -> str:
    text = node.get("Content") or ""
    if not text.strip():
        raise BadReplyError("empty Content")
    if len(text.encode()) > MAX_TEXT_BYTES:
        raise BadReplyError("Content is over 2048 bytes")
    return text


def _news(node: Node, asked_with: str, at: float) -> Bubble:
    items = node.all("Articles", "item")
    most = 1 if asked_with in SINGLE_ARTICLE else MAX_ARTICLES
    if not 1 <= len(items) <= most or (node.get("ArticleCount") or "").strip() != str(len(items)):
        raise BadReplyError("wrong number of articles")
    first = items[0]
    title, url = first.get("Title") or "", first.get("Url") or ""
    if not title:
        raise BadReplyError("an article without Title")
    if url and not url.startswith(("http://", "https://")):
        raise BadReplyError("an article's Url is not a web address")
    text = first.get("Description") or ""
    return Bubble("them", "news", text, at, title=title, url=url, picture=first.get("PicUrl") or "")
