import threading
import time

import pytest

from handlers.watching.inquiry import Inquiry, NoAnswerError


def soon(seconds: float = 0.05) -> float:
    return time.monotonic() + seconds


def test_the_answer_comes_from_a_thread_of_its_own_and_so_does_what_went_wrong() -> None:
    assert Inquiry(lambda: threading.current_thread().name, "asker").ask().answer(soon(5)) == "asker"

    def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        Inquiry(fail, "asker").ask().answer(soon(5))


def test_all_who_ask_at_the_same_time_share_one_question() -> None:
    asked, go = [], threading.Event()

    def ask() -> int:
        asked.append(1)
        go.wait(5)
        return len(asked)

    inquiry = Inquiry(ask, "asker")
    questions = [inquiry.ask() for _ in range(50)]
    go.set()
    assert {question.answer(soon(5)) for question in questions} == {1}
    assert inquiry.ask().answer(soon(5)) == 2, "later ones ask anew"


def test_what_never_answers_keeps_nobody_waiting_and_piles_up_no_threads() -> None:
    go = threading.Event()
    inquiry = Inquiry(lambda: go.wait(30), "stuck", give_up=0.01, most=3)
    for _ in range(20):
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            inquiry.ask().answer(soon(0.02))
        assert time.monotonic() - began < 1
    assert sum(thread.name == "stuck" for thread in threading.enumerate()) == 3
    go.set()


def test_a_connection_that_never_answers_does_not_hide_a_new_one_that_would() -> None:
    go, asked = threading.Event(), []

    def ask() -> str:
        asked.append(1)
        if len(asked) == 1:
            go.wait(30)
        return "here"

    inquiry = Inquiry(ask, "asker", give_up=0.02)
    with pytest.raises(NoAnswerError):
        inquiry.ask().answer(soon(0.03))
    assert inquiry.ask().answer(soon(5)) == "here"
    go.set()
