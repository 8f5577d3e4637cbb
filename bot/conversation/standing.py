"""Standing (所处位置): which flow a talk is in, where in it, and its drafts; derived from facts and answers (pure)."""

from dataclasses import replace

from bot.conversation.facts import Facts
from bot.conversation.flow import GIVEN, Bad, Flow, Position, revision, where
from bot.conversation.flows import FLOWS
from bot.conversation.flows import board as board_flow
from bot.conversation.flows import consent as consent_flow
from bot.conversation.talk import Answer, Talk


def home(talk: Talk, facts: Facts) -> Flow:
    """Return the flow the talk is in: forced by the facts first, else the one it opened, else the board."""
    if talk.consent != consent_flow.VERSION:
        return FLOWS["consent"]
    if facts.dossier is None:
        return FLOWS["login"]
    if talk.flow == "unbind":
        return FLOWS["unbind"]
    if facts.dossier.checked_at is None and not facts.dossier.has_open_correction:
        return FLOWS["correction"] if talk.flow == "correction" else FLOWS["personal"]
    if talk.flow in board_flow.ENTRIES and board_flow.gate(talk.flow, facts) is None:
        return FLOWS[talk.flow]
    return FLOWS["board"]


def stand(talk: Talk, facts: Facts) -> Position:
    """Return where the talk stands (位置): its flow, with that flow's answers replayed."""
    flow = home(talk, facts)
    return where(flow, answers_of(talk, flow.name), facts)


def answers_of(talk: Talk, flow: str) -> tuple[Answer, ...]:
    """Return the stored answers of one flow; stored names are "flow.step", so drafts of several flows can rest."""
    prefix = f"{flow}."
    return tuple(a.under(a.step.removeprefix(prefix)) for a in talk.answers if a.step.startswith(prefix))


def with_answers(talk: Talk, flow: str, answers: tuple[Answer, ...]) -> Talk:
    """Return the talk with the answers of one flow replaced."""
    others = tuple(a for a in talk.answers if not a.step.startswith(f"{flow}."))
    mine = tuple(a.under(f"{flow}.{a.step}") for a in answers if a.rev != GIVEN)
    return replace(talk, answers=others + mine)


def opened(talk: Talk, name: str, facts: Facts) -> Talk:
    """Return the talk with a flow opened: its draft if there is one, else what the facts prefill (N7)."""
    talk = replace(talk, flow=name, tries=0)
    flow = FLOWS[name]
    if name == "board" or facts.dossier is None or answers_of(talk, name):
        return talk
    values = flow.prefill(facts)
    kept: dict[str, str] = {}
    answers: tuple[Answer, ...] = ()
    for step in flow.steps:
        if step.name in values:
            got = step.parse(values[step.name], kept, facts)
            if not isinstance(got, Bad):
                kept[step.name] = got.value
                answers += (Answer(step.name, got.value, got.out, revision()),)
    return with_answers(talk, name, answers)


def settled(talk: Talk, facts: Facts) -> Talk:
    """Return the talk in the flow that is really open now.

    "next" becomes whatever comes next in the journey. A flow that has closed meanwhile is left with its draft: it
    would otherwise come up again half filled when it opens the next time, perhaps months later.
    """
    if talk.flow == "next":
        upcoming = board_flow.upcoming(facts) if facts.dossier and facts.dossier.checked_at else None
        return opened(talk, upcoming, facts) if upcoming else replace(talk, flow="")
    if facts.dossier and talk.flow in board_flow.ENTRIES and board_flow.gate(talk.flow, facts) is not None:
        return replace(with_answers(talk, talk.flow, ()), flow="")
    return talk
