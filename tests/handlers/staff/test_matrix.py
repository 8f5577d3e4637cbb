"""The matrix proves that nobody reaches what is not theirs; it finds new routes by itself, and would speak."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

from bot.staff.policy import ALLOWED, EVERYONE, Act, Actor, Role
from handlers.staff import pages
from handlers.staff.console import Console
from tests.handlers.staff import matrix
from tests.handlers.staff.crawling import Walk, endpoint_of, send, variants
from tests.handlers.staff.matrix import World
from tests.handlers.staff.stage import raised

EVERYBODYS = {"home", "logout", "password", "change_password", "totp", "switch_totp_on", "switch_totp_off"}
"""Pages that need no act: the own account, and the way to the first room."""
READING = {Act.SEE_PROGRESS, Act.SEE_GRADUATES, Act.SEE_CORRECTIONS, Act.SEE_NOTICES, Act.SEE_AUDIT}
ASKED_BY_SCRIPTS = {"broadcast_numbers"}
"""Addresses no link leads to: a page asks them by itself. The other tests of the matrix ask them too."""
STRANGERS = {"login", "log_in", "code", "enter_code"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One school for the whole matrix: what it asks for must change nothing."""
    with raised(tmp_path_factory.mktemp("matrix")) as stage:
        yield World(stage)


def test_every_route_has_its_act_and_every_parameter_is_known(world: World) -> None:
    assert matrix.unregistered(world) == []


def test_only_the_own_account_needs_no_act(world: World) -> None:
    assert {name for name, act in world.console.acts.items() if act is None} == EVERYBODYS
    assert world.console.public == STRANGERS


def test_every_act_is_decided_for_every_role() -> None:
    assert set(ALLOWED) == set(Role)
    assert set().union(*ALLOWED.values()) == set(Act)
    assert ALLOWED[Role.AUDITOR] <= READING
    assert ALLOWED[Role.COUNSELLOR] < ALLOWED[Role.OFFICE] < ALLOWED[Role.ADMINISTRATOR] == set(Act)
    assert ALLOWED[Role.COUNSELLOR] - READING == {Act.REVEAL, Act.EXPORT}


def test_nobody_gets_in_without_login(world: World) -> None:
    assert matrix.let_in_unknown(world) == []


def test_a_role_without_the_act_is_refused_before_the_form_is_looked_at(world: World) -> None:
    before = world.rows()
    assert matrix.let_in_without_act(world) == []
    assert world.rows() == before


def test_a_foreign_graduate_is_answered_like_one_who_does_not_exist(world: World) -> None:
    assert matrix.told_about_foreign(world) == []


def test_a_counsellor_finds_no_trace_of_a_foreign_graduate(world: World) -> None:
    assert len(world.markers) > 60
    assert matrix.traced(world) == []


def test_an_unknown_record_is_not_found_by_those_who_see_everything(world: World) -> None:
    clerk = world.clerk(Role.ADMINISTRATOR)
    for rule in world.rules:
        if rule.arguments and "GET" in (rule.methods or ()):
            clerk.get(world.path(rule, "unknown"), 404)


def _reads(world: World, endpoint: str) -> bool:
    return world.console.acts.get(endpoint) in {*READING, Act.EXPORT}


def test_what_the_office_opens_and_sends_shows_a_counsellor_nothing_foreign(world: World) -> None:
    """Every link an administrator finds, and every form as it stands there, in the hands of a counsellor."""
    walk = Walk(world.clerk(Role.ADMINISTRATOR), world.stage.app, partial(_reads, world), most=2)
    seen = "".join(matrix.content(answer) for _, answer in walk.go())
    assert len([marker for marker in world.markers if marker in seen]) > len(world.markers) / 2
    clerk, wrong, before = world.clerk(Role.COUNSELLOR), list[str](), world.rows()
    for address in walk.opened:
        answer = clerk.client.get(address, buffered=True)
        wrong += matrix.traces(world, f"GET {address}", answer, *_in(world, unquote(address)))
        wrong += [] if answer.status_code < 500 else [f"GET {address}: {answer.status_code}"]
    for sheet in walk.sheets:
        if sheet.method == "POST" and is_of_the_rooms(world, sheet.address):
            for fields in variants(sheet)[:2]:
                answer = send(clerk, sheet.address, fields)
                sent = _in(world, f"{sheet.address} {fields}")
                wrong += matrix.traces(world, f"POST {sheet.address} {fields}", answer, *sent)
                wrong += [] if answer.status_code < 500 else [f"POST {sheet.address}: {answer.status_code}"]
    assert wrong == []
    assert world.rows() == before


