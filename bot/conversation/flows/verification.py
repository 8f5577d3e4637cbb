"""The verification flow (核验授权, N13, N14): choose, get a number; extend, close early, issue anew."""

from datetime import date

from bot.conversation.days import read_day, read_span
from bot.conversation.effects import Authorise, Close, Effect, Extend
from bot.conversation.facts import Facts
from bot.conversation.flow import BOARD, Bad, Flow, Kept, Ok, Step
from bot.conversation.options import always, meanings, pick
from bot.conversation.understanding import choose
from bot.registration.verification import State, Subject, Verification

SUBJECTS = {
    "archive": (Subject.ARCHIVE,),
    "household": (Subject.HOUSEHOLD,),
    "both": (Subject.ARCHIVE, Subject.HOUSEHOLD),
}
"""What one answer is about: both at once saves the graduate a second round."""
ACTIONS = ("extend", "close", "reissue")
_SUGGESTED = {"week": "一周", "month": "一个月"}

_SUBJECT_OPTIONS = always(*SUBJECTS)
_SURE_OPTIONS = always("yes", "no")


def _subject_given(_kept: Kept, facts: Facts) -> Ok | None:
    return None if facts.own.household.moved else Ok("archive", "archive")


def asked(kept: Kept, facts: Facts) -> tuple[Verification, ...]:
    """Return the latest verifications of what is asked about, those that there are."""
    latest = (facts.own.verification_of(subject) for subject in SUBJECTS[kept["subject"]])
    return tuple(verification for verification in latest if verification)


def actions(kept: Kept, facts: Facts) -> tuple[str, ...]:
    """Return what can be done with the verifications asked about: with both only what can be done with each."""
    found = [_possible(facts.own.verification_of(subject), facts) for subject in SUBJECTS[kept["subject"]]]
    return tuple(action for action in ACTIONS if all(action in possible for possible in found))


def _possible(latest: Verification | None, facts: Facts) -> tuple[str, ...]:
    state = facts.own.state_of(latest, facts.now) if latest else None
    if latest is None or state not in {State.IN_FORCE, State.EXPIRED}:
        return ()
    is_longest = latest.last_day >= facts.own.last_verification_day(facts.season)
    return (
        *(() if is_longest else ("extend",)),
        *(("close",) if state is State.IN_FORCE else ()),
        "reissue",
    )


def _action(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    options = actions(kept, facts)
    hit = choose(text, options, meanings("verification.action", options))
    return Ok(hit, hit) if hit else Bad("unclear.choose")


def _action_given(kept: Kept, facts: Facts) -> Ok | None:
    return None if actions(kept, facts) else Ok("issue", "issue")


def starts(kept: Kept, facts: Facts) -> date:
    """Return the day a period counts from: today, or for an extension the last day so far (延长一周)."""
    last_days = [latest.last_day for latest in asked(kept, facts)] if kept.get("action") == "extend" else []
    return max(facts.today, *last_days) if last_days else facts.today


def _periods(kept: Kept, facts: Facts) -> tuple[str, ...]:
    """Return the suggested periods (N13) that end before the last day possible, and that last day itself."""
    last, start = facts.own.last_verification_day(facts.season), starts(kept, facts)
    return (*(name for name, words in _SUGGESTED.items() if (read_span(words, start) or last) < last), "longest")


def _period_end(option: str, kept: Kept, facts: Facts) -> date:
    last = facts.own.last_verification_day(facts.season)
    return min(last, read_span(_SUGGESTED.get(option, ""), starts(kept, facts)) or last)


def _period(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    shown = _periods(kept, facts)
    hit = choose(text, shown, meanings("verification.period", shown), whole=True)
    day = _period_end(hit, kept, facts) if hit else _typed_day(text, kept, facts)
    if day is None:
        return Bad("verification.period.bad")
    if day < facts.today:
        return Bad("period.past")
    if day > facts.own.last_verification_day(facts.season):
        return Bad("period.too_late")
    if kept.get("action") == "extend" and all(day <= latest.last_day for latest in asked(kept, facts)):
        return Bad("period.not_longer")
    return Ok(day.isoformat(), {"extend": "extended", "reissue": "reissued"}.get(kept.get("action", ""), "issued"))


def _typed_day(text: str, kept: Kept, facts: Facts) -> date | None:
    return read_span(text, starts(kept, facts)) or read_day(text, facts.today)


def _authorise(kept: Kept, facts: Facts) -> tuple[Effect, ...]:
    """Authorise what was asked; a running verification is given a new number only where that was said."""
    day = date.fromisoformat(kept["period"])
    anew = kept.get("action") == "reissue"
    return tuple(
        Authorise(subject, day)
        for subject in SUBJECTS[kept["subject"]]
        if anew or facts.own.running(subject, facts.now) is None
    )


def _extend(kept: Kept, facts: Facts) -> tuple[Effect, ...]:
    day = date.fromisoformat(kept["period"])
    return tuple(Extend(latest.subject, day) for latest in asked(kept, facts) if latest.last_day < day)


def _close(kept: Kept, _facts: Facts) -> tuple[Effect, ...]:
    return tuple(Close(subject) for subject in SUBJECTS[kept["subject"]])


FLOW = Flow(
    "verification",
    (
        Step(
            "subject",
            {"archive": "action", "household": "action", "both": "action"},
            pick("verification.subject", _SUBJECT_OPTIONS),
            samples=("1", "户口", "两项一起"),
            options=_SUBJECT_OPTIONS,
            given=_subject_given,
        ),
        Step(
            "action",
            {"issue": "period", "extend": "period", "reissue": "period", "close": "close_sure"},
            _action,
            samples=("延长", "提前关闭", "重新生成"),
            options=actions,
            given=_action_given,
            live=True,
        ),
        Step(
            "period",
            {"issued": BOARD, "reissued": BOARD, "extended": BOARD},
            _period,
            samples=("1", "一个月", "最长"),
            options=_periods,
            effects={"issued": _authorise, "reissued": _authorise, "extended": _extend},
        ),
        Step(
            "close_sure",
            {"yes": BOARD, "no": BOARD},
            pick("verification.close_sure", _SURE_OPTIONS, whole=True),
            samples=("1", "2"),
            options=_SURE_OPTIONS,
            effects={"yes": _close},
        ),
    ),
)
