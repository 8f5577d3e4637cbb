import threading
import time

import pytest

from storage.breaker import LEASE, MOMENT, Breaker
from storage.faults import AwayError
from storage.patience import Patience


def test_a_database_that_works_lets_everybody_in() -> None:
    breaker = Breaker()
    for _ in range(3):
        breaker.admit()
        breaker.worked()


def test_one_caller_at_a_time_asks_a_database_that_is_away_and_the_others_hear_so_soon() -> None:
    breaker = Breaker()
    breaker.failed()
    breaker.admit()
    began = time.monotonic()
    with pytest.raises(AwayError):
        breaker.admit()
    assert MOMENT * 0.9 < time.monotonic() - began < MOMENT * 2


def test_who_has_no_time_left_waits_for_nobody() -> None:
    breaker = Breaker()
    breaker.failed()
    breaker.admit()
    began = time.monotonic()
    with Patience(0), pytest.raises(AwayError):
        breaker.admit()
    assert time.monotonic() - began < MOMENT / 2


@pytest.mark.parametrize("answer", ["worked", "failed"])
def test_who_waits_is_let_in_when_the_one_who_asks_hears_something(answer: str) -> None:
    breaker = Breaker()
    breaker.failed()
    breaker.admit()
    let_in = threading.Event()

    def wait() -> None:
        breaker.admit()
        let_in.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    assert not let_in.is_set()
    getattr(breaker, answer)()
    waiting.join()
    assert let_in.is_set()


def test_another_may_ask_when_the_first_is_not_heard_of_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = Breaker()
    breaker.failed()
    breaker.admit()
    real = time.monotonic
    monkeypatch.setattr("storage.breaker.monotonic", lambda: real() + LEASE)
    breaker.admit()
    with pytest.raises(AwayError):
        breaker.admit()


def test_fifty_callers_of_a_database_that_refuses_at_once_are_all_told_quickly() -> None:
    breaker, told = Breaker(), []
    breaker.failed()

    def ask() -> None:
        try:
            breaker.admit()
        except AwayError:
            pass
        else:
            time.sleep(0.001)
            breaker.failed()
        told.append(True)

    began = time.monotonic()
    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 50
    assert time.monotonic() - began < MOMENT * 3
