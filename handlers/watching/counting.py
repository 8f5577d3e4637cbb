"""Counting (计数): requests by endpoint and status, and how long they and the turns of the chat take.

Endpoints are names of our own functions; a path is never a label, for it may hold a token, and would be a new one each
time.
"""

from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Final, ParamSpec, TypeVar

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

_FINE: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.5)
"""Seconds; the platform waits for five."""

_COARSE: Final = (0.01, 0.05, 0.25, 1.0, 4.5)

REQUESTS = Counter("quxiang_http_requests", "Answered requests.", ["endpoint", "status"])
SECONDS = Histogram("quxiang_http_request_seconds", "Seconds a request took.", ["endpoint"], buckets=_COARSE)
TURNS = Histogram(
    "quxiang_turn_seconds", "Seconds a message of the chat took, all its waiting included.", buckets=_FINE
)

# Finding a counter by its labels costs as much as counting; there are only so many.
_requests, _seconds = cache(REQUESTS.labels), cache(SECONDS.labels)

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def count_requests(app: Flask) -> None:
    """Count every request of the application (请求计数); call it before anything else is registered."""

    @app.before_request
    def begin() -> None:
        g.began = perf_counter()

    @app.after_request
    def end(answer: Response) -> Response:
        count_request(request.endpoint or "none", answer.status_code, perf_counter() - g.began)
        return answer


def count_request(endpoint: str, status: int, seconds: float) -> None:
    """Count one request that was answered (请求计数)."""
    _requests(endpoint, status).inc()
    _seconds(endpoint).observe(seconds)


def timed(receive: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Return the same, with its time taken (计时), also when it fails."""

    def receive_timed(*given: _Given.args, **named: _Given.kwargs) -> _Result:
        began = perf_counter()
        try:
            return receive(*given, **named)
        finally:
            TURNS.observe(perf_counter() - began)

    return receive_timed
