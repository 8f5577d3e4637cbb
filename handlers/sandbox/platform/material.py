"""Files, drafts and QR codes (素材、草稿、二维码)."""

import base64
import io
import secrets
from collections.abc import Mapping
from typing import Any

import qrcode

from handlers.sandbox.platform.call import Call, Endpoint, PlatformError
from handlers.sandbox.records import Medium, Ticket

MEDIA_LIFE = 3 * 86400.0
MAX_BYTES = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}
DEFAULT_EXPIRY, MAX_EXPIRY = 60, 2_592_000
MAX_SCENE, MAX_PERMANENT_SCENE, MAX_SCENE_CHARACTERS = 2**32 - 1, 100_000, 64


def upload(call: Call) -> Mapping[str, Any]:
    """``media/upload``: a temporary file, kept for three days."""
    kind = call.query.get("type", "")
    if kind not in MAX_BYTES:
        raise PlatformError(40004)
    if call.file is None:
        raise PlatformError(41005, "media data missing")
    content = call.file.read(MAX_BYTES[kind] + 1)
    if not content:
        raise PlatformError(44001, "empty media data")
    if len(content) > MAX_BYTES[kind]:
        raise PlatformError(40006, "invalid media size")
    now, media_id = call.network.clock(), secrets.token_urlsafe(48)
    content_type = call.file.mimetype if kind in {"image", "thumb"} else "application/octet-stream"
    body = base64.b64encode(content).decode()
    medium = Medium(media_id, kind, call.file.filename or "", content_type, body, now + MEDIA_LIFE)
    call.network.world.keep(medium)
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: media_id, "created_at": int(now)}


def add_draft(call: Call) -> Mapping[str, Any]:
    """``draft/add``: articles for ``mpnews``."""
    articles = call.body.get("articles")
    if not isinstance(articles, list) or not articles:
        raise PlatformError(47001)
    for article in articles:
        if not isinstance(article, dict) or not article.get("title") or not article.get("content"):
            raise PlatformError(44003, "empty news data")
    with call.network.world.change():
        media_id = secrets.token_urlsafe(48)
        drafts = call.network.world.fact("drafts", {}) | {media_id: articles}
        call.network.world.set_fact("drafts", drafts)
    return {"media_id": media_id}


def _scene(call: Call, action: str) -> str:
    info = call.part("action_info").get("scene")
    scene = info if isinstance(info, dict) else {}
    if action in {"QR_SCENE", "QR_LIMIT_SCENE"}:
        number = scene.get("scene_id")
        most = MAX_SCENE if action == "QR_SCENE" else MAX_PERMANENT_SCENE
        if not isinstance(number, int) or not 0 < number <= most:
            raise PlatformError(40053, "invalid action info")
        return str(number)
    words = scene.get("scene_str")
    if not isinstance(words, str) or not 0 < len(words) <= MAX_SCENE_CHARACTERS:
        raise PlatformError(40053, "invalid action info")
    return words


def create_code(call: Call) -> Mapping[str, Any]:
    """``qrcode/create``: a QR code that carries a scene."""
    action = call.text("action_name", 40052)
    if action not in {"QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"}:
        raise PlatformError(40052, "invalid action name")
    scene, seconds = _scene(call, action), call.body.get("expire_seconds", DEFAULT_EXPIRY)
    if not isinstance(seconds, int) or not 0 < seconds <= MAX_EXPIRY:
        raise PlatformError(40054, "invalid expire seconds")
    for_ever = "LIMIT" in action
    url = f"http://weixin.qq.com/q/02{secrets.token_urlsafe(15)}"
    until = 0.0 if for_ever else call.network.clock() + seconds
    ticket = Ticket("gQ" + secrets.token_urlsafe(70), scene, url, until)
    call.network.world.keep(ticket)
    answer: dict[str, Any] = {"ticket": ticket.ticket, "url": url}
    return answer if for_ever else answer | {"expire_seconds": seconds}


def picture_of(text: str) -> bytes:
    """A QR code of the text as PNG."""
    buffer = io.BytesIO()
    qrcode.make(text, box_size=8, border=4).save(buffer)
    return buffer.getvalue()


ENDPOINTS = {
    "media/upload": Endpoint("POST", upload),
    "draft/add": Endpoint("POST", add_draft),
    "qrcode/create": Endpoint("POST", create_code),
}
