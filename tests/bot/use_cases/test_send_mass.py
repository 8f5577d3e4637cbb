"""Mass messages from end to end: the ledger leaves people over, batches reach them, and whoever dies loses nothing."""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import MOST_ATTEMPTS, RESENDABLE, Channel, DeliveryState, Reason
from bot.notices.mass import ASK_EVERY, LEASE, REPEAT_AFTER, MassBatch, counted
from bot.notices.parcel import MassState, Parcel
from bot.notices.report import Report
from bot.notices.scene import Halt
from bot.notices.settling import Sent, Verdict
from bot.registration.dossier import Confirmation, Dossier
from bot.registration.identity_number import IdentityNumber
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.send_deliveries import Means, Sender
from bot.use_cases.send_mass import TOO_LONG, MassMeans, run_mass
from handlers.wechat.rendering import render
from storage.notice_tables import broadcast as broadcast_table
from storage.notice_tables import delivery
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.use_cases.stage import EvenPace, Stage

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TEXT = "{届别}毕业生：去向登记确认 {截止日期} 截止，{就业办}电话 {就业办电话}。"


class KilledError(Exception):
    """The worker died."""


@dataclass
class MassPost:
    """A post that keeps what it is given; ``answers`` come one after the other, then everything is accepted."""

    answers: list[Sent] = field(default_factory=list)
    job: MassState = MassState.UNKNOWN
    channels: frozenset[Channel] = frozenset({Channel.SERVICE, Channel.MASS})
    sent: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def send(self, parcel: Parcel) -> Sent:
        raise AssertionError(parcel.id)

    def send_mass(self, batch_id: str, openids: Sequence[str], text: str) -> Sent:
        self.sent.append((batch_id, tuple(openids), text))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        return self.answers.pop(0) if self.answers else Sent(Verdict.ACCEPTED, f"7{len(self.sent)}")

    def mass_state(self, message_id: str) -> MassState:
        self.asked.append(message_id)
        return self.job

    def has_quota(self, channel: Channel) -> bool | None:
        return channel in self.channels

    @property
    def batches(self) -> list[str]:
        return [batch_id for batch_id, _, _ in self.sent]

    @property
    def sizes(self) -> list[int]:
        return [len(openids) for _, openids, _ in self.sent]


