"""Sending (投递): looked at once more, noted before the call, settled after it; what is taken over from the dead."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from bot.conversation.texts import placeholders, texts
from bot.conversation.wording import notice_reply
from bot.notices.audience import UNCONFIRMED, Audience
from bot.notices.broadcast import Broadcast, BroadcastState, Message, Signature
from bot.notices.delivery import LEASE, MOST_ATTEMPTS, Channel, DeliveryState
from bot.notices.scene import Halt
from bot.notices.settling import Sent, Verdict
from bot.registration.archive import ArchiveStatus
from bot.registration.season import end_of_day
from bot.use_cases.run_broadcasts import run_broadcasts
from bot.use_cases.send_deliveries import Means, Sender, recover
from bot.use_cases.staff_changes import approve_archive
from handlers.wechat.rendering import render
from storage.notice_tables import delivery
from tests.bot import people
from tests.bot.use_cases.stage import EvenPace, Letterbox, Stage
from tests.telling import message

TEXT = "{姓名}同学，请在{截止日期}前确认，还有 {剩余天数} 天。{下一步}"
AUTHOR = Signature("a" * 32, "王老师", people.OPEN)


@dataclass
class Desk:
    """A sender, and what it sends with."""

    stage: Stage
    engine: Engine
    box: Letterbox = field(default_factory=Letterbox)
    pace: EvenPace = field(default_factory=EvenPace)
    is_stopping: bool = False
    turns: Callable[[], bool] = lambda: True

    def sender(self, owner: str = "me") -> Sender:
        """Return one more sender."""
        means = Means(
            self.stage.work,
            self.box,
            self.pace,
            lambda: self.stage.now,
            owner,
            self.turns,
            lambda: 1.0,
            render,
        )
        return Sender(means, lambda: self.is_stopping)

    def send(self, owner: str = "me") -> int:
        """Send what is due with a fresh sender."""
        return self.sender(owner).send_due()

    def all(self, name: str) -> list[str]:
        """Return a column of all deliveries, sorted."""
        with self.engine.connect() as connection:
            return sorted(filter(None, connection.scalars(select(delivery.c[name]))))

    def one(self) -> object:
        """Return the only delivery's row."""
        with self.engine.connect() as connection:
            return connection.execute(select(delivery)).one()

    def column(self, name: str) -> object:
        """Return a column of the only delivery."""
        return getattr(self.one(), name)

    def put(self, **values: object) -> None:
        """Change the only delivery behind everybody's back."""
        with self.engine.begin() as connection:
            connection.execute(update(delivery).values(**values))


@pytest.fixture
def desk(stage: Stage, engine: Engine) -> Desk:
    """A desk at which an approval has just been told."""
    stage.set_up(people.with_archive(people.ready(), ArchiveStatus.SUBMITTED))
    spoke(stage)
    approve_archive(stage.office, people.NUMBER)
    return Desk(stage, engine)


def spoke(stage: Stage, openid: str = people.OPENID) -> None:
    """Let somebody have written to us just now."""
    with stage.work.writing() as uow:
        talk = uow.talks.open(openid).talk
        uow.talks.save(talk, talk.heard(int(stage.now.timestamp()), by_act=False))
        uow.commit()


def held(stage: Stage, openid: str = people.OPENID) -> bool:
    with stage.work.reading() as uow:
        return uow.talks.open(openid).held


def test_a_message_is_sent_once_and_noted_before_it_goes(desk: Desk) -> None:
    assert desk.send() == 1
    assert desk.send() == 0
    (parcel,) = desk.box.sent
    assert (parcel.openid, parcel.channel) == (people.OPENID, Channel.SERVICE)
    assert parcel.reply.text.startswith("✅ 你的档案信息已通过审核。\n下一步：去向登记确认")
    assert parcel.title == "档案信息已通过审核"
    assert desk.column("state") == "ACCEPTED"
    assert desk.column("why") == "48 小时内说过话，还能发 5 条"


