"""The limit of looks (查询频率): how often one address may open public pages; shared over Redis where there is one."""

import logging

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

_LOG = logging.getLogger(__name__)


class Looks:
    """Says whether an address may look now (限流); fits ``handlers.public_pages.Allow``.

    Without Redis each process counts for itself. When Redis is away nobody is kept out: the tokens behind these
    pages cannot be guessed, the limit only spares the server.

    Args:
        per_minute: looks of one address in a minute.
        redis_url: address of Redis, "" for none.
        name: what is counted; each name counts for itself.
    """

    def __init__(self, per_minute: int, redis_url: str = "", name: str = "looks") -> None:
        storage: Storage = RedisStorage(redis_url, socket_timeout=0.5) if redis_url else MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._item = RateLimitItemPerMinute(per_minute)
        self._name = name

    def __call__(self, address: str) -> bool:
        """Count one look of the address and tell whether it may have it."""
        try:
            return self._limiter.hit(self._item, self._name, address)
        except RedisError as error:
            _LOG.warning("limits: redis is away (%s)", type(error).__name__)
            return True