@dataclass
class Office:
    """A worker with its post, and the broadcast it works on."""

    stage: Stage
    engine: Engine
    post: MassPost = field(default_factory=MassPost)
    most: int = 10_000
    is_stopping: bool = False
    id: str = ""

    @property
    def means(self) -> MassMeans:
        return MassMeans(
            self.stage.work,
            self.post,
            lambda: self.stage.now,
            "me",
            lambda: 1.0,
            lambda: uuid.uuid4().hex,
            lambda: self.is_stopping,
            self.most,
        )

    def work(self) -> int:
        return run_mass(self.means)

    def start(self, count: int, text: str = TEXT, **parts: object) -> "Office":
        """Let a broadcast run until only mass messages are left."""
        self.stage.set_up(*(_graduate(number) for number in range(count)))
        made = Broadcast(
            id=uuid.uuid4().hex,
            season_id=people.SEASON.id,
            message=Message("确认快截止了", text, use_mass=True),
            audience=Audience(UNCONFIRMED),
            created=Signature("a" * 32, "张老师", self.stage.now),
            state=BroadcastState.SCHEDULED,
        )
        self.id = made.id
        with self.stage.work.writing() as uow:
            assert uow.broadcasts.add(replace(made, **parts))  # type: ignore[arg-type]  # the values fit
            uow.commit()
        self.judge()
        return self

    def judge(self) -> None:
        """Let the ordinary sender look at everybody who is due."""
        run_broadcasts(self.stage.office)
        work, now = self.stage.work, self.stage.now
        means = Means(work, self.post, EvenPace(), lambda: now, "sender", lambda: True, lambda: 1.0, render)
        while Sender(means).send_due():
            pass

    @property
    def broadcast(self) -> Broadcast:
        with self.stage.work.reading() as uow:
            found = uow.broadcasts.by_id(self.id)
        assert found is not None
        return found

    def change(self, step: Callable[[Broadcast], Broadcast]) -> None:
        """Do what staff do, as the console does it."""
        with self.stage.work.writing() as uow:
            old = uow.broadcasts.by_id(self.id)
            assert old is not None
            new = uow.broadcasts.save(old, step(old))
            if new.state is BroadcastState.CANCELLED:
                uow.broadcasts.cancel_rest(self.id)
            uow.commit()

    def pause(self) -> None:
        self.change(lambda one: one.pause())

    def resume(self) -> None:
        self.change(lambda one: one.resume())

    def cancel(self) -> None:
        self.change(lambda one: one.cancel(self.stage.now))

    def confirm(self, number: int) -> None:
        """Somebody confirms."""
        with self.stage.work.writing() as uow:
            old = uow.registry.by_student_number(people.SEASON.id, f"20230{number:05}")
            assert old is not None
            uow.registry.save(old, replace(old, confirmation=Confirmation(self.stage.now, old.digest)))
            uow.commit()

    def later(self, pause: timedelta) -> int:
        self.stage.now += pause
        return self.work()

    @property
    def rows(self) -> list[dict[str, object]]:
        with self.engine.connect() as connection:
            found = connection.execute(select(delivery).order_by(delivery.c.id)).all()
        return [dict(row._mapping) for row in found]  # noqa: SLF001 -- the documented name of a row's mapping

    @property
    def states(self) -> Counter[object]:
        return Counter(row["state"] for row in self.rows)

    @property
    def batches(self) -> list[MassBatch]:
        with self.stage.work.reading() as uow:
            return list(uow.batches.of(self.id))

    @property
    def waiting(self) -> int:
        with self.stage.work.reading() as uow:
            return uow.batches.waiting_count(self.id)


def _graduate(number: int) -> Dossier:
    identity = IdentityNumber(f"11010119990101{number:04}")
    who = replace(people.graduate(f"20230{number:05}"), identity_number=identity)
    return replace(people.ready(f"o{number}"), graduate=who)


@pytest.fixture
def office(stage: Stage, engine: Engine) -> Office:
    return Office(stage, engine)


def states_agree(office: Office) -> bool:
    """Tell whether everybody in a batch is in its state."""
    states = {batch.id: batch.state.name for batch in office.batches}
    return all(row["state"] == states[str(row["batch_id"])] for row in office.rows if row["batch_id"])


def test_who_cannot_be_reached_otherwise_gets_a_mass_message_once(office: Office) -> None:
    office.start(3)
    assert office.waiting == 3
    assert office.work() == 1
    ((batch_id, openids, text),) = office.post.sent
    assert sorted(openids) == ["o0", "o1", "o2"]
    assert text == "2023 届毕业生：去向登记确认 2023 年 7 月 3 日 截止，就业指导中心电话 0512-62881234。"
    (batch,) = office.batches
    assert (batch.id, batch.state, batch.message_id, batch.size) == (batch_id, DeliveryState.ACCEPTED, "71", 3)
    assert office.states == {"ACCEPTED": 3}
    assert all(row["message_id"] == "" for row in office.rows), "the identifier is the batch's"
    assert office.work() == 0
    assert len(office.post.sent) == 1
    run_broadcasts(office.stage.office)
    assert office.broadcast.state is BroadcastState.DONE


def test_the_broadcast_is_not_done_while_somebody_waits_for_a_mass_message(office: Office) -> None:
    office.start(2)
    run_broadcasts(office.stage.office)
    assert office.broadcast.state is BroadcastState.RUNNING
    office.post.answers = [Sent(Verdict.UNSURE)]
    office.work()
    run_broadcasts(office.stage.office)
    assert office.broadcast.state is BroadcastState.RUNNING


