"""Followers and their tags (用户与标签)."""

from collections.abc import Mapping
from typing import Any

from handlers.sandbox.platform.call import Call, Endpoint, PlatformError
from handlers.sandbox.records import Handset

PAGE = 10_000
MAX_TAGS, MAX_NAME_BYTES, MAX_TAGS_PER_USER, MAX_BATCH, MAX_INFO_BATCH = 100, 30, 20, 50, 100
FIRST_TAG_ID = 100


def _followers(call: Call) -> list[Handset]:
    return [each for each in call.network.world.all(Handset) if each.following]


def _page(openids: list[str], after: str) -> Mapping[str, Any]:
    """One page of openids after the given one; ``data`` is absent when the page is empty."""
    if after and after not in openids:
        raise PlatformError(40003)
    rest = openids[openids.index(after) + 1 :] if after else openids
    page = rest[:PAGE]
    answer: dict[str, Any] = {"total": len(openids), "count": len(page), "next_openid": page[-1] if page else ""}
    return answer | ({"data": {"openid": page}} if page else {})


def get(call: Call) -> Mapping[str, Any]:
    """``user/get``: all followers, 10,000 a page."""
    return _page([each.openid for each in _followers(call)], call.query.get("next_openid", ""))


def _info(handset: Handset) -> dict[str, Any]:
    if not handset.following:
        return {"subscribe": 0, "openid": handset.openid}
    return {
        "subscribe": 1,
        "openid": handset.openid,
        "language": "zh_CN",
        "subscribe_time": int(handset.followed_at),
        "remark": handset.remark,
        "groupid": handset.tags[0] if handset.tags else 0,
        "tagid_list": list(handset.tags),
        "subscribe_scene": handset.subscribe_scene,
        "qr_scene": int(handset.scene) if handset.scene.isdigit() else 0,
        "qr_scene_str": handset.scene,
    }


def _anybody(call: Call, openid: object) -> Handset:
    handset = call.network.world.by_openid(str(openid))
    if handset is None:
        raise PlatformError(40003)
    return handset


def info(call: Call) -> Mapping[str, Any]:
    """``user/info``: one user; no nickname and no picture since 2021-12-27."""
    return _info(_anybody(call, call.query.get("openid")))


def batch_info(call: Call) -> Mapping[str, Any]:
    """``user/info/batchget``: up to 100 users."""
    rows = call.body.get("user_list")
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_INFO_BATCH:
        raise PlatformError(40032)
    return {"user_info_list": [_info(_anybody(call, row.get("openid"))) for row in rows if isinstance(row, dict)]}


def _tags(call: Call) -> dict[str, str]:
    return dict(call.network.world.fact("tags", {}))


def _tag_name(call: Call, tags: Mapping[str, str]) -> str:
    name = call.part("tag").get("name")
    if not isinstance(name, str) or not name.strip() or name in tags.values():
        raise PlatformError(45157, "invalid tag name")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise PlatformError(45158, "tag name too long")
    return name


def _tag_id(value: object, tags: Mapping[str, str]) -> int:
    if str(value) not in tags:
        raise PlatformError(45159, "invalid tag")
    return int(str(value))


def create_tag(call: Call) -> Mapping[str, Any]:
    """``tags/create``: at most 100, names of 30 bytes, each once."""
    with call.network.world.change():
        tags = _tags(call)
        if len(tags) >= MAX_TAGS:
            raise PlatformError(45056, "too many tag now, please delete some")
        name = _tag_name(call, tags)
        number = FIRST_TAG_ID - 1 + call.network.world.next_number("tag_numbers")
        call.network.world.set_fact("tags", tags | {str(number): name})
    return {"tag": {"id": number, "name": name}}


def list_tags(call: Call) -> Mapping[str, Any]:
    """``tags/get``: every tag with the number of its fans."""
    users = _followers(call)
    rows = [(int(number), name) for number, name in _tags(call).items()]
    return {
        "tags": [{"id": number, "name": name, "count": sum(number in u.tags for u in users)} for number, name in rows]
    }


def update_tag(call: Call) -> Mapping[str, Any]:
    """``tags/update``: a new name."""
    with call.network.world.change():
        tags = _tags(call)
        number = _tag_id(call.part("tag").get("id"), tags)
        name = _tag_name(call, {key: old for key, old in tags.items() if key != str(number)})
        call.network.world.set_fact("tags", tags | {str(number): name})
    return {}


def delete_tag(call: Call) -> Mapping[str, Any]:
    """``tags/delete``: the tag, and with it the tag of every fan."""
    with call.network.world.change():
        tags = _tags(call)
        number = _tag_id(call.part("tag").get("id"), tags)
        del tags[str(number)]
        call.network.world.set_fact("tags", tags)
        for handset in call.network.world.all(Handset):
            if number in handset.tags:
                handset.tags.remove(number)
                call.network.world.keep(handset)
    return {}


def _batch(call: Call) -> tuple[int, list[Handset]]:
    openids = call.body.get("openid_list")
    if not isinstance(openids, list) or not 0 < len(openids) <= MAX_BATCH:
        raise PlatformError(40032)
    number = _tag_id(call.body.get("tagid"), _tags(call))
    found = [call.network.world.by_openid(str(openid)) for openid in openids]
    known = [each for each in found if each is not None and each.following]
    if len(known) < len(found):
        raise PlatformError(49003)
    return number, known


def tag_members(call: Call) -> Mapping[str, Any]:
    """``tags/members/batchtagging``: up to 50 followers; each may have 20 tags."""
    with call.network.world.change():
        number, handsets = _batch(call)
        if any(number not in each.tags and len(each.tags) >= MAX_TAGS_PER_USER for each in handsets):
            raise PlatformError(45059, "can't add this tag, user already has too many tags")
        for each in handsets:
            if number not in each.tags:
                each.tags.append(number)
                call.network.world.keep(each)
    return {}


def untag_members(call: Call) -> Mapping[str, Any]:
    """``tags/members/batchuntagging``: take a tag away."""
    with call.network.world.change():
        number, handsets = _batch(call)
        for each in handsets:
            if number in each.tags:
                each.tags.remove(number)
                call.network.world.keep(each)
    return {}


def tags_of(call: Call) -> Mapping[str, Any]:
    """``tags/getidlist``: the tags of one user."""
    return {"tagid_list": list(_anybody(call, call.body.get("openid")).tags)}


def users_of_tag(call: Call) -> Mapping[str, Any]:
    """``user/tag/get``: the fans of one tag, paged."""
    number = _tag_id(call.body.get("tagid"), _tags(call))
    openids = [each.openid for each in _followers(call) if number in each.tags]
    page = dict(_page(openids, str(call.body.get("next_openid") or "")))
    del page["total"]
    return page


ENDPOINTS = {
    "user/get": Endpoint("GET", get),
    "user/info": Endpoint("GET", info),
    "user/info/batchget": Endpoint("POST", batch_info),
    "tags/create": Endpoint("POST", create_tag),
    "tags/get": Endpoint("GET", list_tags),
    "tags/update": Endpoint("POST", update_tag),
    "tags/delete": Endpoint("POST", delete_tag),
    "tags/members/batchtagging": Endpoint("POST", tag_members),
    "tags/members/batchuntagging": Endpoint("POST", untag_members),
    "tags/getidlist": Endpoint("POST", tags_of),
    "user/tag/get": Endpoint("POST", users_of_tag),
}