def test_it_is_committed_as_being_sent_when_the_call_begins(desk: Desk) -> None:
    seen = []
    plain = desk.box.send
    desk.box.send = lambda parcel: (seen.append(desk.column("state")), plain(parcel))[1]  # type: ignore[method-assign,func-returns-value]  # a look at the moment of the call
    desk.send()
    assert seen == ["SENDING"]


def test_who_cannot_be_written_to_reads_it_with_the_next_answer(desk: Desk) -> None:
    desk.stage.now += timedelta(hours=49)
    assert desk.send() == 1
    assert desk.box.sent == []
    assert (desk.column("state"), desk.column("reason")) == ("SKIPPED", "NO_CHANNEL")
    assert held(desk.stage)
    assert "已通过审核" in desk.stage.phone().say("你好")
    assert not held(desk.stage)
    assert desk.column("shown_at") is not None


def test_a_form_goes_to_whoever_has_been_silent_and_the_text_stands_above_the_next_answer(desk: Desk) -> None:
    desk.stage.now += timedelta(hours=49)
    desk.box.channels = frozenset({Channel.SERVICE, Channel.TEMPLATE})
    desk.send()
    assert [parcel.channel for parcel in desk.box.sent] == [Channel.TEMPLATE]
    assert held(desk.stage)


@pytest.mark.parametrize("code", [-1, 45011])
def test_a_passing_fault_is_tried_again_later_each_time_slows_all_down_and_is_in_the_end_held(
    desk: Desk, code: int
) -> None:
    desk.box.answer = Sent(Verdict.AGAIN, code=code)
    for _ in range(MOST_ATTEMPTS):
        assert desk.send() == 1
        assert desk.send() == 0
        desk.stage.now += timedelta(minutes=10)
    assert desk.send() == 0
    assert len({parcel.id for parcel in desk.box.sent}) == 1
    assert desk.pace.slowed == MOST_ATTEMPTS
    assert desk.column("state") == "FAILED_TEMP"
    assert held(desk.stage)


def test_what_got_no_answer_is_not_repeated_on_a_channel_that_forgets_and_is_shown_instead(desk: Desk) -> None:
    desk.box.answer = Sent(Verdict.UNSURE)
    desk.send()
    desk.stage.now += timedelta(hours=1)
    assert desk.send() == 0
    assert (desk.column("state"), desk.column("reason")) == ("UNKNOWN", "NO_ANSWER")
    assert held(desk.stage)


def test_who_is_gone_is_written_to_no_more_until_the_next_word(desk: Desk) -> None:
    desk.box.answer = Sent(Verdict.GONE, code=43004)
    desk.send()
    assert not held(desk.stage)
    tell(desk.stage, "another")
    desk.box.answer = Sent(Verdict.ACCEPTED)
    assert desk.send() == 1
    assert len(desk.box.sent) == 1
    desk.stage.phone().say("你好")
    tell(desk.stage, "third")
    desk.send()
    assert len(desk.box.sent) == 2


def tell(stage: Stage, once: str, key: str = "notice.archive_approved") -> None:
    with stage.work.writing() as uow:
        uow.notices.add(message(once, people.OPENID, key, stage.now))
        uow.commit()


def test_a_message_whose_sentence_is_gone_is_dropped_unsent(stage: Stage, engine: Engine) -> None:
    stage.set_up(people.ready())
    spoke(stage)
    tell(stage, "gone", "notice.gone")
    desk = Desk(stage, engine)
    assert desk.send() == 1
    assert desk.box.sent == []
    assert desk.column("reason") == "SAID_NOTHING"
    assert not held(stage)


def test_what_does_not_fit_into_one_message_is_announced_and_shown_in_the_chat(stage: Stage, engine: Engine) -> None:
    stage.set_up(people.ready())
    spoke(stage)
    with stage.work.writing() as uow:
        uow.notices.add(message("long", people.OPENID, "notice.plain", stage.now, {"text": "很长。" * 400}))
        uow.commit()
    desk = Desk(stage, engine)
    desk.send()
    assert desk.box.sent[0].reply.text == texts()["notice.long"]
    assert held(stage)


