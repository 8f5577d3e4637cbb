"""The mass batches: who waits, batches stored whole or not at all, members that follow; on every database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select, update

from bot.errors import MovedError
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.mass import LEASE, MassBatch, asked_later, begun
from bot.notices.settling import skipped
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.registration.stage import Stage
from storage.cipher import FieldCipher
from storage.delivery_rows import new_row
from storage.notice_tables import broadcast, delivery, mass_batch
from storage.tables import graduate, talk
from storage.unit_of_work import SqlWork
from tests.storage.conftest import new_id

SECOND = timedelta(seconds=1)
Put = Callable[..., list[Delivery]]


@pytest.fixture
def sent(work: SqlWork, season: Season, now: datetime) -> Broadcast:
    """A running broadcast that may use mass messages."""
    made = Broadcast(
        id=new_id(),
        season_id=season.id,
        message=Message("标题", "正文", use_mass=True),
        audience=Audience(UNCONFIRMED),
        created=Signature("a" * 32, "张老师", now),
        state=BroadcastState.RUNNING,
        started_at=now,
        frozen_at=now,
    )
    with work.writing() as unit:
        assert unit.broadcasts.add(made)
        unit.commit()
    return made


@pytest.fixture
def put(
    work: SqlWork,
    engine: Engine,
    cipher: FieldCipher,
    sent: Broadcast,
    plain: Callable[[int], Dossier],
    now: datetime,
) -> Put:
    """Puts people and their deliveries, waiting for a mass message, into the database."""

    def make(count: int, first: int = 0, **parts: object) -> list[Delivery]:
        people = [replace(plain(n), openid=f"o{n}") for n in range(first, first + count)]
        made = [_waiting(sent, one, now, **parts) for one in people]
        with work.writing() as unit:
            unit.registry.add_many(people)
            unit.commit()
        with engine.connect() as connection:
            connection.execute(insert(delivery), [dict(new_row(one, cipher)) for one in made])
        return sorted(made, key=lambda one: one.id)

    return make


def _waiting(of: Broadcast, who: Dossier, now: datetime, **parts: object) -> Delivery:
    made = Delivery(
        id=new_id(),
        openid=who.openid or "",
        key="",
        data={},
        once=f"broadcast:{of.id}:{who.id}",
        created_at=now,
        broadcast_id=of.id,
        graduate_id=who.id,
        channel=Channel.MASS,
        why="本月还能收 4 条群发",
    )
    return replace(made, **parts)  # type: ignore[arg-type]  # the values fit


def batch_of(members: Sequence[Delivery], now: datetime, owner: str = "me") -> MassBatch:
    batch = MassBatch(new_id(), members[0].broadcast_id, DeliveryState.QUEUED, len(members), now)
    return begun(batch, owner, now)


def add(work: SqlWork, batch: MassBatch, members: Sequence[Delivery]) -> MassBatch | None:
    with work.writing() as unit:
        added = unit.batches.add(batch, members, UNCONFIRMED)
        if added:
            unit.commit()
    return added


def move(work: SqlWork, old: MassBatch, new: MassBatch) -> bool:
    with work.writing() as unit:
        moved = unit.batches.move(old, new)
        unit.commit()
    return moved


def waiting(work: SqlWork, of: Broadcast, now: datetime) -> list[str]:
    with work.reading() as unit:
        return [scene.delivery.id for scene in unit.batches.waiting(of.id, now)]


def row(engine: Engine, id_: str) -> dict[str, object]:
    with engine.connect() as connection:
        found = connection.execute(select(delivery).where(delivery.c.id == id_)).one()
    return dict(found._mapping)  # noqa: SLF001 -- the documented name of a row's mapping


def stored(work: SqlWork, of: Broadcast) -> list[MassBatch]:
    with work.reading() as unit:
        return list(unit.batches.of(of.id))


def states(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        rows = connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
        return {row[0]: row[1] for row in rows}


def test_who_waits_is_told_with_person_and_window_as_of_now(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    (one,) = put(1)
    with engine.connect() as connection:
        connection.execute(update(graduate).values(openid="o-another", stage=Stage.UNCONFIRMED.name))
        values = {"openid": "o-another", "seq": 1, "following": False, "at": 1, "spoke_at": 7, "memory": b""}
        connection.execute(insert(talk), values)
    with work.reading() as unit:
        (scene,) = unit.batches.waiting(sent.id, now)
    assert scene.delivery == one
    assert (scene.broadcast_state, scene.broadcast_version, scene.not_after) == (BroadcastState.RUNNING, 1, None)
    assert scene.person is not None
    assert (scene.person.openid, scene.person.stage) == ("o-another", Stage.UNCONFIRMED)
    assert not scene.window.following, "of the account bound now"


def test_mass_messages_of_this_month_are_counted_for_who_waits(
    work: SqlWork, engine: Engine, cipher: FieldCipher, sent: Broadcast, put: Put, now: datetime
) -> None:
    (one,) = put(1)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    moments = (month - SECOND, month, now)
    earlier = [
        replace(one, id=new_id(), once=str(moment), broadcast_id="", state=DeliveryState.ACCEPTED, sending_at=moment)
        for moment in moments
    ]
    with engine.connect() as connection:
        connection.execute(insert(delivery), [dict(new_row(each, cipher)) for each in earlier])
    with work.reading() as unit:
        (scene,) = unit.batches.waiting(sent.id, now)
    assert scene.window.mass_this_month == 2


def test_who_waits_for_a_later_time_is_not_due_but_counted(
    work: SqlWork, sent: Broadcast, put: Put, now: datetime
) -> None:
    first = put(1)
    later = put(1, 1, next_at=now + SECOND)
    assert waiting(work, sent, now) == [first[0].id]
    assert set(waiting(work, sent, now + SECOND)) == {first[0].id, later[0].id}
    with work.reading() as unit:
        assert unit.batches.waiting_count(sent.id) == 2


def test_who_goes_another_way_does_not_wait(work: SqlWork, sent: Broadcast, put: Put, now: datetime) -> None:
    put(1, 0, channel=None, next_at=now)
    put(1, 1, channel=Channel.TEMPLATE, next_at=now)
    put(1, 2, state=DeliveryState.ACCEPTED)
    assert waiting(work, sent, now) == []
    with work.reading() as unit:
        assert unit.batches.waiting_count(sent.id) == 0


def test_who_was_tried_as_often_stands_together(work: SqlWork, sent: Broadcast, put: Put, now: datetime) -> None:
    fresh, tried = put(2), put(2, 2, attempts=3)
    assert waiting(work, sent, now) == [*(one.id for one in tried), *(one.id for one in fresh)]


def test_who_is_left_out_is_written_with_the_reason(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    done, alone, stays = put(3)
    to_call = replace(skipped(alone, Reason.ALONE), to_show=True)
    with work.writing() as unit:
        unit.batches.leave_out([skipped(done, Reason.DONE), to_call])
        unit.commit()
    first, second = row(engine, done.id), row(engine, alone.id)
    assert (first["state"], first["reason"], first["channel"], first["to_show"]) == ("SKIPPED", "DONE", None, False)
    assert (second["state"], second["reason"], second["to_show"]) == ("SKIPPED", "ALONE", True)
    assert waiting(work, sent, now) == [stays.id]


def test_a_batch_is_stored_with_its_members_as_being_sent(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(3, to_show=True)
    batch = batch_of(members, now)
    assert add(work, batch, members)
    assert stored(work, sent) == [batch]
    one = row(engine, members[0].id)
    assert (one["state"], one["batch_id"], one["sending_at"], one["attempts"]) == ("SENDING", batch.id, now, 1)
    assert (one["next_at"], one["lease_owner"]) == (None, ""), "the batch has the lease"
    assert not one["to_show"], "they read the whole text"
    assert waiting(work, sent, now) == []
    with work.reading() as unit:
        assert unit.batches.waiting_count(sent.id) == 3
        assert unit.broadcasts.has_open(sent.id)
        assert unit.batches.openids(batch.id) == [member.openid for member in members]


def test_it_goes_to_the_account_bound_now(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    first, second = put(2)
    with engine.connect() as connection:
        connection.execute(update(graduate).where(graduate.c.id == second.graduate_id).values(openid="o-new"))
    batch = batch_of([first, second], now)
    assert add(work, batch, [first, second]) == batch
    assert row(engine, second.id)["openid"] == "o-new"
    with work.reading() as unit:
        assert unit.batches.openids(batch.id) == [first.openid, "o-new"]
        assert unit.batches.of(sent.id) == [batch]


@pytest.mark.parametrize("parts", [{"stage": Stage.VERIFIED.name}, {"openid": None}, {"openid": ""}])
def test_who_moved_on_a_moment_ago_stays_outside(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime, parts: dict[str, object]
) -> None:
    members = put(4)
    with work.writing() as unit:
        unit.batches.leave_out([skipped(members[1], Reason.DONE)])
        unit.commit()
    with engine.connect() as connection:
        connection.execute(update(graduate).where(graduate.c.id == members[2].graduate_id).values(**parts))
    batch = batch_of(members, now)
    assert add(work, batch, members) == replace(batch, size=2)
    assert states(engine) == {"SENDING": 2, "SKIPPED": 1, "QUEUED": 1}
    assert stored(work, sent) == [replace(batch, size=2)]
    assert waiting(work, sent, now) == [members[2].id]


def test_a_batch_is_not_stored_if_only_one_is_left_of_it(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(2)
    with work.writing() as unit:
        unit.batches.leave_out([skipped(members[1], Reason.DONE)])
        unit.commit()
    assert add(work, batch_of(members, now), members) is None
    assert stored(work, sent) == []
    assert states(engine) == {"QUEUED": 1, "SKIPPED": 1}


def test_what_one_worker_has_no_other_gets(work: SqlWork, sent: Broadcast, put: Put, now: datetime) -> None:
    members = put(4)
    batch = batch_of(members, now)
    assert add(work, batch, members)
    assert not add(work, batch_of(members, now, "another"), members)
    assert stored(work, sent) == [batch]


def test_two_workers_at_the_same_moment_share_nobody(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(1200)

    def try_to_add(owner: str) -> MassBatch | None:
        try:
            return add(work, batch_of(members, now, owner), members)
        except MovedError:
            return None

    with ThreadPoolExecutor(2) as pool:
        made = [batch for batch in pool.map(try_to_add, ["one", "another"]) if batch]
    assert sorted(batch.id for batch in stored(work, sent)) == sorted(batch.id for batch in made)
    assert sum(batch.size for batch in made) == states(engine)["SENDING"] <= len(members)
    with work.reading() as unit:
        accounts = [openid for batch in made for openid in unit.batches.openids(batch.id)]
    assert len(accounts) == len(set(accounts)) == states(engine)["SENDING"]


def test_members_follow_their_batch(work: SqlWork, engine: Engine, put: Put, now: datetime) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    accepted = replace(batch, state=DeliveryState.ACCEPTED, message_id="71", lease_owner="", lease_until=None)
    assert move(work, batch, accepted)
    one = row(engine, members[0].id)
    assert (one["state"], one["message_id"], one["batch_id"]) == ("ACCEPTED", "", batch.id)
    with work.reading() as unit:
        assert unit.batches.by_message("71") == accepted
        assert unit.batches.by_message("72") is None
        assert unit.batches.by_message("") is None
    failed = replace(accepted, state=DeliveryState.FAILED_TEMP, reason=Reason.PLATFORM, code=-1)
    assert move(work, accepted, failed)
    one = row(engine, members[1].id)
    assert (one["state"], one["reason"], one["code"], one["to_show"]) == ("FAILED_TEMP", "PLATFORM", -1, True)


def test_a_batch_that_is_repeated_keeps_its_members(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    unsure = replace(batch, state=DeliveryState.QUEUED, unsure_since=now, next_at=now + SECOND, lease_owner="")
    assert move(work, batch, unsure)
    one = row(engine, members[0].id)
    assert (one["state"], one["next_at"], one["unsure_since"]) == ("QUEUED", now + SECOND, now)
    assert one["batch_id"] == batch.id
    assert waiting(work, sent, now + SECOND) == []
    again = begun(unsure, "another", now + SECOND)
    assert move(work, unsure, again)
    one = row(engine, members[0].id)
    assert (one["state"], one["attempts"], one["sending_at"]) == ("SENDING", 2, now + SECOND)


def test_a_batch_that_is_taken_apart_sets_its_members_free(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    apart = replace(batch, state=DeliveryState.SKIPPED, attempts=0, next_at=now + SECOND, code=45009, lease_owner="")
    assert move(work, batch, apart)
    one = row(engine, members[0].id)
    assert (one["state"], one["channel"], one["batch_id"]) == ("QUEUED", "MASS", "")
    assert (one["attempts"], one["next_at"], one["code"]) == (0, now + SECOND, 45009)
    assert waiting(work, sent, now + SECOND) == [member.id for member in members]


def test_a_channel_that_refused_is_not_offered_to_its_members_again(
    work: SqlWork, engine: Engine, put: Put, now: datetime
) -> None:
    members = [*put(1), *put(1, 1, refused=frozenset({Channel.SERVICE}))]
    batch = batch_of(members, now)
    add(work, batch, members)
    refused = replace(batch, state=DeliveryState.SKIPPED, reason=Reason.NO_CHANNEL, next_at=now, lease_owner="")
    assert move(work, batch, refused)
    found = [row(engine, member.id) for member in members]
    assert [(one["state"], one["channel"], one["reason"]) for one in found] == [("QUEUED", None, None)] * 2
    assert [one["refused"] for one in found] == ["MASS", "SERVICE MASS"]


def test_members_somebody_moved_meanwhile_stay_there(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    members = put(3)
    batch = batch_of(members, now)
    add(work, batch, members)
    unsure = replace(batch, state=DeliveryState.QUEUED, unsure_since=now, next_at=now, lease_owner="")
    move(work, batch, unsure)
    with work.writing() as unit:
        unit.broadcasts.cancel_rest(sent.id)
        unit.commit()
    assert states(engine) == {"UNKNOWN": 3}
    assert move(work, unsure, begun(unsure, "me", now))
    assert states(engine) == {"UNKNOWN": 3}


@pytest.mark.parametrize(
    "moved",
    [
        {"state": DeliveryState.ACCEPTED},
        {"attempts": 2},
        {"lease_owner": "another"},
        {"counts": {"TotalCount": 2}},
        {"next_at": datetime.fromisoformat("2023-06-01T00:00:00+00:00")},
    ],
)
def test_a_batch_that_moved_is_not_written_over(
    work: SqlWork, engine: Engine, put: Put, now: datetime, moved: dict[str, object]
) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    other = replace(batch, **moved)  # type: ignore[arg-type]  # the values fit
    assert move(work, batch, other)
    assert not move(work, batch, replace(batch, state=DeliveryState.UNKNOWN))
    with work.reading() as unit:
        assert unit.batches.of(batch.broadcast_id) == [other]
    assert "UNKNOWN" not in states(engine)


def test_what_is_to_do_is_due_again_or_left_by_a_worker(
    work: SqlWork, sent: Broadcast, put: Put, now: datetime
) -> None:
    left, again = put(2), put(2, 2)
    batch, other = batch_of(left, now), batch_of(again, now + SECOND)
    add(work, batch, left)
    add(work, other, again)
    unsure = replace(other, state=DeliveryState.QUEUED, unsure_since=now, next_at=now + 5 * SECOND, lease_owner="")
    move(work, other, unsure)
    with work.reading() as unit:
        assert unit.batches.to_do(now + LEASE - SECOND) == [unsure]
        assert unit.batches.to_do(now + 4 * SECOND) == []
        assert unit.batches.to_do(now + LEASE + SECOND) == [batch, unsure]
        assert unit.batches.of(sent.id) == [batch, unsure]


def test_jobs_are_asked_about_until_they_are_reported(work: SqlWork, put: Put, now: datetime) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    accepted = replace(batch, state=DeliveryState.ACCEPTED, message_id="71", next_at=now + SECOND)
    move(work, batch, accepted)
    with work.reading() as unit:
        assert unit.batches.to_ask(now, 9) == []
        assert unit.batches.to_ask(now + SECOND, 9) == [accepted]
        assert unit.batches.to_ask(now + SECOND, 0) == []
    later = asked_later(accepted, now + SECOND)
    assert move(work, accepted, later)
    assert not move(work, accepted, later), "another worker asks already"
    reported = replace(later, counts={"TotalCount": 2, "SentCount": 1})
    assert move(work, later, reported)
    with work.reading() as unit:
        assert unit.batches.to_ask(now + LEASE * 60, 9) == []
        assert unit.batches.by_message("71") == reported


def test_the_identifier_of_a_job_can_be_noted_later(work: SqlWork, put: Put, now: datetime) -> None:
    members = put(2)
    batch = batch_of(members, now)
    add(work, batch, members)
    move(work, batch, replace(batch, state=DeliveryState.UNKNOWN))
    with work.writing() as unit:
        unit.batches.note_message(batch.id, "71")
        unit.batches.note_message(batch.id, "72")
        unit.commit()
    with work.reading() as unit:
        found = unit.batches.by_message("71")
    assert found is not None
    assert (found.id, found.state) == (batch.id, DeliveryState.UNKNOWN)


def test_cancelling_skips_who_waits(work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime) -> None:
    put(3)
    with work.writing() as unit:
        unit.broadcasts.cancel_rest(sent.id)
        unit.commit()
    assert states(engine) == {"SKIPPED": 3}
    assert waiting(work, sent, now) == []


def test_a_full_batch_and_more_wait_and_go(
    work: SqlWork, engine: Engine, sent: Broadcast, put: Put, now: datetime
) -> None:
    made = put(12_000)
    with work.reading() as unit:
        assert unit.batches.waiting_count(sent.id) == 12_000
        assert sum(1 for _ in unit.batches.waiting(sent.id, now)) == 12_000
    batch = batch_of(made[:10_000], now)
    assert add(work, batch, made[:10_000])
    assert move(work, batch, replace(batch, state=DeliveryState.ACCEPTED, message_id="71"))
    with work.writing() as unit:
        unit.batches.leave_out([skipped(one, Reason.DONE) for one in made[10_000:]])
        unit.commit()
    assert states(engine) == {"ACCEPTED": 10_000, "SKIPPED": 2_000}
    with work.reading() as unit:
        assert len(unit.batches.openids(batch.id)) == 10_000
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(mass_batch)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(broadcast)).scalar_one() == 1
