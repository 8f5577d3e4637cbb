"""The roll: which days tell about an area, what is kept of a day, and what the funnel says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadValueError
from bot.registration.stage import Stage
from bot.staff.policy import EVERYONE, Scope
from bot.staff.roll import (
    FUNNEL,
    Area,
    Dimension,
    Group,
    Progress,
    Subject,
    Wanted,
    snapshot,
    subject_of,
    total_of,
)

OWN = Scope("T01")
COUNTS = st.builds(Progress, st.tuples(*[st.integers(0, 9) for _ in Stage]))


@pytest.mark.parametrize(
    ("area", "subject"),
    [
        (Area("2023", EVERYONE), Subject(Dimension.TOTAL)),
        (Area("2023", EVERYONE, college="文学院"), Subject(Dimension.COLLEGE, "文学院")),
        (Area("2023", EVERYONE, counsellor="T02"), Subject(Dimension.COUNSELLOR, "T02")),
        (Area("2023", EVERYONE, college="文学院", counsellor="T02"), None),
        (Area("2023", EVERYONE, counsellor=""), None),
        (Area("2023", EVERYONE, college="文学院", major="英语"), None),
        (Area("2023", OWN), Subject(Dimension.COUNSELLOR, "T01")),
        (Area("2023", OWN, counsellor="T01"), Subject(Dimension.COUNSELLOR, "T01")),
        (Area("2023", OWN, counsellor="T02"), None),
        (Area("2023", OWN, college="文学院"), None),
        (Area("2023", Scope("")), None),
    ],
)
def test_a_counsellor_gets_no_days_but_the_own_ones(area: Area, subject: Subject | None) -> None:
    assert subject_of(area) == subject


@given(COUNTS)
def test_the_funnel_never_widens_and_everybody_stands_between_two_steps(progress: Progress) -> None:
    reached = [progress.reached(step.stage) for step in FUNNEL]
    assert reached[0] == progress.total
    assert reached == sorted(reached, reverse=True)
    assert sum(progress.at(stage) for stage in Stage) == progress.total


@given(st.lists(st.tuples(st.sampled_from(["文学院", "理学院"]), COUNTS)))
def test_the_day_holds_the_total_and_every_college(parts: list[tuple[str, Progress]]) -> None:
    kept = snapshot([Group(college=name, progress=progress) for name, progress in parts], [])
    if parts:
        assert kept[Subject(Dimension.TOTAL)] == total_of(progress for _, progress in parts)
    for name in {name for name, _ in parts}:
        mine = total_of(progress for college, progress in parts if college == name)
        assert kept[Subject(Dimension.COLLEGE, name)] == mine


def test_the_day_joins_two_spellings_of_a_counsellor_and_leaves_out_who_has_no_number() -> None:
    one = Progress.of({Stage.VERIFIED: 1})
    groups = [Group(counsellor="T01", counsellor_name=name, progress=one) for name in ("陈静", "陈 静")]
    kept = snapshot([], [*groups, Group(counsellor_name="李卫", progress=one)])
    assert kept == {Subject(Dimension.COUNSELLOR, "T01"): Progress.of({Stage.VERIFIED: 2})}


def test_endless_words_are_refused_without_being_repeated() -> None:
    with pytest.raises(BadValueError) as refused:
        Wanted(Area("2023", EVERYONE), words="王" * 41)
    assert "王" not in str(refused.value)
