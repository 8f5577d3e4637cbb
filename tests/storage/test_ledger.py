"""The ledger: taken by lease, written only by whoever holds it, taken over from the dead; on every database."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.notices.delivery import LEASE, Channel, Delivery, DeliveryState
from bot.notices.scene import Halt
from bot.registration.season import Season
from storage.unit_of_work import SqlWork
from tests.telling import message

SECOND = timedelta(seconds=1)


def put(work: SqlWork, now: datetime, count: int = 1, **parts: object) -> list[Delivery]:
    made = [
        replace(message(f"m{n}", f"o{n}", "k", now + n * SECOND), **parts)  # type: ignore[arg-type]  # the values fit
        for n in range(count)
    ]
    with work.writing() as unit:
        assert all(unit.notices.add(one) for one in made)
        unit.commit()
    return made


def claim(work: SqlWork, now: datetime, owner: str = "me", most: int = 10) -> list[str]:
    with work.writing() as unit:
        found = list(unit.ledger.claim(owner, now + LEASE, now, most))
        unit.commit()
    return found


def move(work: SqlWork, delivery: Delivery, was: DeliveryState, owner: str = "me") -> bool:
    with work.writing() as unit:
        moved = unit.ledger.move(delivery, was, owner)
        unit.commit()
    return moved


def test_what_is_due_is_taken_once_the_oldest_first(work: SqlWork, now: datetime) -> None:
    made = put(work, now, 3)
    assert claim(work, now + SECOND, most=2) == [made[0].id, made[1].id]
    assert claim(work, now + SECOND, "another") == []
    assert claim(work, now + 2 * SECOND, "another") == [made[2].id]


def test_only_who_holds_it_may_write_and_only_over_the_state_it_had(work: SqlWork, now: datetime) -> None:
    (made,) = put(work, now)
    claim(work, now)
    sending = replace(made, state=DeliveryState.SENDING, channel=Channel.SERVICE, sending_at=now, attempts=1)
    assert not move(work, sending, DeliveryState.LEASED, "another")
    assert not move(work, sending, DeliveryState.QUEUED)
    assert move(work, sending, DeliveryState.LEASED)
    assert not move(work, sending, DeliveryState.LEASED)
    assert move(work, replace(sending, state=DeliveryState.ACCEPTED), DeliveryState.SENDING)
    assert not move(work, sending, DeliveryState.ACCEPTED), "nobody holds it any more"


def test_what_the_chat_showed_while_the_call_was_under_way_is_not_shown_again(work: SqlWork, now: datetime) -> None:
    (made,) = put(work, now, to_show=True)
    claim(work, now)
    with work.writing() as unit:
        assert len(unit.notices.take_held("o0", now)) == 1
        unit.commit()
    assert move(work, replace(made, state=DeliveryState.ACCEPTED, to_show=True), DeliveryState.LEASED)
    with work.writing() as unit:
        assert unit.notices.take_held("o0", now) == []


def test_a_lease_ends_unless_it_is_renewed(work: SqlWork, now: datetime) -> None:
    (made,) = put(work, now)
    claim(work, now)
    with work.writing() as unit:
        assert unit.ledger.expired(now + LEASE, 9) == []
        assert [(one.id, owner) for one, owner in unit.ledger.expired(now + LEASE + SECOND, 9)] == [(made.id, "me")]
        unit.ledger.renew("me", [made.id], now + 2 * LEASE)
        assert unit.ledger.expired(now + LEASE + SECOND, 9) == []
        unit.commit()


def test_what_is_given_back_can_be_taken_by_others_but_what_is_being_sent_is_not_given_back(
    work: SqlWork, now: datetime
) -> None:
    first, second = put(work, now, 2)
    claim(work, now + SECOND)
    move(work, replace(first, state=DeliveryState.SENDING), DeliveryState.LEASED)
    with work.writing() as unit:
        unit.ledger.release("me", [first.id, second.id], now + SECOND)
        unit.commit()
    assert claim(work, now + SECOND, "another") == [second.id]


@pytest.mark.usefixtures("season")
def test_a_scene_tells_what_the_account_may_still_get(work: SqlWork, now: datetime, season: Season) -> None:
    assert season
    at = int((now - timedelta(hours=1)).timestamp())
    with work.writing() as unit:
        talk = unit.talks.open("o0").talk
        unit.talks.save(talk, talk.heard(at, by_act=False).heard(at + 3590, by_act=True))
        unit.commit()
    states = (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.FAILED_PERM, DeliveryState.SENDING)
    for number, state in enumerate(states):
        made = replace(message(f"s{number}", "o0", "k", now), state=state, channel=Channel.SERVICE, sending_at=now)
        with work.writing() as unit:
            unit.notices.add(made)
            unit.commit()
    (made,) = put(work, now)
    claim(work, now)
    with work.reading() as unit:
        scene = unit.ledger.scene(made.id, "me", now)
        assert unit.ledger.scene(made.id, "another", now) is None
    assert scene is not None
    assert scene.delivery == replace(made, state=DeliveryState.LEASED)
    assert scene.window.spoke_at == now.replace(microsecond=0) - timedelta(hours=1)
    assert scene.window.acted_at == now.replace(microsecond=0) - 10 * SECOND
    assert (scene.window.sent_since_spoke, scene.window.sent_since_acted) == (3, 3), "what failed was not sent"
    assert scene.window.following


def test_a_halt_of_everything_closes_the_ledger_until_it_is_lifted_or_over(work: SqlWork, now: datetime) -> None:
    (made,) = put(work, now)
    with work.writing() as unit:
        unit.halts.put(Halt(None, now + SECOND, 40164, "请把地址加入白名单", now))
        unit.halts.put(Halt(None, now + 2 * SECOND, 40164, "请把地址加入白名单", now))
        unit.halts.put(Halt(Channel.MASS, None, 45028, "群发次数用完", now))
        unit.commit()
    assert claim(work, now + SECOND) == []
    with work.reading() as unit:
        assert [(halt.scope, halt.until) for halt in unit.halts.all()] == [
            (None, now + 2 * SECOND),
            (Channel.MASS, None),
        ]
    assert claim(work, now + 2 * SECOND) == [made.id]
    with work.writing() as unit:
        assert unit.halts.lift(Channel.MASS)
        assert not unit.halts.lift(Channel.MASS)
        unit.commit()


def test_what_waits_for_a_quota_can_be_hurried(work: SqlWork, now: datetime) -> None:
    (made,) = put(work, now, next_at=now + timedelta(hours=9), code=45009)
    put_other = replace(message("other", "oO", "k", now), next_at=now + timedelta(hours=9), code=-1)
    with work.writing() as unit:
        unit.notices.add(put_other)
        assert unit.ledger.hurry(45009, now) == 1
        unit.commit()
    assert claim(work, now) == [made.id]


def test_pending_is_whatever_would_still_go_out(work: SqlWork, now: datetime) -> None:
    with work.reading() as unit:
        assert not unit.ledger.has_pending()
    put(work, now, next_at=now + timedelta(days=1))
    with work.reading() as unit:
        assert unit.ledger.has_pending()


def test_the_beat_never_goes_back(work: SqlWork, now: datetime) -> None:
    with work.writing() as unit:
        assert unit.beats.last() is None
        unit.beats.beat(now)
        unit.beats.beat(now + SECOND)
        unit.beats.beat(now)
        assert unit.beats.last() == now + SECOND
        unit.commit()
