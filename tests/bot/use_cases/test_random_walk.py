"""A random walk (随机游走): graduates, staff, CHSI and a platform that repeats and reorders, on a real database.

A walk that never gets anywhere proves nothing, so the questions visited are counted and a floor is demanded.
"""

import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.conversation.facts import Facts
from bot.conversation.flows import FLOWS
from bot.conversation.incoming import Incoming, Kind
from bot.conversation.standing import stand
from bot.conversation.texts import label
from bot.errors import RuleError
from bot.ports import ChsiAnswer, Opened
from bot.registration.dossier import Dossier, SchoolData
from bot.registration.verification import State
from bot.use_cases.receive_message import receive_message
from bot.use_cases.staff_changes import (
    apply_correction,
    approve_archive,
    refuse_correction,
    replace_school_data,
    return_archive,
)
from storage.cipher import FieldCipher
from storage.engine import open_engine
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.use_cases.stage import Stage
from tests.bot.use_cases.test_rules import data_of

PHONES = ("oOne", "oTwo")
JUNK = (
    "",
    "？？？",
    "胡说八道",
    "<a href='x'>",
    "]]>",
    "{name}",
    "😀" * 40,
    "9" * 30,
    "\x00\u202e",
    "@chsi x",
    "不确认",
    "确认吗",
)
COMMANDS = ("帮助", "返回", "重新开始", "进度", "首页", "联系老师", "继续")
STEPS = {f"{flow.name}.{step.name}" for flow in FLOWS.values() for step in flow.steps}
STAFF = (
    approve_archive,
    lambda office, number: return_archive(office, number, "单位名称\n@bad 不全"),
    lambda office, number: refuse_correction(office, number, "与学籍一致"),
    lambda office, number: apply_correction(office, number, _other_major),
    lambda office, number: replace_school_data(office, number, _other_major),
    lambda office, number: replace_school_data(office, number, lambda d: data_of(d, destination=people.DESTINATION)),
    lambda office, number: replace_school_data(office, number, lambda d: data_of(d, household=people.MOVED)),
)


def _other_major(dossier: Dossier) -> SchoolData:
    other = "英语" if dossier.graduate.major != "英语" else "汉语言文学"
    return data_of(dossier, graduate=replace(dossier.graduate, major=other))


