"""Access tokens (access_token): the old endpoint, where each fetch ends the token before, and the stable one."""

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

from handlers.sandbox.network import Network
from handlers.sandbox.platform.call import Call, Endpoint, PlatformError

LIFE = 7200
OVERLAP = 300  # both tokens are valid for five minutes during a change
FORCE_PAUSE = 30
FORCE_PER_DAY = 20
DAY = 86400
TOKEN_BYTES = 102  # gives 136 characters, the length of a real token


def check(network: Network, token: str) -> None:
    """Refuse a token that is missing (41001), unknown or replaced (40001), or over its time (42001)."""
    if not token:
        raise PlatformError(41001)
    for row in network.world.fact("tokens", []):
        if hmac.compare_digest(str(row["token"]).encode(), token.encode()):
            if row["until"] < network.clock():
                raise PlatformError(42001)
            return
    raise PlatformError(40001)


def forget(network: Network) -> None:
    """Make every token worthless at once, as another program's fetch or a reset secret would."""
    network.world.set_fact("tokens", [])


def state(network: Network) -> list[dict[str, Any]]:
    """Kind and rest of life of every token, for the panel."""
    now = network.clock()
    rows = network.world.fact("tokens", [])
    return [{"kind": row["kind"], "seconds": int(row["until"] - now)} for row in rows if row["until"] > now]


def _check_credentials(network: Network, given: Mapping[str, Any]) -> None:
    if given.get("grant_type") != "client_credential":
        raise PlatformError(40002)
    if given.get("appid") != network.account.app_id:
        raise PlatformError(40013)
    if not hmac.compare_digest(str(given.get("secret", "")).encode(), network.account.app_secret.encode()):
        raise PlatformError(40125)


def _issue(network: Network, kind: str) -> Mapping[str, Any]:
    """A new token of this kind; the older ones of the same kind live on for the overlap only."""
    now = network.clock()
    rows = [row for row in network.world.fact("tokens", []) if row["until"] > now - DAY]
    for row in rows:
        if row["kind"] == kind:
            row["until"] = min(row["until"], now + OVERLAP)
    number = f"{int(time.time()) % 97:02d}"
    token = f"{number}_{secrets.token_urlsafe(TOKEN_BYTES)}"
    rows.append({"kind": kind, "token": token, "until": now + LIFE})
    network.world.set_fact("tokens", rows)
    return {"access_token": token, "expires_in": LIFE}


def token(call: Call) -> Mapping[str, Any]:
    """``GET token``: always a new token."""
    _check_credentials(call.network, call.query)
    with call.network.world.change():
        return _issue(call.network, "token")


def _may_force(network: Network) -> bool:
    """Note a forced refresh; False when it comes within 30 s of the last and is to be ignored."""
    now = network.clock()
    times = [at for at in network.world.fact("forced", []) if at > now - DAY]
    if times and now - times[-1] < FORCE_PAUSE:
        return False
    if len(times) >= FORCE_PER_DAY:
        raise PlatformError(45009)
    network.world.set_fact("forced", [*times, now])
    return True


def stable_token(call: Call) -> Mapping[str, Any]:
    """``POST stable_token``: the same token while it has five minutes left, unless ``force_refresh``."""
    _check_credentials(call.network, call.body)
    network = call.network
    with network.world.change():
        forced = call.body.get("force_refresh") is True and _may_force(network)
        rows = [row for row in network.world.fact("tokens", []) if row["kind"] == "stable"]
        rest = int(rows[-1]["until"] - network.clock()) if rows else 0
        if rest >= OVERLAP and not forced:
            return {"access_token": rows[-1]["token"], "expires_in": rest}
        return _issue(network, "stable")


ENDPOINTS = {
    "token": Endpoint("GET", token, wants_token=False),
    "stable_token": Endpoint("POST", stable_token, wants_token=False),
}
