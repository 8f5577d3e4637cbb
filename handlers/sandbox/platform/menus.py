"""The bottom menu (自定义菜单): three buttons with up to five entries each, checked as the platform checks."""

from collections.abc import Mapping
from typing import Any

from handlers.sandbox.platform.call import Call, Endpoint, PlatformError

MAX_BUTTONS, MAX_ENTRIES = 3, 5
MAX_NAME_BYTES, MAX_ENTRY_NAME_BYTES, MAX_KEY_BYTES, MAX_URL_BYTES = 16, 60, 128, 1024
KEY_TYPES = frozenset(
    {
        "click",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
    }
)


def _check_button(button: object, *, inside: bool) -> dict[str, Any]:
    """One button as it will be stored; 40016–40027 name what is wrong with it."""
    if not isinstance(button, dict):
        raise PlatformError(40016, "invalid button size")
    name = button.get("name")
    limit = MAX_ENTRY_NAME_BYTES if inside else MAX_NAME_BYTES
    if not isinstance(name, str) or not name or len(name.encode()) > limit:
        raise PlatformError(40025 if inside else 40018, "invalid button name size")
    entries = button.get("sub_button")
    if entries and inside:
        raise PlatformError(40022, "invalid sub button level")
    if entries:
        if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
            raise PlatformError(40023, "invalid sub button size")
        return {"name": name, "sub_button": [_check_button(entry, inside=True) for entry in entries]}
    return _check_leaf(button, name)


def _check_leaf(button: Mapping[str, Any], name: str) -> dict[str, Any]:
    kind, key, url = button.get("type"), button.get("key"), button.get("url")
    if kind in KEY_TYPES:
        if not isinstance(key, str) or not 0 < len(key.encode()) <= MAX_KEY_BYTES:
            raise PlatformError(40019, "invalid button key size")
        return {"type": kind, "name": name, "key": key, "sub_button": []}
    if kind == "view":
        if not isinstance(url, str) or not url.startswith(("http://", "https://")) or len(url) > MAX_URL_BYTES:
            raise PlatformError(40055, "invalid button url")
        return {"type": kind, "name": name, "url": url, "sub_button": []}
    raise PlatformError(40017, "invalid button type")


def create(call: Call) -> Mapping[str, Any]:
    """``menu/create``: replace the menu for everybody."""
    buttons = call.body.get("button")
    if not isinstance(buttons, list) or not 0 < len(buttons) <= MAX_BUTTONS:
        raise PlatformError(40016, "invalid button size")
    menu = {"button": [_check_button(button, inside=False) for button in buttons]}
    with call.network.world.change():
        call.network.world.set_fact("menu", menu)
        call.network.world.set_fact("menu_id", 400_000_000 + call.network.world.next_number("menus"))
    return {}


def get(call: Call) -> Mapping[str, Any]:
    """``menu/get``: the menu, 46003 when there is none."""
    menu = call.network.world.fact("menu", None)
    if not menu:
        raise PlatformError(46003)
    return {"menu": {**menu, "menuid": call.network.world.fact("menu_id", 0)}}


def delete(call: Call) -> Mapping[str, Any]:
    """``menu/delete``: no menu any more."""
    call.network.world.set_fact("menu", None)
    return {}


ENDPOINTS = {
    "menu/create": Endpoint("POST", create),
    "menu/get": Endpoint("GET", get),
    "menu/delete": Endpoint("GET", delete),
}
