"""The limit of looks: each address has its own, Redis shares it, and a Redis that is away keeps nobody out."""

from uuid import uuid4

import pytest
from redis import Redis
from redis.exceptions import RedisError

from handlers.looks import Looks
from tests.conftest import SERVERS, skip_or_fail


@pytest.fixture
def redis_url() -> str:
    """Redis, if it is there."""
    url = SERVERS["redis"]
    try:
        with Redis.from_url(url, socket_connect_timeout=0.5) as client:
            client.ping()
    except RedisError as error:
        skip_or_fail("redis", type(error).__name__)
    return url


def address() -> str:
    """Return an address nobody has looked from."""
    return f"2001:db8::{uuid4().hex[:4]}:{uuid4().hex[:4]}"


def test_an_address_has_its_looks_and_another_has_its_own() -> None:
    looks, one = Looks(3), address()
    assert [looks(one) for _ in range(4)] == [True, True, True, False]
    assert looks(address())


@pytest.mark.redis
def test_processes_share_their_looks_over_redis(redis_url: str) -> None:
    one = address()
    assert [Looks(3, redis_url)(one) for _ in range(4)] == [True, True, True, False]


def test_nobody_is_kept_out_while_redis_is_away() -> None:
    looks = Looks(1, "redis://127.0.0.1:1/0")
    assert [looks(address()), looks("203.0.113.7"), looks("203.0.113.7")] == [True, True, True]
