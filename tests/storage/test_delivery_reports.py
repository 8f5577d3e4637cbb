"""The inbox of reports: put down with one statement, taken by one, found and written in sets; on every database."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bot.errors import MovedError
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.ports import Move
from bot.notices.report import BEFORE, Report
from storage.notice_tables import delivery, delivery_report
from storage.unit_of_work import SqlWork
from tests.telling import message

SECOND = timedelta(seconds=1)
EVER = timedelta(days=1)


def report(number: int, now: datetime, **parts: object) -> Report:
    made = Report(f"{number:064}", f"7{number}", f"o{number}", now, DeliveryState.DELIVERED)
    return replace(made, **parts)  # type: ignore[arg-type]  # the values fit


def add(work: SqlWork, now: datetime, *reports: Report) -> list[bool]:
    with work.writing() as unit:
        added = [unit.reports.add(one, now) for one in reports]
        unit.commit()
    return added


def to_match(work: SqlWork, now: datetime, most: int = 9) -> list[Report]:
    with work.writing() as unit:
        return list(unit.reports.to_match(now, most))


def put(work: SqlWork, now: datetime, number: int, **parts: object) -> Delivery:
    made = replace(
        message(f"m{number}", f"o{number}", "k", now, {"name": "王小明"}),
        **{  # type: ignore[arg-type]  # the values fit
            "state": DeliveryState.ACCEPTED,
            "channel": Channel.TEMPLATE,
            "sending_at": now,
            "message_id": f"7{number}",
            "to_show": True,
            **parts,
        },
    )
    with work.writing() as unit:
        assert unit.notices.add(made)
        unit.commit()
    return replace(made, data={})


def row(engine: Engine, id_: str) -> dict[str, object]:
    with engine.connect() as connection:
        found = connection.execute(select(delivery).where(delivery.c.id == id_)).one()
    return dict(found._mapping)  # noqa: SLF001 -- the documented name of a row's mapping


def test_a_report_comes_back_as_it_was(work: SqlWork, now: datetime) -> None:
    mass = report(1, now, openid="", state=DeliveryState.FAILED_TEMP, reason=Reason.PLATFORM, counts={"SentCount": 7})
    assert add(work, now + SECOND, mass) == [True]
    assert to_match(work, now + SECOND) == [replace(mass, received_at=now + SECOND)]


def test_a_report_that_comes_twice_is_one_and_undoes_nothing(
    work: SqlWork, now: datetime, statements: list[str]
) -> None:
    statements.clear()
    again = report(1, now, state=DeliveryState.FAILED_PERM, tries=3)
    assert add(work, now, report(1, now), again, report(2, now)) == [True, False, True]
    assert add(work, now + SECOND, again) == [False]
    assert [statement.split()[0] for statement in statements] == ["INSERT"] * 4
    assert [one.state for one in to_match(work, now)] == [DeliveryState.DELIVERED] * 2


def test_reports_are_looked_at_the_oldest_first_when_they_are_due(work: SqlWork, now: datetime) -> None:
    for number in (3, 1, 2):
        add(work, now + number * SECOND, report(number, now))
    assert [one.openid for one in to_match(work, now + 2 * SECOND)] == ["o1", "o2"]
    assert [one.openid for one in to_match(work, now + EVER, most=1)] == ["o1"]


# SQLite has one writer, so that two cannot look at once.
@pytest.mark.parametrize(
    "database_url",
    [pytest.param("postgresql", marks=pytest.mark.postgresql), pytest.param("mariadb", marks=pytest.mark.mariadb)],
    indirect=True,
)
def test_what_one_looks_at_no_other_does(work: SqlWork, now: datetime) -> None:
    add(work, now, *(report(number, now) for number in range(3)))
    with work.writing() as one, work.writing() as other:
        first = [each.key for each in one.reports.to_match(now, 2)]
        second = [each.key for each in other.reports.to_match(now, 2)]
    assert len(first) == 2
    assert len(second) == 1
    assert not set(first) & set(second)


def test_put_off_counts_the_looks_and_settled_is_not_looked_at_again(
    work: SqlWork, engine: Engine, now: datetime
) -> None:
    add(work, now, *(report(number, now) for number in range(4)))
    keys = [f"{number:064}" for number in range(4)]
    with work.writing() as unit:
        assert unit.reports.unmatched() == 4
        unit.reports.put_off(keys[:2], now + SECOND)
        unit.reports.put_off(keys[2:3], None)
        unit.reports.settle({keys[3]: "d" * 32})
        assert unit.reports.unmatched() == 2
        unit.commit()
    assert to_match(work, now) == []
    assert [(one.openid, one.tries) for one in to_match(work, now + SECOND)] == [("o0", 1), ("o1", 1)]
    with engine.connect() as connection:
        found = connection.execute(select(delivery_report.c.delivery_id).order_by(delivery_report.c.key)).scalars()
        assert list(found) == ["", "", "", "d" * 32]


def test_deliveries_are_found_in_one_question_by_identifier_and_account(
    work: SqlWork, now: datetime, statements: list[str]
) -> None:
    one, two = put(work, now, 1), put(work, now, 2, channel=Channel.SUBSCRIPTION, state=DeliveryState.UNKNOWN)
    put(work, now, 3, channel=Channel.SERVICE)
    put(work, now, 4, message_id="")
    later = put(work, now, 5, openid="o1", message_id="71", sending_at=now + SECOND, once="later", id="5" * 32)
    reports = [report(number, now) for number in range(1, 5)]
    doubled = replace(reports[1], key="d" * 64)
    stranger = replace(reports[0], key="s" * 64, openid="oStranger")
    statements.clear()
    with work.reading() as unit:
        found = unit.reports.about([*reports, doubled, stranger])
    assert found == {reports[0].key: later, reports[1].key: two, doubled.key: two}
    assert one.state is DeliveryState.ACCEPTED
    assert len(statements) == 1


def test_what_has_no_identifier_yet_is_found_by_account_and_time(work: SqlWork, now: datetime) -> None:
    states = list(DeliveryState)
    for number, state in enumerate(states):
        put(work, now, number, state=state, message_id="", openid="o")
        put(work, now, 20 + number, state=state, message_id="", openid="o", unsure_since=now)
    put(work, now, 50, message_id="", openid="o", channel=Channel.SERVICE)
    put(work, now, 51, message_id="", openid="o", sending_at=now - BEFORE - SECOND)
    put(work, now, 52, openid="o")
    put(work, now, 53, message_id="")
    with work.reading() as unit:
        found = unit.reports.unnamed([report(1, now, openid="o"), report(2, now + EVER)])
    open_ = {DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN}
    expected = [(state, is_unsure) for state in open_ for is_unsure in (False, True)]
    expected += [(DeliveryState.QUEUED, True), (DeliveryState.LEASED, True)]
    assert sorted(((one.state, one.unsure_since is not None) for one in found), key=str) == sorted(expected, key=str)


def test_new_states_are_written_in_sets_and_nothing_else_of_the_delivery(
    work: SqlWork, engine: Engine, now: datetime, statements: list[str]
) -> None:
    made = [put(work, now, number) for number in range(6)]
    before = row(engine, made[0].id)
    moves = [Move(one, replace(one, state=DeliveryState.DELIVERED)) for one in made[:4]]
    moves += [Move(one, replace(one, state=DeliveryState.FAILED_PERM, reason=Reason.BLOCKED)) for one in made[4:]]
    statements.clear()
    with work.writing() as unit:
        unit.reports.apply(moves)
        unit.reports.apply([])
        unit.commit()
    assert len(statements) == 2
    assert row(engine, made[0].id) == before | {"state": "DELIVERED"}
    failed = row(engine, made[5].id)
    assert (failed["state"], failed["reason"], failed["to_show"]) == ("FAILED_PERM", "BLOCKED", True)


def test_a_delivery_that_moved_meanwhile_is_not_written_over(work: SqlWork, engine: Engine, now: datetime) -> None:
    one, other = put(work, now, 1), put(work, now, 2, state=DeliveryState.FAILED_PERM)
    moves = [Move(each, replace(each, state=DeliveryState.DELIVERED)) for each in (one, other)]
    stale = replace(moves[1].old, state=DeliveryState.ACCEPTED)
    with pytest.raises(MovedError), work.writing() as unit:
        unit.reports.apply([moves[0], moves[1]._replace(old=stale)])
    assert row(engine, one.id)["state"] == "ACCEPTED"
    assert row(engine, other.id)["state"] == "FAILED_PERM"


def test_a_delivery_is_recognised_once_and_its_worker_keeps_nothing(
    work: SqlWork, engine: Engine, now: datetime
) -> None:
    waiting = replace(message("m1", "o1", "k", now), channel=Channel.TEMPLATE)
    with work.writing() as unit:
        unit.notices.add(waiting)
        (id_,) = unit.ledger.claim("w", now + EVER, now, 1)
        sending = replace(waiting, state=DeliveryState.SENDING, sending_at=now, attempts=1, to_show=True)
        assert unit.ledger.move(sending, DeliveryState.LEASED, "w")
        unit.commit()
    move = Move(sending, replace(sending, state=DeliveryState.DELIVERED, message_id="71"))
    with work.writing() as unit:
        assert unit.reports.recognise(move)
        assert not unit.reports.recognise(move)
        # The worker's own word comes later: it changes no state, and the identifier is not another one.
        assert not unit.ledger.move(replace(sending, state=DeliveryState.UNKNOWN), DeliveryState.SENDING, "w")
        unit.ledger.note_message(id_, "72")
        unit.commit()
    found = row(engine, id_)
    names = ("state", "message_id", "lease_owner", "lease_until", "to_show")
    assert [found[name] for name in names] == ["DELIVERED", "71", "", None, True]