def test_nothing_goes_while_others_are_still_on_their_way(office: Office) -> None:
    office.start(3)
    with office.engine.connect() as connection:
        first = connection.execute(select(delivery.c.id)).scalars().first()
        connection.execute(update(delivery).where(delivery.c.id == first).values(channel="TEMPLATE"))
    assert office.work() == 0
    assert office.post.sent == []


def test_batches_follow_each_other_and_none_has_only_one(office: Office) -> None:
    office.most = 4
    office.start(9)
    assert office.work() == 3
    assert office.post.sizes == [4, 3, 2]
    everybody = [openid for _, openids, _ in office.post.sent for openid in openids]
    assert sorted(everybody) == sorted(f"o{number}" for number in range(9))
    assert office.states == {"ACCEPTED": 9}


def test_a_single_person_is_to_be_called(office: Office) -> None:
    office.start(1)
    assert office.work() == 0
    assert office.post.sent == []
    (row,) = office.rows
    assert (row["state"], row["reason"], row["to_show"]) == ("SKIPPED", "ALONE", True)


def test_whoever_confirmed_meanwhile_is_not_reminded(office: Office) -> None:
    office.start(3)
    office.confirm(1)
    office.work()
    assert office.post.sizes == [2]
    assert "o1" not in office.post.sent[0][1]
    assert {row["reason"] for row in office.rows if row["state"] == "SKIPPED"} == {"DONE"}


def test_who_does_not_follow_or_had_four_this_month_is_left_out_with_the_reason(office: Office) -> None:
    office.start(4)
    earlier = [row for row in office.rows if row["openid"] == "o0"]
    with office.engine.connect() as connection:
        for number in range(4):
            parts = {"id": f"{number:032}", "once": str(number), "broadcast_id": "", "state": "DELIVERED"}
            connection.execute(delivery.insert(), {**earlier[0], **parts, "sending_at": office.stage.now})
    office.stage.phone("o1").say("你好")
    with office.stage.work.writing() as uow:
        uow.ledger.mark_gone("o1")
        uow.commit()
    office.work()
    assert office.post.sizes == [2]
    left = {row["openid"]: row for row in office.rows if row["state"] == "SKIPPED"}
    assert left["o1"]["reason"] == "NOT_FOLLOWING"
    assert (left["o0"]["reason"], left["o0"]["why"], left["o0"]["to_show"]) == (
        "NO_CHANNEL",
        "本月 4 条群发已用完",
        True,
    )


def test_a_text_that_grew_too_long_is_not_sent_and_everybody_is_to_be_called(office: Office) -> None:
    office.start(2, "{就业办}" * 60 + "{截止日期}" * 60)
    assert office.work() == 0
    assert office.post.sent == []
    assert {(row["state"], row["reason"], row["why"]) for row in office.rows} == {("SKIPPED", "NO_CHANNEL", TOO_LONG)}


def test_nobody_is_sent_anything_after_the_latest_time(office: Office) -> None:
    office.start(2, not_after=office.stage.now + MINUTE)
    assert office.later(MINUTE) == 0
    assert {(row["state"], row["reason"]) for row in office.rows} == {("SKIPPED", "OVERDUE")}


def test_without_an_answer_the_same_batch_goes_again_under_the_same_identifier(office: Office) -> None:
    office.post.answers = [Sent(Verdict.UNSURE), Sent(Verdict.UNSURE)]
    office.start(3)
    office.work()
    assert office.states == {"QUEUED": 3}
    assert office.work() == 0, "not before its time"
    assert office.waiting == 3
    assert office.later(REPEAT_AFTER) == 1
    office.later(REPEAT_AFTER)
    assert len(set(office.post.sent)) == 1, "same members, same words, same identifier"
    assert len(office.post.sent) == 3
    assert [batch.state for batch in office.batches] == [DeliveryState.ACCEPTED]
    assert {row["attempts"] for row in office.rows} == {3}
    assert states_agree(office)


