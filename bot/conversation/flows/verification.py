"""The verification flow (核验授权, N13, N14): choose, get a number; extend, close early, issue anew."""

from datetime import date

from bot.conversation.effects import Authorise, Close, Effect, Extend
from bot.conversation.facts import Facts
from bot.conversation.flow import BOARD, Bad, Flow, Kept, Ok, Step
from bot.conversation.options import always, meanings, pick
from bot.conversation.understanding import choose, read_day
from bot.registration.verification import State, Subject

SUBJECTS = {"archive": Subject.ARCHIVE, "household": Subject.HOUSEHOLD}
PERIODS = ("week", "month", "longest")

_SUBJECT_OPTIONS = always(*SUBJECTS)
_SURE_OPTIONS = always("yes", "no")


def _subject_given(_kept: Kept, facts: Facts) -> Ok | None:
    return None if facts.own.household.moved else Ok("archive", "archive")


def _actions(kept: Kept, facts: Facts) -> tuple[str, ...]:
    latest = facts.own.verification_of(SUBJECTS[kept["subject"]])
    state = facts.own.state_of(latest, facts.now) if latest else None
    if state is State.IN_FORCE:
        return ("extend", "close", "reissue")
    return ("extend", "reissue") if state is State.EXPIRED else ()


def _action(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    options = _actions(kept, facts)
    hit = choose(text, options, meanings("verification.action", options))
    return Ok(hit, hit) if hit else Bad("unclear.choose")


def _action_given(kept: Kept, facts: Facts) -> Ok | None:
    return None if _actions(kept, facts) else Ok("issue", "issue")


def period_end(option: str, facts: Facts) -> date:
    """Return the last day of a suggested period (N13), never after the last day possible."""
    last = facts.own.last_verification_day(facts.season)
    day = {"week": "一周", "month": "一个月"}.get(option)
    return min(last, read_day(day, facts.today) or last) if day else last


def _period(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    hit = choose(text, PERIODS, meanings("verification.period", PERIODS))
    day = period_end(hit, facts) if hit else read_day(text, facts.today)
    if day is None:
        return Bad("verification.period.bad")
    if day < facts.today:
        return Bad("period.past")
    if day > facts.own.last_verification_day(facts.season):
        return Bad("period.too_late")
    latest = facts.own.verification_of(SUBJECTS[kept["subject"]])
    if kept.get("action") == "extend" and latest and day <= latest.last_day:
        return Bad("period.not_longer")
    return Ok(day.isoformat(), "extended" if kept.get("action") == "extend" else "issued")


def _authorise(kept: Kept, _facts: Facts) -> Effect:
    return Authorise(SUBJECTS[kept["subject"]], date.fromisoformat(kept["period"]))


def _extend(kept: Kept, _facts: Facts) -> Effect:
    return Extend(SUBJECTS[kept["subject"]], date.fromisoformat(kept["period"]))


FLOW = Flow(
    "verification",
    (
        Step(
            "subject",
            {"archive": "action", "household": "action"},
            pick("verification.subject", _SUBJECT_OPTIONS),
            samples=("1", "户口"),
            options=_SUBJECT_OPTIONS,
            given=_subject_given,
        ),
        Step(
            "action",
            {"issue": "period", "extend": "period", "reissue": "period", "close": "close_sure"},
            _action,
            samples=("延长", "提前关闭", "重新生成"),
            options=_actions,
            given=_action_given,
        ),
        Step(
            "period",
            {"issued": BOARD, "extended": BOARD},
            _period,
            samples=("1", "一个月", "最长"),
            options=always(*PERIODS),
            effects={"issued": _authorise, "extended": _extend},
        ),
        Step(
            "close_sure",
            {"yes": BOARD, "no": BOARD},
            pick("verification.close_sure", _SURE_OPTIONS, whole=True),
            samples=("1", "2"),
            options=_SURE_OPTIONS,
            effects={"yes": lambda kept, _facts: Close(SUBJECTS[kept["subject"]])},
        ),
    ),
)
