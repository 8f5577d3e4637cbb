"""The vocabulary (用词): what every placeholder of the texts stands for, taken from the facts when asked."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.conversation.facts import Facts
from bot.conversation.flow import Kept
from bot.conversation.flows import archive as archive_flow
from bot.conversation.flows import board as board_flow
from bot.conversation.flows import correction as correction_flow
from bot.conversation.flows import verification as verification_flow
from bot.conversation.lines import (
    archive_lines,
    chinese_day,
    chinese_moment,
    contacts_of,
    correction_lines,
    destination_lines,
)
from bot.conversation.looks_lines import looks_lines
from bot.conversation.texts import texts
from bot.ports import Links
from bot.registration.archive import ArchiveStatus
from bot.registration.dossier import Dossier
from bot.registration.season import Window
from bot.registration.verification import State, Subject, Verification

__all__ = ["EXTRA", "Vocabulary", "archive_lines", "board_lines", "chinese_day", "chinese_moment", "next_step"]

_LINK_MARK = re.compile(r"^@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Vocabulary(Mapping[str, str]):
    """Placeholder → words, computed when asked (用词).

    Attributes:
        facts: as of the moment the reply is made, after the turn's effects.
        links: makes web links.
        kept: the answers of the running flow, for read-backs.
        step: name of the step asked.
        extra: values of this one sentence.
    """

    facts: Facts
    links: Links
    kept: Kept = field(default_factory=dict, repr=False)
    step: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __getitem__(self, name: str) -> str:
        if name in self.extra:
            return self.extra[name]
        if name in _SEASON or name in _OWN:
            return _known(name, self.facts)
        value = _TALK[name](self)
        return value if name in _SENTENCES else _unmarked(value)

    def __iter__(self) -> Iterator[str]:
        return iter({**_SEASON, **_OWN, **_TALK, **self.extra})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def link(self, target: str) -> str:
        """Return the URL of an "@target" line, "" if there is none now."""
        if f"link_{target}" in self.extra:
            return self.extra[f"link_{target}"]
        if target == "chsi":
            return self.facts.season.chsi_url
        if target == "school_system":
            return self.facts.season.school_system_url
        if target == "real_person":
            return self.links.real_person(self.facts.own)
        subject = {"report_archive": Subject.ARCHIVE, "report_household": Subject.HOUSEHOLD}[target]
        verification = self.facts.own.running(subject, self.facts.now)
        return self.links.report(verification) if verification else ""


def _known(name: str, facts: Facts) -> str:
    """Return what the facts say for a placeholder; only our own sentences may hold "@target" lines."""
    value = _SEASON[name](facts) if name in _SEASON else _OWN[name](facts, facts.own)
    return value if name in _SENTENCES else _unmarked(value)


def _unmarked(value: str) -> str:
    return _LINK_MARK.sub("＠", value)


class _Words(dict[str, str]):
    """What sentences within sentences ask for."""

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._facts = facts

    def __missing__(self, name: str) -> str:
        return _known(name, self._facts)


def _window(facts: Facts) -> str:
    opens, closes = facts.season.opens, facts.season.closes
    return f"{opens.month} 月 {opens.day} 日—{closes.month} 月 {closes.day} 日"


def _window_hint(facts: Facts) -> str:
    state = facts.season.window(facts.now)
    own = facts.dossier
    if state is Window.AFTER and own and own.reopened_at and facts.season.takes_changes(facts.now):
        key = "reopened"
    elif state is Window.OPEN and facts.today == facts.season.closes:
        key = "last"
    else:
        key = state.value
    return texts()[f"window_hint.{key}"].format_map(_Words(facts))


def _candidate_contacts(facts: Facts) -> str:
    candidate = facts.candidate or facts.dossier
    return contacts_of(candidate.graduate.counsellor if candidate else None, facts.season)


_SEASON: dict[str, Callable[[Facts], str]] = {
    "school": lambda f: f.season.school,
    "season": lambda f: f"{f.season.id} 届",
    "office": lambda f: f.season.office,
    "office_phone": lambda f: f.season.office_phone,
    "hotline": lambda f: f.season.hotline,
    "mail": lambda f: f.season.mail,
    "chsi_url": lambda f: f.season.chsi_url,
    "window": _window,
    "window_hint": _window_hint,
    "days_left": lambda f: str((f.season.closes - f.today).days + 1),
    "changes_until": lambda f: chinese_day(f.season.changes_until),
    "verification_months": lambda f: str(f.season.verification_months),
    "contacts": lambda f: contacts_of(f.dossier.graduate.counsellor if f.dossier else None, f.season),
    "candidate_contacts": _candidate_contacts,
    "locked_until": lambda f: chinese_moment(f.locked_until)[:16] if f.locked_until else "明天",
}


def _own_name(facts: Facts) -> str:
    known = facts.dossier or facts.candidate
    return known.graduate.name if known else ""


def next_step(facts: Facts) -> str:
    """Return the sentence of what the graduate does next, or waits for (进度)."""
    return texts()[f"next_step.{next_step_key(facts)}"].format_map(_Words(facts))


def next_step_key(facts: Facts) -> str:
    """Return which sentence of ``next_step`` fits the facts."""
    own = facts.own
    upcoming = board_flow.upcoming(facts)
    if upcoming == "archive" and own.archive.status is ArchiveStatus.RETURNED:
        return "archive_returned"
    if upcoming == "verification" and any(facts.own.state_of(v, facts.now) in _ENDED for v in own.verifications):
        return "verification_again"
    if upcoming:
        return upcoming
    if own.is_confirmed:
        return _verified_key(facts)
    return {
        "gate.correction_waits": "wait_correction",
        "gate.no_destination": "wait_destination",
        "gate.window_before": "wait_window",
        "gate.window_after": "window_over" if facts.season.takes_changes(facts.now) else "changes_over",
    }.get(own.confirmation_gate(facts.season, facts.now) or "", "wait_archive")


_ENDED = frozenset([State.EXPIRED, State.CLOSED, State.ANNULLED])


def _verified_key(facts: Facts) -> str:
    own = facts.own
    running = [subject for subject in Subject if own.running(subject, facts.now)]
    if not running:
        return "verification_over"
    has_both = not own.household.moved or len(running) == len(Subject)
    return "done" if has_both or own.verification_gate(facts.season, facts.now) else "done_one"


def _other_subject(own: Dossier, facts: Facts) -> str:
    return next((subject.value for subject in Subject if not own.running(subject, facts.now)), "")


def board_lines(facts: Facts) -> str:
    """Return the progress board (进度): what is done, what waits for whom, what is missing."""
    own = facts.own
    keys = [
        "personal_done" if own.checked_at else "personal_open",
        f"archive_{own.archive.status.name.lower()}",
        "household_open" if own.household.moved else "household_closed",
        "destination_known" if own.destination else "destination_missing",
        *(["correction_open"] if own.has_open_correction else []),
        "confirmation_done" if own.is_confirmed else "confirmation_open",
        "real_person_done" if own.real_person_at else "real_person_open",
    ]
    lines = [texts()[f"line.{key}"].format_map(_Words(facts)) for key in ("title", *keys)]
    latest = [v for subject in Subject if (v := own.verification_of(subject))]
    lines += [verification_line(facts, v) for v in latest] or [texts()["line.verification_open"]]
    return "\n".join(lines)


def verification_line(facts: Facts, verification: Verification) -> str:
    """Return one line about a verification (N14)."""
    state = facts.own.state_of(verification, facts.now)
    return texts()["line.verification"].format(
        verification_mark="✅" if state is State.IN_FORCE else "⚠️",
        verification_subject=verification.subject.value,
        verification_state=state.value,
        verification_number=verification.number,
        verification_until=chinese_moment(verification.valid_until),
    )


def _annulled(own: Dossier, pick: Callable[[Verification], str]) -> str:
    annulled = [(v.annulled_at, v) for v in own.verifications if v.annulled_at]
    return pick(max(annulled, key=lambda pair: pair[0])[1]) if annulled else ""


def _household_line(own: Dossier) -> str:
    if not own.household.moved:
        return "户口未转入学校，不用办理"
    return f"户口已转入学校，迁往：{own.household.address or '未登记，请联系学校'}"


_OWN: dict[str, Callable[[Facts, Dossier], str]] = {
    "name": lambda f, _own: _own_name(f),
    "masked_id": lambda _f, own: own.graduate.identity_number.masked,
    "college": lambda _f, own: own.graduate.college,
    "major": lambda _f, own: own.graduate.major,
    "level": lambda _f, own: own.graduate.level.value,
    "completion": lambda _f, own: own.graduate.completion.value,
    "graduation_date": lambda _f, own: chinese_day(own.graduate.graduation_date),
    "place_of_origin": lambda _f, own: own.graduate.place_of_origin or "未登记",
    "destination": lambda _f, own: destination_lines(own.destination),
    "destination_name": lambda _f, own: own.destination.category.name if own.destination else "",
    "archive": lambda _f, own: archive_lines(own.archive.items),
    "archive_reason": lambda _f, own: own.archive.reason,
    "annulled_subject": lambda _f, own: _annulled(own, lambda v: v.subject.value),
    "annulled_number": lambda _f, own: _annulled(own, lambda v: v.number),
    "annulled_reason": lambda _f, own: _annulled(own, lambda v: v.annulled_reason),
    "correction_answer": lambda _f, own: own.correction.answer if own.correction else "",
    "correction_result": lambda _f, own: correction_lines(own.correction),
    "household": lambda _f, own: own.household.address or "未登记，请联系学校",
    "household_line": lambda _f, own: _household_line(own),
    "confirmed_at": lambda _f, own: chinese_moment(own.confirmation.at)[:16] if own.confirmation else "",
    "last_day": lambda f, own: chinese_day(own.last_verification_day(f.season)),
    "falls_hint": lambda _f, own: f"\n\n{texts()['hint.falls']}" if own.is_confirmed else "",
    "other_subject": lambda f, own: _other_subject(own, f),
    "board": lambda f, _own: board_lines(f),
    "next_step": lambda f, _own: next_step(f),
    "looks": lambda f, _own: looks_lines(f),
}
_SENTENCES = frozenset(["board", "next_step", "window_hint", "falls_hint", "asked_reports"])
"""Placeholders that stand for whole sentences of texts.zh.toml."""


def _asked(words: Vocabulary) -> tuple[Verification, ...]:
    key = words.kept.get("subject") or words.extra.get("subject") or "archive"
    return verification_flow.asked({"subject": key}, words.facts)


def _asked_reports(words: Vocabulary) -> str:
    """Return number, period, state and link (N14) of every verification asked about that is in force."""
    facts = words.facts
    running = [v for v in _asked(words) if facts.own.state_of(v, facts.now) is State.IN_FORCE]
    return "\n\n".join(
        texts()["line.report"].format(
            verification_subject=verification.subject.value,
            verification_number=verification.number,
            verification_until=chinese_moment(verification.valid_until),
            verification_state=State.IN_FORCE.value,
            report_key=verification.subject.name.lower(),
            report_of=f"（{verification.subject.value}）" if len(running) > 1 else "",
        )
        for verification in running
    )


def _asked_until(words: Vocabulary) -> str:
    return chinese_moment(min(v.valid_until for v in asked)) if (asked := _asked(words)) else ""


def _draft_archive(words: Vocabulary) -> str:
    return archive_lines(archive_flow.items_of(words.kept))


def _draft_correction(words: Vocabulary) -> str:
    names = words.kept.get("items", "").split()
    return "\n".join(f"{correction_flow.ITEMS[n].value}：{words.kept.get(f'right_{n}', '')}" for n in names)


def _period_hint(words: Vocabulary) -> str:
    asked = _asked(words)
    if not asked or words.kept.get("action") != "extend":
        return ""
    return texts()["hint.extend"].format(asked_until=chinese_moment(max(v.valid_until for v in asked)))


_TALK: dict[str, Callable[[Vocabulary], str]] = {
    "draft_archive": _draft_archive,
    "draft_correction": _draft_correction,
    "asked_item": lambda w: correction_flow.ITEMS[w.step.removeprefix("right_")].value,
    "asked_verification": lambda w: "\n".join(verification_line(w.facts, v) for v in _asked(w)),
    "period_hint": _period_hint,
    "asked_subject": lambda w: "和".join(v.subject.value for v in _asked(w)),
    "asked_reports": _asked_reports,
    "asked_until": _asked_until,
}

EXTRA = frozenset(
    [
        "detail",
        "text",
        "count",
        "reference",
        "notice_contacts",
        "notice_subject",
        "notice_number",
        "notice_at",
        "notice_department",
        "notice_reason",
        "notice_way",
        "notice_state",
        "notice_hint",
        "notice_until",
        "notice_closes",
        "unit",
        "verification_mark",
        "verification_subject",
        "verification_state",
        "verification_number",
        "verification_until",
        "report_key",
        "report_of",
        "looks_total",
        "look_at",
        "look_way",
        "look_department",
        "receipt_withdrawn",
        "reveal_role",
        "reveal_by",
        "reveal_fields",
        "reveal_reason",
        "reveals_more",
    ]
)
"""Placeholders whose value comes with the sentence itself."""
