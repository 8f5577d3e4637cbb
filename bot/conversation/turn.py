"""The turn (一轮对话): one message in, what to do and what to say out. Pure; every state answers everything."""

from dataclasses import dataclass, field, replace

from bot.conversation import shortcuts
from bot.conversation.commands import command_of
from bot.conversation.effects import Effect, WithdrawReceipts
from bot.conversation.facts import Facts
from bot.conversation.flow import AGAIN, BOARD, GIVEN, NEXT, Bad, Need, Position, revision
from bot.conversation.flows import FLOWS
from bot.conversation.flows import board as board_flow
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.standing import answers_of, home, opened, stand, with_answers
from bot.conversation.talk import Answer, Talk
from bot.conversation.texts import texts

__all__ = ["TRIES", "Say", "Turn", "answers_of", "home", "judge", "opened", "stand", "with_answers"]

TRIES = 3
"""After so many unusable answers in a row the graduate is told whom to ask; manners, not security."""

_MENU = {"registration": "home", "progress": "progress", "contact": "contact", "help": "help"}
_HARMLESS = frozenset(["help", "contact", "progress", "looks"])
"""Commands that change nothing, so that it does not matter when they were sent."""
_ACTS = frozenset([Kind.MENU, Kind.FOLLOW, Kind.SCAN])
_ABOUT_LOOKS = frozenset(["looks", "not_received"])


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


def judge(talk: Talk, incoming: Incoming, facts: Facts) -> Turn | str:
    """Judge one message (pure): what it leads to, or what must be looked up first (``Need``).

    Returns:
        The talk afterwards, what to do, what to say; the next question is asked by ``bot.conversation.wording`` once
        the effects are done. Or a ``Need``: to be asked again with facts that hold it.
    """
    at = stand(talk, facts)
    command = command_of(incoming.text) if incoming.kind is Kind.TEXT else None
    wanted = _wanted(incoming, command, facts, at)
    if wanted is not None:
        return wanted
    turn = _judged(talk, incoming, command, facts, at)
    step = f"{at.flow.name}.{at.step.name}"
    return replace(turn, step=step, talk=turn.talk.heard(incoming.at, by_act=incoming.kind in _ACTS))


def _wanted(incoming: Incoming, command: str | None, facts: Facts, at: Position) -> str | None:
    if incoming.kind in {Kind.QUIET, Kind.UNFOLLOW}:
        return None
    if at.flow.name == "login" and (number := at.kept.get("student_number")) and facts.looked_up != number:
        return Need.CANDIDATE
    if incoming.kind is not Kind.TEXT:
        return None
    if command:
        return Need.SEEN if command in _ABOUT_LOOKS and facts.dossier is not None and facts.seen is None else None
    if at.step.needs is None:
        return None
    if incoming.question not in {None, at.question(facts)}:
        return None
    return at.step.needs(incoming.text, at.kept, facts)


def _judged(talk: Talk, incoming: Incoming, command: str | None, facts: Facts, at: Position) -> Turn:
    if incoming.kind is Kind.TEXT:
        return _text(talk.followed(), incoming, command, facts, at)
    if incoming.kind is Kind.QUIET:
        return Turn(talk, silent=True, outcome="quiet")
    if incoming.kind is Kind.UNFOLLOW:
        return Turn(replace(talk, following=False), silent=True, outcome="unfollow")
    talk = talk.followed()
    if incoming.kind is Kind.FOLLOW:
        board = (Say("board.progress"),) if at.flow.name == "board" else ()
        return Turn(talk, says=(Say("welcome.follow"), *board), outcome="follow")
    if incoming.kind is Kind.SCAN:
        return Turn(talk, says=(Say("scan.said"),), outcome="scan")
    if incoming.kind is Kind.MENU:
        return _menu(talk, incoming, facts, at)
    return Turn(talk, says=(Say(f"only_text.{incoming.kind.value}"),), outcome=incoming.kind.value)


def _text(talk: Talk, incoming: Incoming, command: str | None, facts: Facts, at: Position) -> Turn:
    first = talk.asked == 0
    if first:
        if command == "help":
            return _do_command(command, talk, facts, at)
        return Turn(talk, says=(Say("welcome.hello"),), outcome="hello")
    if incoming.at < talk.at and command not in _HARMLESS:
        return Turn(talk, says=(Say("late.said"),), outcome="late")
    if command:
        return _do_command(command, talk, facts, at)
    asked = at.question(facts)
    if incoming.question is not None and incoming.question != asked:
        return Turn(talk, says=(Say("stale.said"),), outcome="stale")
    if incoming.question is None and (turn := _shortcut(talk, incoming.text, facts, at)):
        return turn
    if talk.asked == asked or _renamed(talk, at, facts) or _names_entry(incoming, at):
        return _answer(talk, incoming.text, facts, at)
    return Turn(talk, says=(Say("moved.said"),), outcome="moved")


