"""Deploys (换版): a new release in the middle of a conversation loses nobody and believes no stale agreement."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.conversation.flow import GIVEN, Bad, Flow, Kept, Ok, Step
from bot.conversation.flows import FLOWS, archive
from bot.conversation.incoming import Kind
from bot.registration.archive import ArchiveItems
from tests.bot.conversation.explorer import answers, flow_of, position
from tests.bot.conversation.world import World, event, say

Alter = Callable[[Flow], Flow]


def _with(flow: Flow, step: str, /, **changes: object) -> Flow:
    return replace(flow, steps=tuple(replace(s, **changes) if s.name == step else s for s in flow.steps))  # type: ignore[arg-type]  # changes are fields of Step


def _names(flow: Flow) -> list[str]:
    return [step.name for step in flow.steps]


def unchanged(flow: Flow) -> Flow:
    """Release the same flow under another revision."""
    return flow


def insert(flow: Flow) -> Flow:
    """Ask for a room between address and postcode."""
    room = Step("room", {"ok": "postcode"}, _room, samples=("201室",), words="archive.address")
    flow = _with(flow, "address", to={"ok": "room"})
    place = _names(flow).index("address") + 1
    return replace(flow, steps=(*flow.steps[:place], room, *flow.steps[place:]))


def _room(text: str, _kept: Kept, _facts: object) -> Ok | Bad:
    return Ok(text.strip()) if text.strip("\u200b\u200d") else Bad("archive.address.bad")


def remove(flow: Flow) -> Flow:
    """Ask for no postcode any more."""
    flow = _with(flow, "address", to={"ok": "contact"})
    return replace(flow, steps=tuple(step for step in flow.steps if step.name != "postcode"))


def rename(flow: Flow) -> Flow:
    """Call the contact a receiver."""
    flow = _with(flow, "postcode", to={"ok": "receiver"})
    flow = _with(flow, "read_back", to={**flow.steps[-1].to, "contact": "receiver"})
    return _with(flow, "contact", name="receiver", was=("contact",), words="archive.contact")


def reorder(flow: Flow) -> Flow:
    """Ask for the postcode before the address."""
    flow = _with(flow, "unit", to={"ok": "postcode"})
    flow = _with(flow, "postcode", to={"ok": "address"})
    flow = _with(flow, "address", to={"ok": "contact"})
    order = ["transfer_type", "receiving_type", "unit", "postcode", "address", "contact", "phone", "read_back"]
    return replace(flow, steps=tuple(sorted(flow.steps, key=lambda step: order.index(step.name))))


def tighten(flow: Flow) -> Flow:
    """Take only telephone numbers of another town."""
    return _with(flow, "phone", parse=_phone, samples=("010-62881234",))


def _phone(text: str, _kept: Kept, _facts: object) -> Ok | Bad:
    return Ok("010-62881234") if text == "010-62881234" else Bad("archive.phone.bad")


ALTERATIONS: dict[Alter, set[str]] = {
    unchanged: set(),
    insert: {"room"},
    remove: set(),
    rename: set(),
    reorder: set(),
    tighten: {"phone"},
}
"""How the archive flow may change, and which questions somebody who had answered all must answer (again)."""


def _release(monkeypatch: pytest.MonkeyPatch, flow: Flow) -> None:
    for module in ("flow", "standing", "turn"):
        monkeypatch.setattr(f"bot.conversation.{module}.revision", lambda: "next")
    monkeypatch.setitem(FLOWS, flow.name, flow)
    was = archive.items_of

    def items_of(kept: Kept) -> ArchiveItems:
        return was({"postcode": "", **kept, "contact": kept.get("receiver", kept.get("contact", ""))})

    monkeypatch.setattr(archive, "items_of", items_of)


def _finish(world: World) -> tuple[World, list[str]]:
    """Answer until the flow ends; return the questions that had to be answered."""
    asked: list[str] = []
    name = flow_of(world)
    for _ in range(30):
        at = position(world)
        asked.append(at.step.name)
        good = at.step.samples[0] if not at.step.options else answers(world)[0]
        step = say(world, good)
        assert step.reply is not None
        if step.turn.effects or flow_of(step.after) != name:
            return step.after, asked
        world = step.after
    raise AssertionError(asked)


@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda alter: alter.__name__)
def test_a_new_archive_flow_asks_again_only_what_it_must(
    monkeypatch: pytest.MonkeyPatch, states: list[World], alter: Alter
) -> None:
    talks = [world for world in states if flow_of(world) == "archive"]
    assert len(talks) > 10
    answered = [{a.step for a in position(world).path if a.rev != GIVEN} for world in talks]
    _release(monkeypatch, alter(FLOWS["archive"]))
    for world, stood in zip(talks, answered, strict=True):
        came = event(world, Kind.IMAGE)
        assert came.reply is not None
        at = position(came.after)
        given = {"receiver" if a == "contact" and alter is rename else a for a in stood}
        _, asked = _finish(came.after)
        again = given & set(asked)
        assert again == ALTERATIONS[alter] & given, (at.words, asked)
        assert len(asked) == len(set(asked))


@pytest.mark.parametrize("alter", [insert, tighten], ids=lambda alter: alter.__name__)
def test_no_agreement_to_an_older_flow_survives_a_new_one(
    monkeypatch: pytest.MonkeyPatch, states: list[World], alter: Alter
) -> None:
    agreeing = [w for w in states if position(w).words == "archive.read_back"]
    assert agreeing
    _release(monkeypatch, alter(FLOWS["archive"]))
    for world in agreeing:
        step = say(world, "提交审核", tap=True)
        assert step.turn.effects == ()
        assert step.turn.outcome == "stale"
        assert say(world, "提交审核").turn.outcome == "moved"


def test_an_answer_to_a_renamed_question_counts(monkeypatch: pytest.MonkeyPatch, states: list[World]) -> None:
    asked = [world for world in states if position(world).words == "archive.contact"]
    assert asked
    _release(monkeypatch, rename(FLOWS["archive"]))
    for world in asked:
        assert say(world, "档案科").turn.outcome == "ok"


def test_a_mere_release_moves_nobody_anywhere(monkeypatch: pytest.MonkeyPatch, states: list[World]) -> None:
    stood = [(world, position(world).words, position(world).kept) for world in states]
    assert len({words for _, words, _ in stood}) > 22
    _release(monkeypatch, FLOWS["archive"])
    for world, words, kept in stood:
        after = event(world, Kind.IMAGE).after
        # That the identity was proven is not stored in a readable form: the six characters are asked again.
        if words in {"login.chsi", "login.rebind"}:
            assert position(after).words == "login.tail"
        else:
            assert (position(after).words, position(after).kept) == (words, kept)


def test_everybody_can_finish_after_a_release(monkeypatch: pytest.MonkeyPatch, states: list[World]) -> None:
    _release(monkeypatch, FLOWS["archive"])
    for world in states:
        if flow_of(world) in {"correction", "verification", "confirmation", "personal"}:
            after, asked = _finish(event(world, Kind.IMAGE).after)
            assert len(asked) <= 14
            assert after.talk.asked


def test_an_answer_to_a_step_that_is_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch, states: list[World]) -> None:
    world = next(world for world in states if position(world).words == "archive.read_back")
    _release(monkeypatch, remove(FLOWS["archive"]))
    after, _ = _finish(event(world, Kind.IMAGE).after)
    assert after.own is not None
    assert after.own.archive.items is not None
    assert after.own.archive.items.postcode == ""