class Walk(RuleBasedStateMachine):
    """One walk: two phones, one graduate, an office."""

    cipher: ClassVar[FieldCipher]
    template: ClassVar[bytes]
    visits: ClassVar[Counter[str]] = Counter()
    taken: ClassVar[Counter[tuple[str, str]]] = Counter()
    messages: ClassVar[int] = 0
    # Hypothesis likes small and repeated values; which good answer is given should be as even as a die.
    dice: ClassVar[random.Random] = random.Random()
    starts: ClassVar[Iterator[str]] = iter(())

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "walk.db"
        path.write_bytes(self.template)
        self.engine = open_engine(f"sqlite:///{path}")
        self.stage = Stage(SqlWork(self.engine, self.cipher))
        self.answered: list[tuple[Incoming, str]] = []

    def teardown(self) -> None:
        """Close the database."""
        self.engine.dispose()
        self.folder.cleanup()

    @initialize()
    def set_up(self) -> None:
        """Begin at each place of the journey in turn, so that its end is walked as often as its beginning."""
        start = next(self.starts)
        dossier = {
            "new": replace(people.new_dossier(), chsi_bound=None),
            "no_destination": replace(people.new_dossier("oOne"), checked_at=people.BEFORE),
            "ready": people.ready("oOne"),
            "verified": replace(people.verified(), openid="oOne"),
        }[start]
        if start == "ready":
            dossier = replace(dossier, household=people.MOVED)
        if start == "new":
            self.stage.chsi.bound = ChsiAnswer.NO
        self.stage.set_up(dossier)
        if dossier.openid:
            for text in ("你好", "同意"):
                self._send("oOne", Kind.TEXT, text)

    # -- what people do ----------------------------------------------------------------------------

    @rule(phone=st.sampled_from(PHONES))
    def answer_well(self, phone: str) -> None:
        """Give good answers, several in a row: one at a time the walk would hardly ever get to an end."""
        for _ in range(12):
            here, good = self._question(phone), self._good_answers(phone)
            seldom = min(good, key=lambda answer: self.taken[here, answer[0]])
            text, question = self.dice.choice([good[0], seldom, self.dice.choice(good)])
            self.taken[here, text] += 1
            self._send(phone, Kind.TEXT, text, question)

    @rule(phone=st.sampled_from(PHONES))
    def answer_well_again(self, phone: str) -> None:
        """Give good answers twice as often: all other rules lead away from the journey's end."""
        self.answer_well(phone)

    @rule(phone=st.sampled_from(PHONES), text=st.sampled_from(JUNK + COMMANDS) | st.text(max_size=30))
    def say_anything(self, phone: str, text: str) -> None:
        """Say junk or a command."""
        self._send(phone, Kind.TEXT, text)

    @rule(phone=st.sampled_from(PHONES), kind=st.sampled_from([kind for kind in Kind if kind is not Kind.UNFOLLOW]))
    def send_something_else(self, phone: str, kind: Kind) -> None:
        """Send a picture, follow again, tap the menu."""
        self._send(phone, kind, "registration" if kind is Kind.MENU else "")

    @rule(phone=st.sampled_from(PHONES), goes=st.integers(0, 9))
    def leave(self, phone: str, goes: int) -> None:
        """Unfollow or unbind, now and then."""
        if goes == 0:
            self._send(phone, Kind.UNFOLLOW)
        elif goes == 1:
            self._send(phone, Kind.TEXT, "解除绑定")

    # -- what the platform does --------------------------------------------------------------------

    @rule(back=st.integers(1, 4))
    def push_again(self, back: int) -> None:
        """Push a message again: the same bytes come back, and nothing happens."""
        if len(self.answered) >= back:
            incoming, rendered = self.answered[-back]
            if any(other.kind is Kind.UNFOLLOW for other, _ in self.answered[-back:]):
                return  # who unfollowed is forgotten, with the answers given
            before = self._stored(incoming.openid)
            assert receive_message(self.stage.desk, incoming).text == rendered
            assert self._stored(incoming.openid) == before

    @rule(phone=st.sampled_from(PHONES), seconds=st.integers(1, 5), choice=st.integers(0, 20))
    def deliver_late(self, phone: str, seconds: int, choice: int) -> None:
        """Deliver a good answer that was sent before the last message: it does nothing."""
        before = self._stored(phone)
        text, question = (good := self._good_answers(phone))[choice % len(good)]
        self._send(phone, Kind.TEXT, text, question, seconds_ago=seconds)
        self._assert_nothing_decided(phone, before)

    @rule(phone=st.sampled_from(PHONES), choice=st.integers(0, 20))
    def tap_an_old_button(self, phone: str, choice: int) -> None:
        """Tap a button of a question long gone: it does nothing."""
        before = self._stored(phone)
        text, _ = (good := self._good_answers(phone))[choice % len(good)]
        self._send(phone, Kind.TEXT, text, 7)
        self._assert_nothing_decided(phone, before)

    # -- what the others do ------------------------------------------------------------------------

    @rule(step=st.sampled_from(STAFF))
    def work_in_the_office(self, step: object) -> None:
        """Let staff do something, if the rules allow it."""
        try:
            step(self.stage.office, people.NUMBER)  # type: ignore[operator]  # all are steps of staff
        except RuleError as error:
            assert error.key.startswith("staff.")  # noqa: PT017 -- the rules may refuse, and say so

    @rule(answer=st.sampled_from(ChsiAnswer))
    def change_chsis_mind(self, answer: ChsiAnswer) -> None:
        """Let CHSI say something else."""
        self.stage.chsi.bound = self.stage.chsi.person = answer

    @rule(hours=st.sampled_from([1, 1, 1, 1, 24, 24 * 8]))
    def let_time_pass(self, hours: int) -> None:
        """Let time pass, sometimes so long that the window closes."""
        self.stage.now += timedelta(hours=hours)

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def only_what_was_confirmed_is_in_force(self) -> None:
        """Nothing is in force without a confirmation of exactly the present data and a real person (N12, N15)."""
        with self.stage.work.reading() as uow:
            dossier = uow.registry.by_student_number(people.SEASON.id, people.NUMBER)
        if dossier is None:
            return
        running = [v for v in dossier.verifications if dossier.state_of(v, self.stage.now) is State.IN_FORCE]
        assert len({v.subject for v in running}) == len(running)
        assert not running or (dossier.is_confirmed and dossier.real_person_at)
        assert all(v.last_day <= dossier.last_verification_day(people.SEASON) for v in dossier.verifications)

    def _good_answers(self, openid: str) -> list[tuple[str, int | None]]:
        with self.stage.work.reading() as uow:
            opened = uow.talks.open(openid)
        assert opened.season is not None
        facts = Facts(self.stage.now, opened.season, opened.dossier)
        at = stand(opened.talk, facts)
        options = at.step.options(at.kept, facts) if at.step.options else ()
        labels: list[tuple[str, int | None]] = [(label(at.words, option), opened.talk.asked) for option in options]
        return labels or [(sample, None) for sample in at.step.samples]

    def _question(self, openid: str) -> str:
        opened = self._stored(openid)
        assert opened.season is not None
        at = stand(opened.talk, Facts(self.stage.now, opened.season, opened.dossier))
        return f"{at.flow.name}.{at.step.name}"

    def _stored(self, openid: str) -> Opened:
        with self.stage.work.reading() as uow:
            return uow.talks.open(openid)

    def _assert_nothing_decided(self, openid: str, before: Opened) -> None:
        after = self._stored(openid)
        assert after.dossier == before.dossier
        # A draft may go, because its flow has closed; none may come.
        assert set(after.talk.answers) <= set(before.talk.answers)

    def _send(
        self, openid: str, kind: Kind, text: str = "", question: int | None = None, *, seconds_ago: int = 0
    ) -> None:
        before = self._stored(openid)
        type(self).visits[self._question(openid)] += 1
        type(self).messages += 1
        self.stage.now += timedelta(seconds=1)
        sent_at = before.talk.at - seconds_ago if seconds_ago else int(self.stage.now.timestamp())
        incoming = Incoming(f"k{next(self.stage.keys)}", openid, sent_at, kind, text, question)
        rendered = receive_message(self.stage.desk, incoming)
        self.answered.append((incoming, rendered.text))
        with self.stage.work.reading() as uow:
            after = uow.talks.open(openid).talk
        if kind in {Kind.QUIET, Kind.UNFOLLOW}:
            assert rendered.text == ""
            assert after.seq == (before.talk.seq if kind is Kind.QUIET else 0)
        else:
            assert rendered.text
            assert len(rendered.text.encode()) <= 2000
            assert "现在办理的人很多" not in rendered.text
            assert after.seq == before.talk.seq + 1


def test_a_random_walk_never_breaks_anything_and_gets_everywhere(cipher: FieldCipher, sqlite_template: Path) -> None:
    Walk.cipher, Walk.template = cipher, sqlite_template.read_bytes()
    Walk.dice, Walk.starts = random.Random(20230629), itertools.cycle(["new", "no_destination", "ready", "verified"])
    Walk.visits.clear()
    Walk.taken.clear()
    Walk.messages = 0
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=70,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Walk.messages > 1_000
    # Twelve items may be wrong; that each is asked for is shown by the exploration.
    seldom = {step for step in STEPS if step.startswith("correction.right_")}
    assert {step: Walk.visits[step] for step in STEPS - seldom if not Walk.visits[step]} == {}
    assert sum(Walk.visits[step] for step in seldom) > 20