def test_a_halted_channel_is_not_called_and_waits_until_it_opens(desk: Desk) -> None:
    until = desk.stage.now + timedelta(hours=3)
    desk.box.answer = Sent(Verdict.HALT, code=45009, said="今天的额度用完了", until=until)
    desk.send()
    tell(desk.stage, "another")
    desk.box.answer = Sent(Verdict.ACCEPTED)
    desk.stage.now += timedelta(hours=2)
    desk.send()
    assert len(desk.box.sent) == 1, "only the one that met the refusal"
    desk.stage.now += timedelta(hours=1, seconds=1)
    assert desk.send() == 2
    assert len(desk.box.sent) == 3
    assert set(desk.all("state")) == {"ACCEPTED"}


def test_nothing_is_taken_while_sending_is_closed(desk: Desk) -> None:
    with desk.stage.work.writing() as uow:
        uow.halts.put(Halt(None, None, 0, "恢复过备份", desk.stage.now))
        uow.commit()
    assert desk.send() == 0
    with desk.stage.work.writing() as uow:
        assert uow.halts.lift(None)
        uow.commit()
    assert desk.send() == 1


def test_without_a_slot_it_goes_back_and_no_attempt_counts(desk: Desk) -> None:
    desk.turns = lambda: False
    desk.send()
    assert (desk.column("state"), desk.column("attempts"), desk.box.sent) == ("QUEUED", 0, [])


def test_a_stopped_sender_gives_back_what_it_has_not_begun(desk: Desk) -> None:
    tell(desk.stage, "another")
    desk.is_stopping = True
    assert desk.send() == 2
    assert desk.box.sent == []
    assert set(desk.all("state")) == {"QUEUED"}


def test_what_a_mistake_interrupts_is_given_back_and_not_held_for_ever(desk: Desk) -> None:
    tell(desk.stage, "another")
    plain = desk.box.send

    def breaks(parcel: object) -> Sent:
        raise ZeroDivisionError(repr(parcel))

    desk.box.send = breaks  # type: ignore[method-assign]  # a mistake of ours
    sender = desk.sender()
    with pytest.raises(ZeroDivisionError):
        sender.send_due()
    assert sender.in_hand == ()
    assert desk.all("state") == ["QUEUED", "SENDING"]
    desk.box.send = plain  # type: ignore[method-assign]  # mended
    assert sender.send_due() == 1
    desk.stage.now += LEASE + timedelta(seconds=1)
    assert recover(desk.stage.work, desk.stage.now) == 1
    assert desk.all("state") == ["ACCEPTED", "UNKNOWN"]


def test_what_is_to_be_tried_again_after_a_cancel_is_not(asked: Desk) -> None:
    broadcast(asked.stage)
    asked.box.answer = Sent(Verdict.AGAIN, code=-1)
    plain = asked.box.send

    def cancelled(parcel: object) -> Sent:
        save(asked.stage, lambda one: one.cancel(asked.stage.now))
        return plain(parcel)  # type: ignore[arg-type]  # a parcel

    asked.box.send = cancelled  # type: ignore[method-assign]  # while the call is under way
    asked.send()
    assert asked.all("reason") == ["CANCELLED", "NOT_BOUND"]


# -- taken over ----------------------------------------------------------------------------------------


def die(desk: Desk, state: DeliveryState, channel: Channel = Channel.SERVICE, ago: timedelta = LEASE) -> None:
    """Leave the only delivery behind as a killed worker does."""
    at = desk.stage.now - ago
    desk.put(state=state.name, lease_owner="dead", lease_until=at, sending_at=at, channel=channel.name, attempts=1)
    desk.stage.now += timedelta(seconds=1)


def test_what_a_dead_worker_had_only_taken_is_sent(desk: Desk) -> None:
    die(desk, DeliveryState.LEASED)
    assert desk.send() == 0
    assert recover(desk.stage.work, desk.stage.now) == 1
    assert desk.send() == 1
    assert len(desk.box.sent) == 1


