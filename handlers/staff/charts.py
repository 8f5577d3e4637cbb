"""The charts (图表) of progress, as numbers for inline SVG: x in per cent of the width, y in pixels of a fixed height.

So a chart is as wide as the page while its words and strokes keep their size on a phone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.registration.season import Season
from bot.staff.roll import CONFIRMED, LOGGED_IN, VERIFIED, Day, Step

TOP, BOTTOM = 34, 214
"""Pixels at 100 % and at 0 %."""
CROWDED, NARROW = 50, 80
"""From where on, in per cent, a word stands left of its line: to leave room for the next one, and for itself."""
LEAD = timedelta(days=14)
"""How much is shown of the time before the window."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the trend (趋势线).

    Attributes:
        name: class of the style sheet: how the line is drawn.
        label: what it counts.
        points: as ``<polyline points>`` takes them.
        x, y: the newest point.
        share, count: the newest value, in per cent and in people.
    """

    name: str
    label: str
    points: str
    x: float
    y: float
    share: str
    count: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A day of the calendar in the chart (标记).

    Attributes:
        x: in per cent.
        label: a word; day: which day.
        anchor: to which side of the line the word stands.
        y: the height of the word.
    """

    x: float
    label: str
    day: date
    anchor: str
    y: int


@dataclass(frozen=True, slots=True)
class Trend:
    """The trend (趋势图).

    Attributes:
        curves, marks: what is drawn.
        window: left edge and width of the confirmation window (确认时间), in per cent.
        first, last: first and last day of the chart.
        days: what the table beneath shows, newest first.
    """

    curves: Sequence[Curve]
    marks: Sequence[Mark]
    window: tuple[float, float]
    first: date
    last: date
    days: Sequence[Day]


CURVES: tuple[tuple[str, Step], ...] = (("in", LOGGED_IN), ("sure", CONFIRMED), ("done", VERIFIED))


def trend(days: Sequence[Day], season: Season) -> Trend | None:
    """Return the chart of some days (趋势图), oldest first, today's last; None where there is nothing to show."""
    days = [day for day in days if day.progress.total and season.opens - LEAD <= day.day <= season.changes_until]
    if not days:
        return None
    first = min(days[0].day, season.opens)
    last = max(days[-1].day, season.closes)
    span = max((last - first).days, 1)

    def place(day: date) -> float:
        return round(min(max((day - first).days / span, 0), 1) * 100, 1)

    curves = [_curve(name, step, days, [place(day.day) for day in days]) for name, step in CURVES]
    opens, closes = place(season.opens), place(season.closes)
    marks = [
        Mark(opens, "开放", season.opens, "end" if opens > CROWDED else "start", 12),
        Mark(closes, "结束", season.closes, "end" if closes > NARROW else "start", 12),
    ]
    if first <= season.cutoff <= last:
        cutoff = place(season.cutoff)
        marks.append(Mark(cutoff, "截点", season.cutoff, "end" if cutoff > CROWDED else "start", 27))
    return Trend(curves, marks, (opens, round(max(closes - opens, 0.6), 1)), first, last, days[::-1])


def _curve(name: str, step: Step, days: Sequence[Day], places: Sequence[float]) -> Curve:
    heights = [round(BOTTOM - day.progress.share(step.stage) * (BOTTOM - TOP), 1) for day in days]
    newest = days[-1].progress
    return Curve(
        name,
        step.label,
        " ".join(f"{x:g},{y:g}" for x, y in zip(places, heights, strict=True)),
        places[-1],
        heights[-1],
        per_cent(newest.share(step.stage)),
        newest.reached(step.stage),
    )


def per_cent(share: float) -> str:
    """Return a share in words (百分比): 100% only if nobody is missing, 0% only if there is nobody."""
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return "99.9%"
    return f"{share:.1%}".replace(".0%", "%")


def width(share: float) -> str:
    """Return the width of a bar (条宽), in per cent: nobody is nothing, somebody can be seen."""
    return f"{max(share * 100, 0.4 if share else 0):.1f}".rstrip("0").rstrip(".")
