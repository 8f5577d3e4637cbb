"""The identity commands free what is locked or bound, and the audit log names the command line."""

from dataclasses import replace

from app import build
from bot.use_cases.receive_message import guard_subject
from handlers.settings import read_settings
from tests.handlers.commands.stage import Desk
from tests.handlers.report.sample import NOW, registered

NUMBER = registered().graduate.student_number


def test_a_locked_number_is_freed_a_binding_taken_away_and_both_are_written_down(desk: Desk) -> None:
    made = build(read_settings(desk.config, {}))
    own = replace(registered(), openid="oIdentity")
    subject = guard_subject(own.season_id, NUMBER)
    with made.work.writing() as uow:
        uow.registry.add_many([own])
        for _ in range(5):
            uow.guards.fail((subject,), NOW)
        uow.commit()
    assert "已解锁" in desk.types("identity", "unlock", NUMBER).output
    assert "已解除绑定" in desk.types("identity", "unbind", NUMBER).output
    with made.work.reading() as uow:
        found = uow.registry.by_student_number(own.season_id, NUMBER)
        locked = uow.guards.locked_until((subject,), NOW)
        entries = list(uow.audit.of(own.id, 9))
    made.client.close()
    made.engine.dispose()
    assert found is not None
    assert (found.openid, locked) == (None, None)
    assert [(entry.actor_id, entry.action) for entry in entries] == [("command", "UNBOUND"), ("command", "UNLOCKED")]


def test_a_number_nobody_has_is_said_so(desk: Desk) -> None:
    result = desk.types("identity", "unlock", "20990001")
    assert result.exit_code != 0
    assert "没有这个学号" in result.output
