"""Mass messages (群发): to a tag, to all, to a list; each user gets four a month, each clientmsgid goes out once."""

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from handlers.sandbox.bubble import Bubble
from handlers.sandbox.platform.call import Call, Endpoint, PlatformError
from handlers.sandbox.records import Handset, MassJob

if TYPE_CHECKING:
    from handlers.sandbox.markup import Value

PER_MONTH = 4
REPEAT_SECONDS = 86400.0
MIN_OPENIDS, MAX_OPENIDS = 2, 10_000
MAX_CLIENT_ID_BYTES = 64
MAX_TEXT_BYTES = 2048
MSG_DATA_ID = 2_000_000_000
SUCCESS = "send success"
# ``sending`` is ours: the job stays under way and no report comes.
SENDING = "sending"
FATE = re.compile(rf"{SUCCESS}|send fail|{SENDING}|err\([0-9]{{5}}\)")
STATUSES = {SUCCESS: "SEND_SUCCESS", SENDING: "SENDING"}


def _bubble(call: Call) -> Bubble:
    """What the phones will show; 40008, 40007 or 45002 for content the platform refuses."""
    kind = call.text("msgtype", 40008)
    if kind == "text":
        content = call.part("text").get("content")
        if not isinstance(content, str) or not content:
            raise PlatformError(44004)
        if len(content.encode()) > MAX_TEXT_BYTES:
            raise PlatformError(45002)
        return Bubble("them", "text", content, 0.0)
    if kind == "mpnews":
        draft = call.network.world.fact("drafts", {}).get(str(call.part("mpnews").get("media_id")))
        if draft is None:
            raise PlatformError(40007)
        first = draft[0]
        url = str(first.get("content_source_url") or "")
        return Bubble("them", "news", str(first.get("digest") or ""), 0.0, title=str(first["title"]), url=url)
    if kind in {"image", "images"}:
        media_ids = call.part("images", 40007).get("media_ids")
        address = call.network.picture_of(str(media_ids[0])) if isinstance(media_ids, list) and media_ids else None
        if address is None:
            raise PlatformError(40007)
        return Bubble("them", "image", "[图片]", 0.0, picture=address)
    raise PlatformError(40008)


def _client_id(call: Call) -> str:
    """The caller's clientmsgid, or a digest of audience and content as the platform makes it."""
    given = call.body.get("clientmsgid")
    if given is not None and (not isinstance(given, str) or len(given.encode()) > MAX_CLIENT_ID_BYTES):
        raise PlatformError(45067, "clientmsgid size out of limit")
    ordered = json.dumps(call.body, sort_keys=True, ensure_ascii=False)
    return given or "digest " + hashlib.sha256(ordered.encode()).hexdigest()


def _refuse_repetition(call: Call, client_id: str) -> None:
    since = call.network.clock() - REPEAT_SECONDS
    for job in call.network.world.all(MassJob):
        if job.client_id == client_id and job.at > since:
            raise PlatformError(45065, extra={"msg_id": int(job.msg_id), "msg_data_id": MSG_DATA_ID + int(job.msg_id)})


def _start(call: Call, openids: Iterable[str]) -> Mapping[str, Any]:
    """Send to these openids, note the job, and report it by MASSSENDJOBFINISH."""
    bubble, client_id = _bubble(call), _client_id(call)
    network, listed = call.network, list(dict.fromkeys(openids))
    fate = network.fates.mass
    month = time.strftime("%Y-%m", time.localtime(network.clock()))
    with network.world.change():
        _refuse_repetition(call, client_id)
        found = (network.world.by_openid(openid) for openid in listed)
        targets = [each for each in found if each is not None and each.following]
        arrives = fate in STATUSES
        willing = [each for each in targets if arrives and each.mass_received.get(month, 0) < PER_MONTH]
        for each in willing:
            each.mass_received[month] = each.mass_received.get(month, 0) + 1
            network.world.keep(each)
            network.show(each, bubble)
        number = 3_147_483_000 + network.world.next_number("mass")
        kind = str(call.body["msgtype"])
        status = STATUSES.get(fate, "SEND_FAIL")
        network.world.keep(MassJob(str(number), client_id, network.clock(), kind, status, listed))
    counts = {"TotalCount": len(listed), "FilterCount": len(targets), "SentCount": len(willing)}
    if fate != SENDING:
        _report(call, number, {"Status": fate, **counts, "ErrorCount": len(targets) - len(willing)})
    return {"errmsg": "send job submission success", "msg_id": number, "msg_data_id": MSG_DATA_ID + number}


