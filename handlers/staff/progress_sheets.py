"""The numbers of progress as sheets (进度表格): what the page shows, all of it, and nothing about any one person."""

from collections.abc import Sequence

from bot.registration.stage import Stage
from bot.staff.roll import FUNNEL, By, Group, Progress, Step
from handlers.staff.exports import Cell, Sheet
from handlers.staff.progress_look import Seen


def sheets_of(seen: Seen) -> list[Sheet]:
    """Return the sheets of a page of progress (工作表): the parts, the funnel, the days."""
    return [_table_sheet(seen), _funnel_sheet(seen), _days_sheet(seen)]


def _heads(steps: Sequence[Step]) -> list[str]:
    return [head for step in steps for head in (step.label, f"{step.label}率")]


def _numbers(progress: Progress, steps: Sequence[Step]) -> list[Cell]:
    return [value for step in steps for value in (progress.reached(step.stage), round(progress.share(step.stage), 4))]


def _table_sheet(seen: Seen) -> Sheet:
    names = {
        By.COLLEGE: ("学院",),
        By.MAJOR: ("学院", "专业"),
        By.CLASS: ("学院", "专业", "班级"),
        By.COUNSELLOR: ("辅导员", "辅导员工号"),
    }[seen.by]
    steps = FUNNEL[1:]
    stuck = [f"停在：{stage.value}" for stage in Stage]
    rows: list[list[Cell]] = [
        [*_named(group, seen.by), group.progress.total, *_numbers(group.progress, steps), *group.progress.counts]
        for group in seen.groups
    ]
    padding = [""] * (len(names) - 1)
    rows.append(["合计", *padding, seen.total.total, *_numbers(seen.total, steps), *seen.total.counts])
    return Sheet(f"按{seen.by.value}", [*names, "人数", *_heads(steps), *stuck], rows)


def _named(group: Group, by: By) -> tuple[str, ...]:
    if by is By.COUNSELLOR:
        return (group.counsellor_name, group.counsellor)
    return (group.college, group.major, group.class_name)[: 1 + list(By).index(by)]


def _funnel_sheet(seen: Seen) -> Sheet:
    rows: list[list[Cell]] = [
        [step.label, seen.total.reached(step.stage), round(seen.total.share(step.stage), 4)] for step in FUNNEL
    ]
    return Sheet("漏斗", ["步骤", "达到人数", "比例"], rows)


def _days_sheet(seen: Seen) -> Sheet:
    steps = FUNNEL[1:]
    rows: list[list[Cell]] = [[f"{day.day}", day.progress.total, *_numbers(day.progress, steps)] for day in seen.days]
    return Sheet("趋势", ["日期", "人数", *_heads(steps)], rows)
