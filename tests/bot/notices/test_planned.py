"""Planned notices: one a day at most, the most urgent; texts that can be sent, with the variables of their kind."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from bot.conversation.texts import texts
from bot.errors import BadValueError
from bot.notices.parcel import LONGEST_TITLE
from bot.notices.planned import OF_VERIFICATION, Planned, PlannedNotice, checked_notice, default, due, variables_of
from bot.notices.variables import VARIABLES, Reading, filled, used
from bot.registration.season import SHANGHAI
from tests.bot.people import SEASON

DAY = timedelta(days=1)
ALL = [default(SEASON.id, kind) for kind in Planned]
LAST = SEASON.closes


def kind_of(notice: PlannedNotice | None) -> Planned | None:
    return notice.kind if notice else None


@pytest.mark.parametrize("kind", list(Planned))
def test_the_default_is_on_and_can_be_sent(kind: Planned) -> None:
    usual = default(SEASON.id, kind)
    assert checked_notice(usual) == usual
    assert (usual.is_on, usual.version) == (True, 0)
    assert len(usual.title) <= LONGEST_TITLE
    assert set(used(usual.text)) <= set(variables_of(kind))


def test_every_kind_has_its_words_and_no_words_are_without_a_kind() -> None:
    keys = {key for key in texts() if key.startswith("planned.")}
    assert keys == {f"planned.{kind.name}.{part}" for kind in Planned for part in ("title", "text")}


def test_each_notice_goes_out_on_its_day() -> None:
    days = {LAST - 10 * DAY + n * DAY: kind_of(due(ALL, SEASON, LAST - 10 * DAY + n * DAY)) for n in range(20)}
    assert {day: kind for day, kind in days.items() if kind} == {
        SEASON.opens: Planned.WINDOW_OPENS,
        LAST - 2 * DAY: Planned.THREE_DAYS_LEFT,
        LAST: Planned.LAST_DAY,
    }


def test_three_days_left_says_three() -> None:
    notice = default(SEASON.id, Planned.THREE_DAYS_LEFT)
    words = filled(notice.text, Reading(SEASON, LAST - 2 * DAY, LAST))
    assert "还剩 3 天" in words


def test_in_a_short_window_only_the_most_urgent_goes_out() -> None:
    one_day = replace(SEASON, opens=LAST)
    assert kind_of(due(ALL, one_day, LAST)) is Planned.LAST_DAY
    three_days = replace(SEASON, opens=LAST - 2 * DAY)
    assert kind_of(due(ALL, three_days, LAST - 2 * DAY)) is Planned.THREE_DAYS_LEFT
    assert due(ALL, one_day, LAST - 2 * DAY) is None, "nothing before the window opens"


def test_what_is_off_makes_room_for_the_next() -> None:
    one_day = replace(SEASON, opens=LAST)
    quiet = [replace(notice, is_on=notice.kind is not Planned.LAST_DAY) for notice in ALL]
    assert kind_of(due(quiet, one_day, LAST)) is Planned.WINDOW_OPENS
    assert due([replace(notice, is_on=False) for notice in ALL], one_day, LAST) is None


def test_a_notice_about_a_verification_has_variables_of_its_own() -> None:
    ends = replace(
        default(SEASON.id, Planned.VERIFICATION_ENDS), text=" {姓名}的{核验项目}：{核验编号}，{有效期至}\r\n"
    )
    assert checked_notice(ends).text == "{姓名}的{核验项目}：{核验编号}，{有效期至}"
    opens = replace(default(SEASON.id, Planned.WINDOW_OPENS), text="{姓名}的{核验编号}")
    with pytest.raises(BadValueError, match=r"没有 \{核验编号\} 这个变量"):
        checked_notice(opens)


def test_staff_read_which_variables_a_kind_has_and_which_day_is_meant() -> None:
    for kind in Planned:
        assert set(VARIABLES) <= set(variables_of(kind))
    assert set(variables_of(Planned.VERIFICATION_ENDS)) - set(VARIABLES) == set(OF_VERIFICATION)
    assert variables_of(Planned.LAST_DAY)["截止日期"] == "确认的最后一天"
    assert variables_of(Planned.VERIFICATION_ENDS)["截止日期"] == "这份核验的最后一天"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"title": ""}, "请填写标题"),
        ({"title": "标" * 21}, "标题最多 20 个字"),
        ({"title": "{姓名}"}, "标题里不能用变量"),
        ({"text": "  "}, "请填写正文"),
        ({"text": "{名字}"}, "没有 {名字} 这个变量"),
        ({"text": "{核验项目"}, "大括号要成对使用"),
        ({"text": "字" * 501}, "正文太长"),
    ],
)
def test_words_that_cannot_be_sent_are_refused_with_what_to_mend(parts: dict[str, str], said: str) -> None:
    notice = replace(default(SEASON.id, Planned.VERIFICATION_ENDS), **parts)  # type: ignore[arg-type]  # texts
    with pytest.raises(BadValueError) as refused:
        checked_notice(notice)
    assert said in str(refused.value)


def test_the_days_are_those_of_the_season() -> None:
    assert Planned.VERIFICATION_ENDS.day(SEASON) is None
    assert Planned.THREE_DAYS_LEFT.day(SEASON) == date(2023, 7, 1)
    assert datetime(2023, 7, 1, tzinfo=SHANGHAI).date() == LAST - 2 * DAY