def _report(call: Call, number: int, outcome: Mapping[str, str | int]) -> None:
    # FromUserName of this event varies on the real platform; nobody may rely on it (wechat.md B5).
    fields: dict[str, Value] = {
        "ToUserName": call.network.account.original_id,
        "FromUserName": "oR5Gjjl_eiZoUpGozMo7dbBJ362A",
        "CreateTime": int(call.network.clock()),
        "MsgType": "event",
        "Event": "MASSSENDJOBFINISH",
        "MsgID": number,
        **outcome,
        "CopyrightCheckResult": {"Count": 0, "ResultList": "", "CheckState": 2},
        "ArticleUrlResult": {"Count": 0, "ResultList": ""},
    }
    call.network.reports.tell(fields)


def send_all(call: Call) -> Mapping[str, Any]:
    """``message/mass/sendall``: to everybody or to one tag."""
    target = call.part("filter")
    followers = [each for each in call.network.world.all(Handset) if each.following]
    if target.get("is_to_all") is True:
        return _start(call, (each.openid for each in followers))
    tag_id = target.get("tag_id")
    tags = call.network.world.fact("tags", {})
    if str(tag_id) not in tags:
        raise PlatformError(40050)
    return _start(call, (each.openid for each in followers if int(str(tag_id)) in each.tags))


def send(call: Call) -> Mapping[str, Any]:
    """``message/mass/send``: to 2 … 10,000 openids."""
    openids = call.body.get("touser")
    if not isinstance(openids, list) or not MIN_OPENIDS <= len(openids) <= MAX_OPENIDS:
        raise PlatformError(40032)
    return _start(call, (str(openid) for openid in openids))


def preview(call: Call) -> Mapping[str, Any]:
    """``message/mass/preview``: one copy to one phone at once, outside every quota; towxname is the phone's name."""
    wanted = call.body.get("towxname")
    handset = call.network.world.find(Handset, str(wanted)) if wanted else call.follower(call.body.get("touser"))
    if handset is None or not handset.following:
        raise PlatformError(40132, "invalid username")
    call.network.show(handset, _bubble(call))
    return {"errmsg": "preview success", "msg_id": 34182 + call.network.world.next_number("previews")}


def _job(call: Call) -> MassJob:
    job = call.network.world.find(MassJob, str(call.body.get("msg_id")))
    if job is None:
        raise PlatformError(40059, "invalid msg id")
    return job


def get(call: Call) -> Mapping[str, Any]:
    """``message/mass/get``: how far the job is."""
    job = _job(call)
    return {"msg_id": int(job.msg_id), "msg_status": job.status}


def delete(call: Call) -> Mapping[str, Any]:
    """``message/mass/delete``: takes back articles only; texts cannot be taken back."""
    job = _job(call)
    if job.kind != "mpnews":
        raise PlatformError(40004)
    job.status = "DELETE"
    call.network.world.keep(job)
    return {}


ENDPOINTS = {
    "message/mass/sendall": Endpoint("POST", send_all),
    "message/mass/send": Endpoint("POST", send),
    "message/mass/preview": Endpoint("POST", preview),
    "message/mass/get": Endpoint("POST", get),
    "message/mass/delete": Endpoint("POST", delete),
}