def _renamed(talk: Talk, at: Position, facts: Facts) -> bool:
    """Tell whether the question asked is today's under a former name of its step (a deploy came in between)."""
    return any(replace(at, step=replace(at.step, name=name)).question(facts) == talk.asked for name in at.step.was)


def _names_entry(incoming: Incoming, at: Position) -> bool:
    """Tell whether a typed word names an entry of the board while the talk is there.

    A notice may have said 回复“确认” while another question was open. Opening an entry agrees to nothing, so the
    word is taken although the board was not what was asked last.
    """
    return at.flow.name == "board" and incoming.question is None and board_flow.named(incoming.text) is not None


def _shortcut(talk: Talk, text: str, facts: Facts, at: Position) -> Turn | None:
    """Go where 延长, 提前关闭 or 重新生成 belongs, whatever was asked; None if the text is none of them."""
    found = shortcuts.prepared(text, talk, facts, at)
    if found is None:
        return None
    if found.refusal:
        return Turn(talk, says=(Say(found.refusal),), outcome=found.refusal)
    if not found.rest:
        return Turn(found.talk, outcome=found.action)
    return _answer(found.talk, found.rest, facts, stand(found.talk, facts))


def _menu(talk: Talk, incoming: Incoming, facts: Facts, at: Position) -> Turn:
    if talk.asked == 0 and at.flow.name == "consent":
        return Turn(talk, says=(Say("welcome.hello"),), outcome="hello")
    if incoming.text == "report":
        if facts.dossier is None or at.flow.name in {"consent", "login", "personal"}:
            return Turn(talk, outcome="menu.report")
        if reason := board_flow.gate("verification", facts):
            return Turn(talk, says=(Say(reason),), outcome=reason)
        return Turn(opened(talk, "verification", facts), outcome="menu.report")
    return _do_command(_MENU.get(incoming.text, "home"), talk, facts, at)


def _do_command(command: str, talk: Talk, facts: Facts, at: Position) -> Turn:
    if command == "more":
        return _more(talk)
    if command == "help":
        return Turn(talk, says=(Say(f"{at.words}.help"), Say("command.help")), outcome="help")
    if command == "contact":
        return Turn(talk, says=(Say("command.contact"),), outcome="contact")
    bound = facts.dossier is not None and at.flow.name != "consent"
    if command in _ABOUT_LOOKS:
        return _about_looks(command, talk, facts) if bound else Turn(talk, outcome=command)
    if command in {"progress", "home"}:
        left = talk if command == "progress" else replace(talk, flow="", tries=0)
        return Turn(left, says=(Say("board.progress"),) if bound else (), outcome=command)
    if command == "unbind":
        return Turn(opened(talk, "unbind", facts) if bound else talk, outcome="unbind")
    if command == "restart":
        return Turn(replace(talk, flow="", answers=(), tries=0), says=(Say("command.restart"),), outcome="restart")
    return _back(talk, at)


def _about_looks(command: str, talk: Talk, facts: Facts) -> Turn:
    if command == "looks":
        return Turn(talk, says=(Say("command.looks"),), outcome="looks")
    if facts.seen is None or not any(receipt.stands for receipt in facts.seen.receipts):
        return Turn(talk, says=(Say("command.no_receipt"),), outcome="not_received")
    return Turn(talk, (WithdrawReceipts(),), (Say("command.receipts_withdrawn"),), outcome="not_received")


def _more(talk: Talk) -> Turn:
    if talk.more:
        return Turn(replace(talk, more=talk.more[1:]), page=talk.more[0], outcome="more")
    return Turn(talk, says=(Say("command.no_more"),), outcome="more")


def _back(talk: Talk, at: Position) -> Turn:
    given = [a for a in at.path if a.rev != GIVEN]
    if given:
        answers = _without(given[-1].step, at)
        return Turn(
            with_answers(replace(talk, tries=0), at.flow.name, answers), says=(Say("command.back"),), outcome="back"
        )
    if talk.flow not in {"", "board"} and at.flow.name == talk.flow:
        return Turn(replace(talk, flow="", tries=0), says=(Say("command.leave"),), outcome="back")
    return Turn(replace(talk, tries=0), says=(Say("command.back_end"),), outcome="back")


