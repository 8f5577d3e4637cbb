"""The turn (一轮对话): one message in, what to do and what to say out. Pure; every state answers everything."""

from dataclasses import dataclass, field, replace

from bot.conversation.effects import Effect
from bot.conversation.facts import Facts
from bot.conversation.flow import AGAIN, BOARD, NEXT, Bad, Flow, Need, Position, revision, where
from bot.conversation.flow import GIVEN as GIVEN_REV
from bot.conversation.flows import FLOWS
from bot.conversation.flows import board as board_flow
from bot.conversation.flows import consent as consent_flow
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.talk import Answer, Talk
from bot.conversation.understanding import bare, fold, phrases

TRIES = 3
"""After so many unusable answers in a row the graduate is told whom to ask; manners, not security."""

_MENU = {"registration": "progress", "progress": "progress", "contact": "contact", "help": "help"}


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence to say (要说的话): its key and the values only it knows."""

    key: str
    extra: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one message led to (一轮).

    Attributes:
        talk: the talk afterwards; the next question is not yet chosen.
        effects: to be done in the same transaction.
        says: sentences, before the next question.
        step: "flow.step" the message came to.
        outcome: outcome, command or reason, for the trace.
        page: the next page of a long answer, instead of everything else.
        silent: nobody waits for an answer.
    """

    talk: Talk
    effects: tuple[Effect, ...] = ()
    says: tuple[Say, ...] = ()
    step: str = ""
    outcome: str = ""
    page: str = field(default="", repr=False)
    silent: bool = False


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
    return tuple(replace(a, step=a.step.removeprefix(prefix)) for a in talk.answers if a.step.startswith(prefix))


def with_answers(talk: Talk, flow: str, answers: tuple[Answer, ...]) -> Talk:
    """Return the talk with the answers of one flow replaced."""
    others = tuple(a for a in talk.answers if not a.step.startswith(f"{flow}."))
    mine = tuple(replace(a, step=f"{flow}.{a.step}") for a in answers if a.rev != GIVEN_REV)
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


def need(talk: Talk, incoming: Incoming, facts: Facts) -> str | None:
    """Return what must be looked up before ``advance`` can judge the message, or None."""
    if incoming.kind is not Kind.TEXT:
        return None
    at = stand(talk, facts)
    if at.flow.name == "login" and (number := at.kept.get("student_number")) and facts.looked_up != number:
        return Need.CANDIDATE
    if at.step.needs is None or _command(incoming) or incoming.question not in {None, at.question(facts)}:
        return None
    return at.step.needs(incoming.text, at.kept, facts)


def advance(talk: Talk, incoming: Incoming, facts: Facts) -> Turn:
    """Judge one message (pure): the talk afterwards, what to do, what to say.

    The next question is asked by ``bot.conversation.wording`` once the effects are done.
    """
    at = stand(talk, facts)
    step = f"{at.flow.name}.{at.step.name}"
    turn = _judge(talk, incoming, facts, at)
    return replace(turn, step=step, talk=replace(turn.talk, at=max(talk.at, incoming.at)))


def _judge(talk: Talk, incoming: Incoming, facts: Facts, at: Position) -> Turn:
    if incoming.kind is Kind.TEXT:
        return _text(replace(talk, following=True), incoming, facts, at)
    if incoming.kind is Kind.QUIET:
        return Turn(talk, silent=True, outcome="quiet")
    if incoming.kind is Kind.UNFOLLOW:
        return Turn(replace(talk, following=False), silent=True, outcome="unfollow")
    talk = replace(talk, following=True)
    if incoming.kind is Kind.FOLLOW:
        return Turn(talk, says=(Say("welcome.follow"), *_board_if(at)), outcome="follow")
    if incoming.kind is Kind.SCAN:
        return Turn(talk, says=(Say("scan.said"),), outcome="scan")
    if incoming.kind is Kind.MENU:
        return _menu(talk, incoming, facts, at)
    return Turn(talk, says=(Say(f"only_text.{incoming.kind.value}"),), outcome=incoming.kind.value)


def _text(talk: Talk, incoming: Incoming, facts: Facts, at: Position) -> Turn:
    first = talk.asked == 0
    command = _command(incoming)
    if command and (not first or command == "help"):
        return _do_command(command, talk, facts, at)
    if first:
        return Turn(talk, says=(Say("welcome.hello"),), outcome="hello")
    if incoming.at < talk.at:
        return Turn(talk, says=(Say("late.said"),), outcome="late")
    asked = at.question(facts)
    if incoming.question is not None and incoming.question != asked:
        return Turn(talk, says=(Say("stale.said"),), outcome="stale")
    if talk.asked != asked and not _renamed(talk, at, facts):
        return Turn(talk, says=(Say("moved.said"),), outcome="moved")
    return _answer(talk, incoming.text, facts, at)


def _renamed(talk: Talk, at: Position, facts: Facts) -> bool:
    """Tell whether the question asked is today's under a former name of its step (a deploy came in between)."""
    return any(replace(at, step=replace(at.step, name=name)).question(facts) == talk.asked for name in at.step.was)


def _command(incoming: Incoming) -> str | None:
    word = {fold(incoming.text), bare(incoming.text), incoming.text.strip()}
    return next((name for name, said in phrases()["commands"].items() if word & set(said)), None)


def _board_if(at: Position) -> tuple[Say, ...]:
    return (Say("board.progress"),) if at.flow.name == "board" else ()


