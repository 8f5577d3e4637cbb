"""Quotas (调用额度): what is left of a path's calls today, and the ten resets a month."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from handlers.sandbox.platform.call import Call, Endpoint, PlatformError

CLEARS_PER_MONTH = 10
PREFIX = "/cgi-bin/"


def clear(call: Call) -> Mapping[str, Any]:
    """``clear_quota`` and ``clear_quota/v2``: every path's calls of today are forgotten, ten times a month."""
    if call.body.get("appid") != call.network.account.app_id:
        raise PlatformError(40013)
    month = time.strftime("%Y-%m", time.localtime(call.network.clock()))
    with call.network.world.change():
        used = call.network.world.fact("clears", {}).get(month, 0)
        if used >= CLEARS_PER_MONTH:
            raise PlatformError(48006)
        call.network.world.set_fact("clears", {month: used + 1})
    call.network.limits.clear_quota()
    return {}


def clear_by_secret(call: Call) -> Mapping[str, Any]:
    """``clear_quota/v2``: works without a token."""
    given = str(call.body.get("appsecret", "")).encode()
    if not secrets.compare_digest(given, call.network.account.app_secret.encode()):
        raise PlatformError(40125)
    return clear(call)


def get(call: Call) -> Mapping[str, Any]:
    """``openapi/quota/get``: a path's calls of today, allowed, made and left."""
    path = call.text("cgi_path", 76021)
    if not path.startswith(PREFIX):
        raise PlatformError(76021)
    daily, used = call.network.limits.quota(path.removeprefix(PREFIX))
    quota = {"daily_limit": daily, "used": used, "remain": max(0, daily - used)}
    return {"errcode": 0, "errmsg": "ok", "quota": quota}


ENDPOINTS = {
    "clear_quota": Endpoint("POST", clear),
    "clear_quota/v2": Endpoint("POST", clear_by_secret, wants_token=False),
    "openapi/quota/get": Endpoint("POST", get),
}