def test_without_an_answer_for_nine_minutes_it_is_unknown_and_never_sent_again(office: Office) -> None:
    office.post.answers = [Sent(Verdict.UNSURE)]
    office.start(3)
    office.work()
    office.later(RESENDABLE)
    office.later(RESENDABLE)
    assert len(office.post.sent) == 1
    assert office.states == {"UNKNOWN": 3}
    assert states_agree(office)


def die_in_the_call(office: Office) -> None:
    """Three people wait, and their worker dies while it calls."""

    def die() -> None:
        raise KilledError

    office.start(3)
    office.post.meanwhile = die
    with pytest.raises(KilledError):
        office.work()


def test_a_worker_that_dies_in_the_call_leaves_a_batch_another_repeats(office: Office) -> None:
    die_in_the_call(office)
    assert office.states == {"SENDING": 3}
    assert office.later(LEASE - SECOND) == 0
    assert office.later(2 * SECOND) == 1
    assert len(set(office.post.sent)) == 1
    assert office.states == {"ACCEPTED": 3}


def test_a_worker_that_died_long_ago_leaves_a_batch_nobody_repeats(office: Office) -> None:
    die_in_the_call(office)
    office.later(RESENDABLE)
    assert len(office.post.sent) == 1
    assert {(row["state"], row["reason"]) for row in office.rows} == {("UNKNOWN", "INTERRUPTED")}


def test_an_answer_that_comes_after_another_worker_took_over_is_kept_for_the_report(office: Office) -> None:
    office.start(2)
    office.post.meanwhile = lambda: office.later(RESENDABLE)
    office.work()
    (batch,) = office.batches
    assert (batch.state, batch.message_id) == (DeliveryState.UNKNOWN, "71")


def test_what_surely_was_not_sent_goes_with_another_batch(office: Office) -> None:
    office.post.answers = [Sent(Verdict.AGAIN, code=-1)]
    office.start(3)
    office.work()
    assert office.states == {"QUEUED": 3}
    assert {row["batch_id"] for row in office.rows} == {""}
    assert office.waiting == 3
    assert office.work() == 0, "not before its time"
    office.later(2 * SECOND)
    first, second = office.batches
    assert (first.state, second.state) == (DeliveryState.SKIPPED, DeliveryState.ACCEPTED)
    assert len(set(office.post.batches)) == 2
    assert {row["attempts"] for row in office.rows} == {2}


def test_after_many_attempts_nobody_tries_by_himself(office: Office) -> None:
    office.post.answers = [Sent(Verdict.AGAIN, code=-1)] * 2 * MOST_ATTEMPTS
    office.start(2)
    for _ in range(2 * MOST_ATTEMPTS):
        office.later(5 * MINUTE)
    assert len(office.post.sent) == MOST_ATTEMPTS
    assert {(row["state"], row["reason"], row["to_show"]) for row in office.rows} == {("FAILED_TEMP", "BUSY", True)}


def test_a_halt_is_noted_and_no_batch_begins_before_it_ends(office: Office) -> None:
    until = office.stage.now + 10 * MINUTE
    office.post.answers = [Sent(Verdict.HALT, code=45009, said="今天的群发次数用完了", until=until)]
    office.most = 3
    office.start(6)
    assert office.work() == 1
    with office.stage.work.reading() as uow:
        (halt,) = uow.halts.all()
    assert (halt.scope, halt.until, halt.said) == (Channel.MASS, until, "今天的群发次数用完了")
    assert {row["attempts"] for row in office.rows} == {0}, "a halt does not count"
    assert office.later(9 * MINUTE) == 0
    assert office.later(MINUTE) == 2
    assert office.states == {"ACCEPTED": 6}


