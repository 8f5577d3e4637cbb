"""The outlook of a calendar: what saving would mean is said for every change that touches people, and only then."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.registration.season_outlook import Standing, outlook
from tests.bot.people import SEASON

TODAY = date(2023, 6, 29)
SCHOOL = Standing(4000, 3120, 412, {})


def said(standing: Standing = SCHOOL, **new: Any) -> str:  # noqa: ANN401 -- fields of a season
    return "\n".join(outlook(SEASON, replace(SEASON, **new), standing, TODAY))


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ({"closes": TODAY}, "3,120 人还没确认，窗口提前到今天结束后他们不能再确认"),
        ({"opens": date(2023, 6, 20), "closes": date(2023, 6, 28)}, "保存后他们马上不能再确认"),
        ({"opens": date(2023, 6, 30)}, "要等到 2023 年 6 月 30 日才开放"),
        ({"closes": date(2023, 7, 9)}, "可以一直确认到 2023 年 7 月 9 日"),
        ({"opens": TODAY, "closes": TODAY}, "确认时间只有一天"),
        (
            {"opens": date(2033, 6, 1), "closes": date(2033, 7, 1), "changes_until": date(2033, 7, 2)},
            "请核对年份",
        ),
        ({"cutoff": date(2023, 7, 5)}, "照现在的数据，到截点会有 412 人登记为未就业"),
        ({"cutoff": TODAY}, "系统会把现在没有去向数据的 412 人登记为未就业"),
        ({"cutoff": date(2023, 6, 1)}, "截点在确认开始之前"),
        ({"cutoff": date(2023, 7, 2)}, "截点在确认结束之前"),
        (
            {
                "opens": date(2023, 5, 1),
                "closes": date(2023, 5, 9),
                "changes_until": date(2023, 6, 28),
                "cutoff": date(2023, 6, 1),
            },
            "学校不再受理任何变更",
        ),
        ({"changes_until": date(2025, 8, 31)}, "离确认结束一年以上"),
        ({"verification_months": 12}, "已授权的有效期不变"),
        ({"mail": "new@example.edu.cn"}, "马上在聊天里显示"),
        ({"id": "2024"}, "2023 届的登记和核验保留"),
    ],
)
def test_what_a_change_means_is_said(new: dict[str, Any], sentence: str) -> None:
    assert sentence in said(**new)


def test_a_cut_off_that_was_run_is_told_when_its_day_is_moved_or_taken_again() -> None:
    ran = {SEASON.cutoff: 400, date(2023, 7, 9): 5}
    moved = said(replace(SCHOOL, runs=ran), cutoff=date(2023, 7, 9))
    assert "已经把 400 人登记为未就业，改日期不会撤回" in moved
    assert "2023 年 7 月 9 日的截点已经登记过 5 人，同一天不会再登记一次" in moved


def test_what_is_not_touched_is_not_talked_about() -> None:
    assert said() == ""
    assert said(mail="x@example.edu.cn").count("\n") == 0
    assert "截点" not in said(closes=date(2023, 7, 9))