def _menu(talk: Talk, incoming: Incoming, facts: Facts, at: Position) -> Turn:
    if talk.asked == 0 and at.flow.name == "consent":
        return Turn(talk, says=(Say("welcome.hello"),), outcome="menu.hello")
    if incoming.text == "report":
        if facts.dossier is None or at.flow.name in {"consent", "login", "personal"}:
            return Turn(talk, outcome="menu.report")
        if reason := board_flow.gate("verification", facts):
            return Turn(talk, says=(Say(reason),), outcome=reason)
        return Turn(opened(talk, "verification", facts), says=_board_if(at), outcome="menu.report")
    return _do_command(_MENU.get(incoming.text, "progress"), talk, facts, at)


def _do_command(command: str, talk: Talk, facts: Facts, at: Position) -> Turn:
    if command == "more":
        if talk.more:
            return Turn(replace(talk, more=talk.more[1:]), page=talk.more[0], outcome="more")
        return Turn(talk, says=(Say("command.no_more"),), outcome="more")
    if command == "help":
        return Turn(talk, says=(Say(f"{at.words}.help"), Say("command.help")), outcome="help")
    if command == "contact":
        return Turn(talk, says=(Say("command.contact"),), outcome="contact")
    if command == "progress":
        bound = facts.dossier is not None and at.flow.name != "consent"
        return Turn(talk, says=(Say("board.progress"),) if bound else (), outcome="progress")
    if command == "unbind":
        if facts.dossier is None or at.flow.name == "consent":
            return Turn(talk, outcome="unbind")
        return Turn(opened(talk, "unbind", facts), outcome="unbind")
    if command == "restart":
        return Turn(replace(talk, flow="", answers=(), tries=0), says=(Say("command.restart"),), outcome="restart")
    return _back(talk, at)


def _back(talk: Talk, at: Position) -> Turn:
    given = [a for a in at.path if a.rev != GIVEN_REV]
    if given:
        last = given[-1].step
        answers = tuple(a for a in (*at.path, *at.rest) if a.step != last)
        return Turn(
            with_answers(replace(talk, tries=0), at.flow.name, answers), says=(Say("command.back"),), outcome="back"
        )
    if talk.flow not in {"", "board"} and at.flow.name == talk.flow:
        return Turn(replace(talk, flow="", tries=0), says=(Say("command.leave"),), outcome="back")
    return Turn(replace(talk, tries=0), says=(Say("command.back_end"),), outcome="back")


def _answer(talk: Talk, text: str, facts: Facts, at: Position) -> Turn:
    if filled := at.flow.fill(text):
        return _fill(talk, filled, facts, at)
    got = at.step.parse(text, at.kept, facts)
    if isinstance(got, Bad):
        tries = talk.tries + 1
        says: tuple[Say, ...] = (Say(got.why, {"detail": got.detail} if got.detail else {}),)
        if tries >= TRIES:
            says, tries = (*says, Say("unclear.handoff")), 0
        return Turn(replace(talk, tries=tries), says=says, outcome=got.why)
    kept = {**at.kept, at.step.name: got.value}
    build = at.step.effects.get(got.out)
    effects = (build(kept, facts),) if build else ()
    says = (Say(f"{at.words}.{got.out}", {"subject": kept["subject"]} if "subject" in kept else {}),)
    mine = Answer(at.step.name, got.value, got.out, revision())
    talk = _moved_on(replace(talk, tries=0), mine, at.step.to[got.out], facts, at)
    return Turn(talk, effects, says, outcome=got.out)


def _moved_on(talk: Talk, mine: Answer, target: str, facts: Facts, at: Position) -> Talk:
    everything = (*at.path, *at.rest)
    if target == AGAIN:
        return with_answers(talk, at.flow.name, ())
    if target.startswith("@"):
        talk = with_answers(talk, at.flow.name, ())
        if target in {BOARD, NEXT}:
            return replace(talk, flow="next" if target == NEXT else "")
        if board_flow.gate(target[1:], facts) is None:
            return opened(talk, target[1:], facts)
        return replace(talk, flow="")
    if target == at.step.name:
        return with_answers(talk, at.flow.name, everything)
    if target in {a.step for a in at.path}:
        return with_answers(talk, at.flow.name, tuple(a for a in everything if a.step != target))
    return with_answers(talk, at.flow.name, (*at.path, mine, *at.rest))


def _fill(talk: Talk, filled: tuple[tuple[str, str], ...], facts: Facts, at: Position) -> Turn:
    """Take many answers of one message; what is not understood is named and asked again."""
    answers = {a.step: a for a in (*at.path, *at.rest) if a.rev != GIVEN_REV}
    kept, good, bad = dict(at.kept), [], []
    order = {step.name: place for place, step in enumerate(at.flow.steps)}
    for name, raw in sorted(filled, key=lambda pair: order[pair[0]]):
        step = at.flow.step(name)
        got = step.parse(raw, kept, facts) if step else Bad("")
        if isinstance(got, Bad):
            bad.append(name)
            continue
        good.append(name)
        kept[name] = got.value
        answers[name] = Answer(name, got.value, got.out, revision())
    says = [Say(f"{at.flow.name}.filled", {"count": str(len(set(good)))})] if good else []
    if bad:
        says.append(Say(f"{at.flow.name}.fill_bad", {"detail": "、".join(dict.fromkeys(bad))}))
    talk = with_answers(replace(talk, tries=0), at.flow.name, tuple(answers.values()))
    return Turn(talk, says=tuple(says), outcome="fill")
