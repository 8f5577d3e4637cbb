"""The platform pushes again, late, twice, or never hears the answer: the same answer, and nothing happens twice."""

import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.conversation.texts import texts
from tests.journeys.people import Person, is_said
from tests.journeys.stage import Stage

Raise = Callable[..., AbstractContextManager[Stage]]


def numbers(stage: Stage) -> list[str]:
    """Return all verification numbers there are."""
    with stage.installation.engine.connect() as connection:
        return list(connection.scalars(text("SELECT number FROM verification")))


def ready(stage: Stage) -> Person:
    """A graduate who only has to say for how long."""
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms("verification.period.ask")
    return graduate


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_push_repeated_gets_the_same_bytes_and_changes_nothing(raise_stage: Raise, mode: str) -> None:
    with raise_stage(mode=mode) as stage:
        graduate = ready(stage)
        graduate.authorises("一周")
        before, found = snapshot(stage), numbers(stage)
        assert len(found) == 1
        for push in stage.sandbox.pushes[-5:]:
            again = graduate.phone.push(push.fields)
            assert again.reply == push.reply
            assert plain_part(again.body, mode) == plain_part(push.body, mode)
        assert snapshot(stage) == before
        assert numbers(stage) == found


def plain_part(body: bytes, mode: str) -> bytes:
    """Everything of an answer that is not bound to the signature of one delivery."""
    if mode == "plain":
        return body
    return re.sub(rb"<(MsgSignature|TimeStamp|Nonce)>.*?</\1>", b"", body)


def snapshot(stage: Stage) -> list[str]:
    """Return everything in the database as text."""
    with sqlite3.connect(stage.folder / "quxiang.sqlite3") as connection:
        dump = list(connection.iterdump())
    connection.close()
    return dump


def test_a_duplicate_that_arrives_at_the_same_moment_changes_nothing(stage: Stage) -> None:
    graduate = ready(stage)
    stage.sandbox.inject("duplicate", times=1)
    graduate.authorises("一周")
    end = time.monotonic() + 5
    while not any(push.attempt == 0 for push in stage.sandbox.pushes) and time.monotonic() < end:
        time.sleep(0.02)
    copy, original = sorted(stage.sandbox.pushes[-2:], key=lambda push: push.attempt)
    assert copy.reply == original.reply
    assert len(numbers(stage)) == 1


@pytest.mark.parametrize("fault", ["delay", "drop"])
def test_two_lost_answers_are_pushed_again_and_the_third_shows_no_fault_banner(raise_stage: Raise, fault: str) -> None:
    with raise_stage(reply_limit=0.5) as stage:
        graduate = ready(stage)
        stage.sandbox.inject(fault, times=2, seconds=1.0)
        graduate.authorises("一周")
        assert [push.attempt for push in stage.sandbox.pushes][-3:] == [1, 2, 3]
        assert len(numbers(stage)) == 1
        assert not any("故障" in words for words in graduate.heard)


def test_three_lost_answers_show_the_banner_and_the_next_message_goes_on(raise_stage: Raise) -> None:
    with raise_stage(reply_limit=0.3) as stage:
        graduate = ready(stage)
        stage.sandbox.inject("drop", times=3)
        graduate.says("一周", "该公众号提供的服务出现故障")
        graduate.says("进度", numbers(stage)[0])
        assert len(numbers(stage)) == 1


def test_a_crash_in_our_code_gives_a_sentence_with_a_reference_and_the_next_try_goes_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    graduate = ready(stage)
    rename(stage, "verification", "hidden")
    answer = graduate.says("一周", "error.apology")
    reference = re.search(r"[0-9a-f]{8}", answer)
    assert reference
    assert any(reference[0] in record.getMessage() for record in caplog.records), "operators find it in the log"
    rename(stage, "hidden", "verification")
    graduate.authorises("一周")
    assert len(numbers(stage)) == 1


def rename(stage: Stage, old: str, new: str) -> None:
    """Break the database, or mend it."""
    with stage.installation.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_a_database_that_is_busy_for_long_gets_a_polite_sentence_in_time(stage: Stage) -> None:
    graduate = ready(stage)
    held, released = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold, args=(stage.folder / "quxiang.sqlite3", held, released))
    holder.start()
    try:
        assert held.wait(30)
        answer = graduate.says("一周", not_="核验编号")
    finally:
        released.set()
        holder.join()
    assert is_said("error.apology", answer) or is_said("error.busy", answer)
    assert stage.sandbox.pushes[-1].seconds < 4.5
    graduate.authorises("一周")


def hold(path: Path, held: threading.Event, released: threading.Event) -> None:
    connection = sqlite3.connect(path, isolation_level=None, timeout=20)
    connection.execute("BEGIN IMMEDIATE")
    held.set()
    released.wait(20)
    connection.execute("ROLLBACK")
    connection.close()


def test_messages_that_are_not_text_get_a_sentence_and_the_question_again(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.follows()
    phone = graduate.phone
    acts = {
        "image": phone.send_image,
        "voice": phone.send_voice,
        "video": phone.send_video,
        "location": phone.send_location,
        "link": phone.send_link,
    }
    for kind, act in acts.items():
        bubble = act()
        assert bubble
        assert is_said(f"only_text.{kind}", bubble.plain)
        assert is_said("login.student_number.ask", bubble.plain)


@pytest.mark.parametrize("said", ["]]>", "<a href='weixin://x'>点我</a>", "𠮷😀\u202e", "&amp;<xml>", "继" * 600])
def test_any_text_gets_an_answer_that_wechat_accepts(stage: Stage, said: str) -> None:
    graduate = stage.graduate("专业录错")
    graduate.logs_in()
    graduate.taps("personal.check.choices.wrong")
    graduate.says("其他", "correction.right.ask")
    graduate.says(said)
    assert texts()["error.apology"][:6] not in graduate.hears
    assert {push.outcome for push in stage.sandbox.pushes} == {"answer"}