def test_what_a_dead_worker_may_have_sent_is_repeated_only_where_the_platform_knows_repeats(desk: Desk) -> None:
    die(desk, DeliveryState.SENDING)
    recover(desk.stage.work, desk.stage.now)
    assert desk.column("state") == "UNKNOWN"
    assert held(desk.stage)
    die(desk, DeliveryState.SENDING, Channel.TEMPLATE)
    recover(desk.stage.work, desk.stage.now)
    desk.box.channels = frozenset({Channel.SERVICE, Channel.TEMPLATE})
    assert desk.send() == 1
    assert [parcel.channel for parcel in desk.box.sent] == [Channel.TEMPLATE], "the same way, though a window is open"


def test_after_nine_minutes_nothing_is_repeated(desk: Desk) -> None:
    die(desk, DeliveryState.SENDING, Channel.TEMPLATE, timedelta(minutes=9))
    recover(desk.stage.work, desk.stage.now)
    assert desk.column("state") == "UNKNOWN"


def test_a_living_workers_things_are_left_alone(desk: Desk) -> None:
    with desk.stage.work.writing() as uow:
        taken = uow.ledger.claim("alive", desk.stage.now + LEASE, desk.stage.now, 9)
        uow.commit()
    desk.stage.now += LEASE - timedelta(seconds=1)
    assert recover(desk.stage.work, desk.stage.now) == 0
    with desk.stage.work.writing() as uow:
        uow.ledger.renew("alive", taken, desk.stage.now + LEASE)
        uow.commit()
    desk.stage.now += timedelta(seconds=2)
    assert recover(desk.stage.work, desk.stage.now) == 0


def test_a_worker_that_was_only_slow_does_not_overrule_who_took_over(desk: Desk) -> None:
    slow = desk.sender("slow")
    plain = desk.box.send

    def away(parcel: object) -> Sent:
        desk.put(lease_until=desk.stage.now - timedelta(seconds=1))
        recover(desk.stage.work, desk.stage.now)
        return plain(parcel)  # type: ignore[arg-type]  # a parcel

    desk.box.send = away  # type: ignore[method-assign]  # gone for a while
    slow.send_due()
    assert desk.column("state") == "UNKNOWN"


# -- broadcasts ----------------------------------------------------------------------------------------


def broadcast(stage: Stage, text: str = TEXT, **parts: object) -> Broadcast:
    """Store a broadcast for everybody who has not confirmed, and start it."""
    made = Broadcast("b" * 32, people.SEASON.id, Message("请确认去向", text), Audience(UNCONFIRMED), AUTHOR)
    made = replace(made, state=BroadcastState.SCHEDULED, **parts)  # type: ignore[arg-type]  # the values fit
    with stage.work.writing() as uow:
        assert uow.broadcasts.add(made)
        uow.commit()
    while run_broadcasts(stage.office):
        pass
    with stage.work.reading() as uow:
        found = uow.broadcasts.by_id("b" * 32)
    assert found is not None
    return found


@pytest.fixture
def asked(stage: Stage, engine: Engine) -> Desk:
    """A desk with one bound graduate who has not confirmed, and one who never logged in."""
    other = people.graduate("2023010199", "李四", "110101199001001234")
    stage.set_up(people.ready(), replace(people.ready(None), graduate=other))
    spoke(stage)
    return Desk(stage, engine)


def states(desk: Desk) -> list[str]:
    return desk.all("state")


def test_a_broadcast_is_frozen_sent_filled_in_and_done(asked: Desk) -> None:
    assert broadcast(asked.stage).size == 2
    assert states(asked) == ["QUEUED", "SKIPPED"], "who never logged in stands there too"
    assert asked.send() == 1
    (parcel,) = asked.box.sent
    assert parcel.reply.text.startswith("王小明同学，请在2023 年 7 月 3 日前确认，还有 4 天。下一步：")
    assert (parcel.title, parcel.at) == ("请确认去向", end_of_day(people.SEASON.closes))
    run_broadcasts(asked.stage.office)
    with asked.stage.work.reading() as uow:
        done = uow.broadcasts.by_id("b" * 32)
    assert done is not None
    assert done.state is BroadcastState.DONE


