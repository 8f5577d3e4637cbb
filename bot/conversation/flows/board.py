"""The progress board (进度): the resting place between the flows; what is open is a function of the facts."""

from bot.conversation.facts import Facts
from bot.conversation.flow import Bad, Flow, Kept, Ok, Step
from bot.conversation.options import meanings
from bot.conversation.understanding import choose, phrases
from bot.registration.season import Window

ENTRIES = ("archive", "confirmation", "real_person", "verification", "household", "correction", "unbind")
"""The flows one can open from the board, in the order of the journey."""


def gate(name: str, facts: Facts) -> str | None:
    """Tell why a flow is closed now, or None (N5 to N13)."""
    own = facts.own
    if name == "archive":
        return own.archive_gate()
    if name == "confirmation":
        return own.confirmation_gate(facts.season, facts.now)
    if name == "real_person":
        return _real_person_gate(facts)
    if name == "verification":
        return own.verification_gate(facts.season, facts.now)
    if name == "household":
        return own.household_gate()
    return _correction_gate(facts) if name == "correction" else None


def _correction_gate(facts: Facts) -> str | None:
    """A report takes the confirmation away; when nobody can confirm any more, that would be for good (N18)."""
    own, season = facts.own, facts.season
    if own.is_confirmed and season.window(facts.now) is Window.AFTER and not season.takes_changes(facts.now):
        return "gate.changes_over"
    return own.report_gate()


def _real_person_gate(facts: Facts) -> str | None:
    if not facts.own.is_confirmed:
        return "gate.confirm_first"
    return "gate.real_person_done" if facts.own.real_person_at else None


def shown(_kept: Kept, facts: Facts) -> tuple[str, ...]:
    """Return the entries offered now; leaving (解除绑定) works when typed but is not pressed on anybody."""
    return tuple(name for name in ENTRIES if name != "unbind" and gate(name, facts) is None)


def upcoming(facts: Facts) -> str | None:
    """Return the flow that comes next in the journey, or None when the graduate has nothing to do now."""
    return next((name for name in ENTRIES[:4] if gate(name, facts) is None and not _is_settled(name, facts)), None)


def _is_settled(name: str, facts: Facts) -> bool:
    return name == "verification" and any(facts.own.running(v.subject, facts.now) for v in facts.own.verifications)


def named(text: str) -> str | None:
    """Return the entry, open or closed, that the whole text names in words; numbers name nothing here."""
    return choose(text, ENTRIES, meanings("board.menu", ENTRIES), whole=True, numbered=False)


def _parse(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    options = shown(kept, facts)
    hit = choose(text, options, meanings("board.menu", options))
    if hit is not None:
        return Ok(hit, hit)
    closed = tuple(name for name in ENTRIES if name not in options)
    hit = choose(text, closed, meanings("board.menu", closed), numbered=False)
    if hit == "unbind":
        return Ok(hit, hit)
    if hit is not None:
        return Bad(gate(hit, facts) or "unclear.choose")
    if facts.own.checked_at and choose(text, ("checked",), phrases()["done"], whole=True, numbered=False):
        return Bad("gate.checked")
    return Bad("unclear.board" if options else "unclear.waiting")


FLOW = Flow(
    "board",
    (
        Step(
            "menu",
            {name: f"@{name}" for name in ENTRIES},
            _parse,
            samples=("档案信息登记", "户口信息", "去向登记确认", "信息有误", "实人验证", "核验授权", "解除绑定"),
            options=shown,
        ),
    ),
)