def _without(step: str, at: Position) -> tuple[Answer, ...]:
    """Return the answers without the one of a step on the way; in a strict flow also without all after it."""
    if not at.flow.strict:
        return tuple(a for a in (*at.path, *at.rest) if a.step != step)
    return at.path[: [a.step for a in at.path].index(step)]


def _answer(talk: Talk, text: str, facts: Facts, at: Position) -> Turn:
    if filled := at.flow.fill(text):
        return _fill(talk, filled, facts, at)
    if at.flow.name == "board" and len(filled := FLOWS["archive"].fill(text)) > 1:
        return _fill_from_board(talk, filled, facts)
    got = at.step.parse(text, at.kept, facts)
    if isinstance(got, Bad):
        return _refused(talk, (Say(got.why, {"detail": got.detail} if got.detail else {}),), got.why)
    kept = {**at.kept, at.step.name: got.value}
    build = at.step.effects.get(got.out)
    if build and talk.more:
        # Nobody agrees to what was not shown: the rest of the question comes first.
        return replace(_more(talk), outcome="unread")
    built = build(kept, facts) if build else ()
    effects = built if isinstance(built, tuple) else (built,)
    target = at.step.to[got.out]
    says: tuple[Say, ...] = (Say(f"{at.words}.{got.out}", {"subject": kept["subject"]} if "subject" in kept else {}),)
    if target[1:] in board_flow.ENTRIES and (reason := board_flow.gate(target[1:], facts)):
        target, says = BOARD, (Say(reason),)
    mine = Answer(at.step.name, got.value, got.out, revision())
    talk = _moved_on(replace(talk, tries=0), mine, target, facts, at)
    return Turn(talk, effects, says, outcome=got.out)


def _refused(talk: Talk, says: tuple[Say, ...], why: str) -> Turn:
    """Count an unusable answer; after several in a row say whom to ask."""
    tries = talk.tries + 1
    if tries >= TRIES:
        says, tries = (*says, Say("unclear.handoff")), 0
    return Turn(replace(talk, tries=tries), says=says, outcome=why)


def _moved_on(talk: Talk, mine: Answer, target: str, facts: Facts, at: Position) -> Talk:
    if target == AGAIN:
        return with_answers(talk, at.flow.name, ())
    if target.startswith("@"):
        talk = with_answers(talk, at.flow.name, ())
        if target in {BOARD, NEXT}:
            return replace(talk, flow="next" if target == NEXT else "")
        return opened(talk, target[1:], facts)
    if target == at.step.name:
        return talk
    if target in {a.step for a in at.path}:
        return with_answers(talk, at.flow.name, _without(target, at))
    return with_answers(talk, at.flow.name, (*at.path, mine, *at.rest))


def _fill_from_board(talk: Talk, filled: tuple[tuple[str, str], ...], facts: Facts) -> Turn:
    """Take a block of archive items at the board as the opening of the archive entry."""
    if reason := board_flow.gate("archive", facts):
        return _refused(talk, (Say(reason),), reason)
    talk = opened(talk, "archive", facts)
    return _fill(talk, filled, facts, stand(talk, facts))


def _fill(talk: Talk, filled: tuple[tuple[str, str], ...], facts: Facts, at: Position) -> Turn:
    """Take many answers of one message; what is not understood is named and asked again."""
    answers = {a.step: a for a in (*at.path, *at.rest) if a.rev != GIVEN}
    kept, good, bad = dict(at.kept), [], []
    order = {step.name: place for place, step in enumerate(at.flow.steps)}
    for name, raw in sorted(filled, key=lambda pair: order[pair[0]]):
        step = at.flow.step(name)
        got = step.parse(raw, kept, facts) if step else Bad("")
        if isinstance(got, Bad):
            bad.append(f"{at.flow.name}.item.{name}")
            continue
        good.append(name)
        kept[name] = got.value
        answers[name] = Answer(name, got.value, got.out, revision())
    says: tuple[Say, ...] = (Say(f"{at.flow.name}.filled", {"count": str(len(set(good)))}),) if good else ()
    if bad:
        detail = "、".join(texts()[key] for key in dict.fromkeys(bad))
        says = (*says, Say(f"{at.flow.name}.fill_bad", {"detail": detail}))
    if not good:
        return _refused(talk, says, f"{at.flow.name}.fill_bad")
    talk = with_answers(replace(talk, tries=0), at.flow.name, tuple(answers.values()))
    return Turn(talk, says=says, outcome="fill")