def test_a_counsellor_who_does_everything_that_can_be_done_learns_nothing_foreign(tmp_path: Path) -> None:
    """And every page a counsellor may open was really reached, or the matrix would be proud of closed doors."""
    with raised(tmp_path) as stage:
        world = World(stage)
        walk = Walk(world.clerk(Role.COUNSELLOR), stage.app, lambda name: world.console.acts.get(name) is not None)
        assert [wrong for what, answer in walk.go() for wrong in matrix.traces(world, what, answer)] == []
        mine = {name for name, act in world.console.acts.items() if act in ALLOWED[Role.COUNSELLOR]}
        assert mine - walk.answered == ASKED_BY_SCRIPTS


def is_of_the_rooms(world: World, address: str) -> bool:
    """Tell whether a form is one of the rooms', not of the own account (logging out would end the test)."""
    return world.console.acts.get(endpoint_of(world.stage.app, address, "POST")) is not None


def _in(world: World, text: str) -> list[str]:
    return [marker for marker in world.markers if marker in text]


class _Leaky:
    """A room that does everything wrong."""

    @staticmethod
    def add_to(console: Console) -> None:
        def everybody() -> str:
            with console.office.work.reading() as uow:
                return " ".join(dossier.graduate.name for dossier in uow.registry.all_of("2023"))

        def anybody(dossier_id: str) -> str:
            with console.office.work.reading() as uow:
                found = uow.registry.by_id(dossier_id)
            return found.graduate.student_number if found else "没有"

        everybody.__name__ = "leaky_list"
        anybody.__name__ = "leaky_one"
        console.page("/leaky", Act.SEE_GRADUATES)(everybody)
        console.page("/leaky/<dossier_id>", Act.SEE_GRADUATES, ("GET", "POST"))(anybody)
        console.open_page("/leaky-open/<thing_id>")(lambda thing_id: thing_id)
        console.blueprint.add_url_rule("/leaky-forgotten", "leaky_forgotten", everybody)
        console.acts["leaky_late"] = None
        console.blueprint.add_url_rule("/leaky-late", "leaky_late", everybody)


def test_the_matrix_would_speak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ADDED", (*pages.ADDED, _Leaky))
    with raised(tmp_path) as stage:
        world = World(stage)
        assert any("/leaky-forgotten" in wrong for wrong in matrix.unregistered(world))
        assert any("<thing_id>" in wrong for wrong in matrix.unregistered(world))
        assert any("GET /staff/leaky/<dossier_id>: [200, 200]" in wrong for wrong in matrix.told_about_foreign(world))
        assert any("GET /staff/leaky (" in wrong for wrong in matrix.traced(world))


def test_the_matrix_would_see_the_loss_of_the_scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were counsellors shown everybody, every route about graduates would be named."""
    monkeypatch.setattr(Actor, "scope", property(lambda _: EVERYONE))
    with raised(tmp_path) as stage:
        world = World(stage)
        told = "\n".join((*matrix.told_about_foreign(world), *matrix.traced(world)))
        mine = [name for name, act in world.console.acts.items() if act in ALLOWED[Role.COUNSELLOR]]
        rules = [rule for rule in world.rules if rule.endpoint.removeprefix("staff.") in mine]
        assert [rule for rule in rules if rule.arguments and f"{rule}:" not in told] == []
