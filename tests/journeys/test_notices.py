"""Messages that arrive by themselves (journey, step 12), and what the platform may answer to them."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bot.use_cases.keep_sending import ask_quotas
from handlers.sandbox import DEMO_TEMPLATE_ID
from tests.journeys.people import Person, is_said
from tests.journeys.stage import Stage


def waiting(stage: Stage) -> Person:
    """A graduate whose archive entry waits for review."""
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.submits_archive()
    return graduate


def approvals(graduate: Person) -> int:
    """Count how often the graduate was told of the approval."""
    return sum(is_said("notice.archive_approved", words) for words in graduate.heard)


def test_a_notice_arrives_by_itself_through_the_running_worker(stage: Stage) -> None:
    graduate = waiting(stage)
    worker = stage.installation.worker
    worker.pause = 0.05
    thread = worker.start()
    stage.office("archive", "approve", graduate.number)
    end = time.monotonic() + 10
    while not approvals(graduate) and time.monotonic() < end:
        time.sleep(0.02)
    worker.stop()
    thread.join()
    assert approvals(graduate) == 1


def test_a_token_that_was_forgotten_heals_unnoticed(stage: Stage) -> None:
    graduate = waiting(stage)
    stage.installation.client.token()
    stage.sandbox.forget_tokens()
    stage.office("archive", "approve", graduate.number)
    stage.deliver()
    assert approvals(graduate) == 1


@pytest.mark.parametrize(
    ("fault", "times", "path"),
    [
        ("40001", 2, "message/custom/send"),
        ("-1", 3, "message/custom/send"),
        ("45011", 1, "message/custom/send"),
        ("40164", 1, "stable_token"),
        ("-1", 3, "stable_token"),
    ],
)
def test_a_fault_of_the_platform_delays_the_notice_and_does_not_lose_or_double_it(
    stage: Stage, fault: str, times: int, path: str
) -> None:
    graduate = waiting(stage)
    if path == "stable_token":
        stage.sandbox.forget_tokens()
    stage.sandbox.inject(fault, times=times, path=path)
    stage.office("archive", "approve", graduate.number)
    assert stage.deliver() == 1
    assert approvals(graduate) == 0
    for _ in range(4):
        stage.pause(600)
        stage.deliver()
    assert approvals(graduate) == 1


def test_a_used_up_quota_stops_the_channel_until_midnight_or_until_the_platform_has_more(stage: Stage) -> None:
    graduate = waiting(stage)
    stage.sandbox.inject("45009", path="message/custom/send")
    stage.office("archive", "approve", graduate.number)
    stage.deliver()
    stage.pause(3600)
    stage.deliver()
    assert approvals(graduate) == 0
    worker = stage.installation.worker
    assert ask_quotas(worker.tools.office.work, worker.tools.post, stage.clock()) == 1
    stage.deliver()
    assert approvals(graduate) == 1


@pytest.mark.parametrize("code", ["45015", "45047"])
def test_what_wechat_does_not_take_now_is_shown_with_the_next_answer(stage: Stage, code: str) -> None:
    graduate = waiting(stage)
    stage.sandbox.inject(code)
    stage.office("archive", "approve", graduate.number)
    stage.deliver()
    assert approvals(graduate) == 0
    graduate.says("你好", "notice.archive_approved")
    graduate.says("你好", not_="notice.archive_approved")
    stage.pause(600)
    stage.deliver()
    assert approvals(graduate) == 1


def test_outside_the_48_hours_a_template_message_calls_and_the_notice_waits_in_the_chat(
    raise_stage: Callable[..., AbstractContextManager[Stage]],
) -> None:
    with raise_stage(template=DEMO_TEMPLATE_ID) as stage:
        graduate = waiting(stage)
        stage.sandbox.consent(graduate.phone, DEMO_TEMPLATE_ID)
        stage.sleep_until(2023, 7, 2)
        stage.office("archive", "approve", graduate.number)
        stage.deliver()
        assert approvals(graduate) == 0
        assert graduate.phone.bubbles[-1].kind in {"template", "notice"}
        graduate.says("进度", "notice.archive_approved", "line.title")


def test_who_is_told_of_several_things_is_told_each_once(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms()
    graduate.authorises("一周")
    for unit in ("甲", "乙"):
        stage.office("destination", "set", graduate.number, f"单位名称=示例{unit}有限公司")
    stage.deliver()
    stage.deliver()
    assert sum(is_said("notice.confirm_again", words) for words in graduate.heard) == 1