def test_what_is_refused_to_the_whole_account_halts_every_channel(office: Office) -> None:
    until = office.stage.now + MINUTE
    office.post.answers = [Sent(Verdict.HALT, code=40164, said="服务器地址不在白名单", until=until, is_everywhere=True)]
    office.start(2)
    office.work()
    with office.stage.work.reading() as uow:
        assert [halt.scope for halt in uow.halts.all()] == [None]


@pytest.mark.parametrize("scope", [Channel.MASS, None])
def test_while_mass_messages_or_everything_is_halted_nothing_begins(office: Office, scope: Channel | None) -> None:
    office.start(2)
    with office.stage.work.writing() as uow:
        uow.halts.put(Halt(scope, None, 0, "先等等", office.stage.now))
        uow.commit()
    assert office.work() == 0
    with office.stage.work.writing() as uow:
        uow.halts.lift(scope)
        uow.commit()
    assert office.work() == 1


def test_where_the_account_has_no_mass_messages_left_everybody_is_to_be_called(office: Office) -> None:
    office.post.answers = [Sent(Verdict.OTHER_WAY, code=45028)]
    office.start(2)
    office.work()
    office.judge()
    assert {(row["state"], row["reason"], row["to_show"]) for row in office.rows} == {("SKIPPED", "NO_CHANNEL", True)}
    assert office.work() == 0
    assert len(office.post.sent) == 1


def test_content_the_platform_refuses_failed_for_good(office: Office) -> None:
    office.post.answers = [Sent(Verdict.CONTENT, code=45002)]
    office.start(2)
    office.work()
    assert {(row["state"], row["reason"], row["code"]) for row in office.rows} == {("FAILED_PERM", "CONTENT", 45002)}
    assert states_agree(office)


def test_a_paused_broadcast_begins_no_batch_and_goes_on_when_resumed(office: Office) -> None:
    office.start(3)
    office.pause()
    assert office.work() == 0
    office.resume()
    assert office.work() == 1


def test_a_batch_without_an_answer_waits_while_its_broadcast_is_paused(office: Office) -> None:
    office.post.answers = [Sent(Verdict.UNSURE)]
    office.start(3)
    office.work()
    office.pause()
    assert office.later(REPEAT_AFTER) == 0
    office.resume()
    assert office.work() == 1
    assert len(set(office.post.sent)) == 1


def test_cancelling_skips_who_waits_and_nothing_goes(office: Office) -> None:
    office.start(3)
    office.cancel()
    assert office.work() == 0
    assert office.post.sent == []
    assert {(row["state"], row["reason"]) for row in office.rows} == {("SKIPPED", "CANCELLED")}


def test_cancelling_leaves_a_batch_without_an_answer_unknown(office: Office) -> None:
    office.post.answers = [Sent(Verdict.UNSURE)]
    office.start(3)
    office.work()
    office.cancel()
    office.later(REPEAT_AFTER)
    assert len(office.post.sent) == 1
    assert office.states == {"UNKNOWN": 3}
    assert states_agree(office)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Sent(Verdict.ACCEPTED, "71"), "ACCEPTED"),
        (Sent(Verdict.AGAIN), "SKIPPED"),
        (Sent(Verdict.UNSURE), "UNKNOWN"),
    ],
)
def test_what_was_under_way_when_it_was_cancelled_is_told_as_it_was(office: Office, answer: Sent, state: str) -> None:
    office.post.answers = [answer]
    office.start(3)
    office.post.meanwhile = office.cancel
    office.work()
    assert office.states == {state: 3}
    assert states_agree(office)
    assert office.later(RESENDABLE) == 0


def test_a_worker_that_is_to_stop_begins_no_other_batch(office: Office) -> None:
    office.most = 3
    office.start(6)

    def stop() -> None:
        office.is_stopping = True

    office.post.meanwhile = stop
    assert office.work() == 1
    assert office.states == {"ACCEPTED": 3, "QUEUED": 3}


