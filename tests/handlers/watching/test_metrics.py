"""What /metrics tells: counts by endpoint, gauges from the database, bounded whatever visitors ask for."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, insert

from bot.notices.delivery import LEASE, Channel
from bot.notices.scene import Halt
from handlers.watching import exposition
from handlers.watching.exposition import Exposition
from storage.faults import StoreError
from storage.queue_facts import QueueFacts, count_queues
from storage.tables import footstep
from tests.handlers.watching.conftest import House
from tests.telling import message

SECOND = timedelta(seconds=1)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return all samples: name and label values → value."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, *(str(value) for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def told(house: House) -> dict[tuple[str, ...], float]:
    status, text = house.looks("/metrics")
    assert status == 200
    return samples(text)


def now() -> datetime:
    return datetime.now(UTC)


def test_requests_are_counted_by_endpoint_and_status(house: House) -> None:
    before = told(house)
    for _ in range(3):
        house.visitor.get("/r/a-token-nobody-may-see")
    house.visitor.post("/wechat", data="nonsense")
    after = told(house)
    key = ("quxiang_http_requests_total", "report.show", "404")
    endpoints = {key for key in after if key[0] == "quxiang_http_requests_total"}
    assert ("quxiang_http_requests_total", "wechat.take_push", "403") in endpoints, endpoints
    grown = {key: after[key] - before.get(key, 0) for key in endpoints if after[key] != before.get(key, 0)}
    assert sum(value for (_, endpoint, _), value in grown.items() if endpoint.startswith("report.")) == 3, (grown, key)
    assert after["quxiang_http_request_seconds_count", "wechat.take_push"] >= 1
    assert "a-token-nobody-may-see" not in house.looks("/metrics")[1]


def test_addresses_nobody_has_make_no_new_series(house: House) -> None:
    for number in range(50):
        house.visitor.get(f"/nowhere/{number}")
        house.visitor.open("/wechat", method=f"ODD{number}")
    first = len(told(house))
    for number in range(50, 100):
        house.visitor.get(f"/nowhere/{number}")
        house.visitor.open("/wechat", method=f"ODD{number}")
    assert len(told(house)) == first


def test_the_queue_is_told_as_it_is(house: House) -> None:
    work = house.installation.work
    with work.writing() as uow:
        for number in range(3):
            uow.notices.add(message(f"m{number}", "o1", "k", now() - 60 * SECOND))
        uow.notices.add(message("later", "o1", "k", now() + timedelta(hours=1)))
        uow.halts.put(Halt(Channel.TEMPLATE, None, 45009, "x", now()))
        uow.beats.beat(now() - 20 * SECOND)
        uow.commit()
    with work.writing() as uow:
        assert len(uow.ledger.claim("dead", now() - 30 * SECOND, now(), 1)) == 1
        uow.commit()
    seen = told(house)
    assert seen["quxiang_deliveries", "system", "queued"] == 3
    assert seen["quxiang_deliveries", "system", "leased"] == 1
    assert 60 <= seen["quxiang_delivery_overdue_seconds", "system"] < 90
    assert seen["quxiang_delivery_overdue_seconds", "broadcast"] == 0
    assert 30 <= seen["quxiang_lease_overdue_seconds",] < 60
    assert seen["quxiang_reports_unmatched",] == 0
    assert seen["quxiang_halted", "template"] == 1
    assert seen["quxiang_halted", "all"] == 0
    assert 20 <= seen["quxiang_worker_beat_age_seconds",] < 50
    assert seen["quxiang_facts_age_seconds",] < 5


def walk(engine: Engine, step: str, outcome: str, ago: timedelta) -> None:
    values = {"who": "", "rev": "r", "step": step, "outcome": outcome, "to_step": "x.y", "at": now() - ago}
    with engine.connect() as connection:
        connection.execute(insert(footstep).values(values))


def test_turns_of_the_last_hour_are_told_by_question_and_outcome_on_every_database(
    open_house: Callable[..., House], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house(database_url)
    engine = house.installation.engine
    for _ in range(2):
        walk(engine, "login.name", "ok", timedelta(minutes=5))
    walk(engine, "login.name", "unclear", timedelta(minutes=5))
    walk(engine, "login.name", "ok", timedelta(hours=2))
    seen = told(house)
    assert seen["quxiang_turns_last_hour", "login", "ok", "name"] == 2
    assert seen["quxiang_turns_last_hour", "login", "unclear", "name"] == 1
    monkeypatch.setattr("storage.queue_facts._MOST_TURNS", 1)
    facts = count_queues(engine, now())
    assert dict(facts.turns) == {("login.name", "ok"): 2}, "the frequent ones"


def facts(**parts: object) -> QueueFacts:
    empty: dict[str, object] = {
        "queue": {},
        "oldest_due": {},
        "oldest_lease": None,
        "unmatched": 0,
        "broadcasts": {},
        "batches": {},
        "turns": {},
        "talks": 0,
        "stages": {},
        "halts": (),
        "per_second": None,
        "beat": None,
    }
    return QueueFacts(**(empty | parts))  # type: ignore[arg-type]  # the values fit


def test_many_scrapes_ask_the_database_once_in_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def count(_: datetime) -> QueueFacts:
        asked.append(1)
        return facts(talks=len(asked))

    shown = Exposition(count, now)
    for _ in range(20):
        assert b"quxiang_talks 1.0" in shown.text()
    monkeypatch.setattr(exposition, "FRESH_FOR", 0.0)
    monkeypatch.setattr(exposition, "_SHARE", 0)
    assert b"quxiang_talks 2.0" in shown.text()


def test_what_takes_long_to_count_is_counted_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def count(_: datetime) -> QueueFacts:
        asked.append(1)
        time.sleep(0.05)
        return facts()

    monkeypatch.setattr(exposition, "FRESH_FOR", 0.0)
    shown = Exposition(count, now)
    end = time.monotonic() + 0.6
    while time.monotonic() < end:
        shown.text()
    assert len(asked) == 1, "for the next second and more the database has rest"


def test_a_database_that_does_not_answer_leaves_the_other_numbers_and_says_how_old_the_last_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exposition, "BUDGET", 0.1)
    go, silent = threading.Event(), Exposition(lambda _: facts(talks=int(go.wait(30))), now)
    began = time.monotonic()
    text = silent.text()
    assert time.monotonic() - began < 1
    assert b"quxiang_facts_age_seconds +Inf" in text
    assert b"quxiang_talks" not in text
    assert b"quxiang_http_requests" in text
    go.set()

    def broken(_: datetime) -> QueueFacts:
        raise StoreError

    assert b"quxiang_facts_age_seconds +Inf" in Exposition(broken, now).text()


def test_leases_in_force_are_not_overdue(house: House) -> None:
    with house.installation.work.writing() as uow:
        uow.notices.add(message("m", "o1", "k", now()))
        uow.ledger.claim("alive", now() + LEASE, now(), 1)
        uow.commit()
    assert told(house)["quxiang_lease_overdue_seconds",] == 0
