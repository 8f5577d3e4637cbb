"""WeRoBot's echo with its session in Redis."""

import os

from flask import Flask
from redis import Redis
from werobot.session.redisstorage import RedisStorage

from tests.bench.contenders.werobot_echo import site_with


def app() -> Flask:
    """Make the application; BENCH_REDIS names the server, BENCH_PREFIX what its keys begin with."""
    return site_with(RedisStorage(Redis.from_url(os.environ["BENCH_REDIS"]), prefix=os.environ["BENCH_PREFIX"]))