def test_whoever_confirmed_a_second_ago_is_not_reminded(asked: Desk) -> None:
    broadcast(asked.stage)
    with asked.stage.work.writing() as uow:
        own = asked.stage.dossier()
        uow.registry.save(own, own.confirm(people.SEASON, asked.stage.now))
        uow.commit()
    assert asked.send() == 1
    assert asked.box.sent == []
    assert states(asked) == ["SKIPPED", "SKIPPED"]


def save(stage: Stage, move: Callable[[Broadcast], Broadcast]) -> None:
    with stage.work.writing() as uow:
        found = uow.broadcasts.by_id("b" * 32)
        assert found is not None
        uow.broadcasts.save(found, move(found))
        uow.commit()


def test_what_was_taken_before_a_pause_is_given_back_and_a_resume_covers_it(asked: Desk) -> None:
    broadcast(asked.stage)
    sender = asked.sender()
    with asked.stage.work.writing() as uow:
        taken = uow.ledger.claim("me", asked.stage.now + LEASE, asked.stage.now, 9)
        uow.commit()
    save(asked.stage, lambda one: one.pause())
    sender._one(taken[0])  # noqa: SLF001 -- what a sender does with what it had taken already
    assert asked.box.sent == []
    assert asked.send() == 0, "a paused broadcast is not claimed"
    save(asked.stage, lambda one: one.resume())
    assert asked.send() == 1
    assert len(asked.box.sent) == 1


def test_a_cancelled_broadcast_and_one_past_its_latest_time_send_nothing(asked: Desk) -> None:
    broadcast(asked.stage, not_after=asked.stage.now + timedelta(hours=1))
    asked.stage.now += timedelta(hours=1)
    assert asked.send() == 1
    assert asked.box.sent == []
    assert asked.all("reason") == ["NOT_BOUND", "OVERDUE"]


def test_a_held_broadcast_is_shown_only_while_it_is_still_true(asked: Desk) -> None:
    asked.box.channels = frozenset({Channel.TEMPLATE})
    broadcast(asked.stage)
    asked.send()
    assert held(asked.stage)
    phone = asked.stage.phone()
    assert "的通知：王小明同学，请在2023 年 7 月 3 日前确认" in phone.say("你好")
    assert "的通知" not in phone.say("进度")


def test_a_held_broadcast_is_not_shown_to_whoever_confirmed_meanwhile(asked: Desk) -> None:
    asked.box.channels = frozenset({Channel.TEMPLATE})
    broadcast(asked.stage)
    asked.send()
    with asked.stage.work.writing() as uow:
        own = asked.stage.dossier()
        uow.registry.save(own, own.confirm(people.SEASON, asked.stage.now))
        uow.commit()
    assert "的通知" not in asked.stage.phone().say("你好")


def test_a_missed_schedule_asks_first(stage: Stage, engine: Engine) -> None:
    stage.set_up(people.ready())
    missed = broadcast(stage, scheduled_at=stage.now - timedelta(hours=2))
    assert missed.state is BroadcastState.MISSED
    assert Desk(stage, engine).send() == 0


def test_every_message_of_the_system_can_be_said_with_its_data_and_without() -> None:
    for key in [key for key in texts() if key.startswith("notice.")]:
        data = dict.fromkeys(placeholders(texts()[key]), "甲")
        made = message("once", people.OPENID, key, people.OPEN, data)
        assert notice_reply(made).text
        if key != "notice.plain":
            assert notice_reply(replace(made, data={}), alone=False).text
        title = texts().get(key.replace("notice.", "notice_title."), texts()["notice_title.other"])
        assert 0 < len(title) <= 20