def test_who_has_to_wait_longer_is_waited_for(office: Office) -> None:
    office.start(3)
    last = office.rows[-1]["id"]
    with office.engine.connect() as connection:
        soon = office.stage.now + MINUTE
        connection.execute(update(delivery).where(delivery.c.id == last).values(next_at=soon))
    assert office.work() == 0
    office.later(MINUTE)
    assert office.post.sizes == [3]


def test_a_report_of_the_job_settles_everybody(office: Office) -> None:
    office.start(3)
    office.work()
    now = office.stage.now
    counts = {"TotalCount": 3, "FilterCount": 3, "SentCount": 3, "ErrorCount": 0}
    with office.stage.work.writing() as uow:
        batch = uow.batches.by_message("71")
        assert batch is not None
        report = Report("k", "71", "", now, DeliveryState.DELIVERED, counts=counts)
        assert uow.batches.move(batch, counted(batch, report))
        uow.commit()
    assert office.states == {"DELIVERED": 3}
    office.later(ASK_EVERY)
    assert office.post.asked == []


def test_a_silent_job_is_asked_about_every_ten_minutes_for_a_day(office: Office) -> None:
    office.start(3)
    office.work()
    office.later(ASK_EVERY - SECOND)
    assert office.post.asked == []
    office.later(SECOND)
    office.later(SECOND)
    assert office.post.asked == ["71"]
    for _ in range(300):
        office.later(ASK_EVERY)
    assert len(office.post.asked) == 24 * 6 - 1
    assert office.states == {"ACCEPTED": 3}


@pytest.mark.parametrize(
    ("job", "state", "reason"),
    [(MassState.SENT, "DELIVERED", None), (MassState.FAILED, "FAILED_TEMP", Reason.PLATFORM.name)],
)
def test_what_the_platform_says_when_asked_settles_everybody(
    office: Office, job: MassState, state: str, reason: str | None
) -> None:
    office.start(3)
    office.work()
    office.post.job = job
    assert office.later(ASK_EVERY) == 1
    assert {(row["state"], row["reason"]) for row in office.rows} == {(state, reason)}
    assert office.later(ASK_EVERY) == 0
    assert states_agree(office)


def test_a_broadcast_that_may_not_use_mass_messages_never_does(office: Office) -> None:
    office.start(3)
    with office.engine.connect() as connection:
        connection.execute(update(broadcast_table).values(use_mass=False))
    assert office.work() == 0
    assert office.post.sent == []


def test_two_workers_send_each_person_one_message(office: Office, work: SqlWork) -> None:
    office.most = 3
    office.start(6)
    other = Office(Stage(work, office.stage.now), office.engine, office.post, 3, id=office.id)
    office.post.meanwhile = other.work
    assert office.work() == 2
    everybody = Counter(openid for _, openids, _ in office.post.sent for openid in openids)
    assert everybody == {f"o{number}": 1 for number in range(6)}


def test_sending_again_what_is_unknown_makes_a_new_batch(office: Office) -> None:
    office.post.answers = [Sent(Verdict.UNSURE)]
    office.start(2)
    office.work()
    office.later(RESENDABLE)
    with office.stage.work.writing() as uow:
        assert uow.broadcasts.retry(office.id, [DeliveryState.UNKNOWN], office.stage.now) == 2
        uow.commit()
    office.judge()
    office.work()
    assert len(set(office.post.batches)) == 2
    assert [batch.state for batch in office.batches] == [DeliveryState.UNKNOWN, DeliveryState.ACCEPTED]
    assert office.states == {"ACCEPTED": 2}


def test_the_moments_of_a_batch_are_its_members(office: Office) -> None:
    office.start(2)
    office.work()
    (batch,) = office.batches
    assert batch.created_at == office.stage.now
    assert isinstance(batch.sending_at, datetime)
    assert {row["sending_at"] for row in office.rows} == {batch.sending_at}
