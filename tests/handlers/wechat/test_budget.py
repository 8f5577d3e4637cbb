import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.texts import texts
from handlers.wechat.budget import REPUSHES, SILENCES, WITHIN, Budget, CrowdedError, Hold, Lateness, Seats
from handlers.wechat.envelope import Mode
from storage.faults import AwayError
from storage.patience import Patience, seconds_left
from tests.handlers.wechat.counterpart import NOW, text_message
from tests.handlers.wechat.test_webhook import Door, Inbox, count, event

TOLD = event("TEMPLATESENDJOBFINISH", "<MsgID>200163836</MsgID><Status>success</Status>")
START = datetime.fromtimestamp(NOW, UTC)


@dataclass
class Watch:
    """A clock that is moved by hand."""

    now: datetime = field(default=START)

    def __call__(self) -> datetime:
        return self.now

    def after(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


MOST = Budget().silences


def message(key: str = "k", at: int = NOW) -> Incoming:
    return Incoming(key, "o", at, Kind.TEXT, "一周")


def test_a_quarter_of_the_threads_never_works_on_messages() -> None:
    assert [Budget.of(4.5, threads, 1).seats for threads in (2, 3, 8, 16, 128)] == [1, 1, 6, 12, 96]


@pytest.mark.parametrize("processes", [1, 2, 4, 9, 20])
def test_all_processes_together_stay_below_the_faults_that_alarm_the_platform(processes: int) -> None:
    each = Budget.of(4.5, 8, processes)
    assert 1 <= each.silences * processes <= SILENCES
    assert each.repushes * processes <= max(REPUSHES, processes)
    assert (each.silences + each.repushes) * processes < 30 or processes > 9


def test_patience_ends_at_the_earlier_end_and_what_is_left_never_goes_below_zero() -> None:
    assert seconds_left() == float("inf")
    assert seconds_left(3) == 3
    with Patience(10):
        with Patience(0.02):
            assert seconds_left(5) <= 0.02
            time.sleep(0.03)
            assert seconds_left() == 0.0
        with Patience(20):
            assert 9 < seconds_left() <= 10
    assert seconds_left() == float("inf")


def test_patience_belongs_to_one_thread() -> None:
    found = []
    with Patience(1):
        other = threading.Thread(target=lambda: found.append(seconds_left()))
        other.start()
        other.join()
    assert found == [float("inf")]


def test_who_takes_a_seat_has_the_patience_of_the_budget() -> None:
    seats = Seats(Budget(2.0, 1))
    with seats.taken():
        assert 1.9 < seconds_left() <= 2.0
    assert seconds_left() == float("inf")


def test_a_burst_waits_a_moment_for_a_seat_and_a_jam_is_noticed_at_once() -> None:
    seats = Seats(Budget(2.0, 2))
    leave, done = threading.Event(), []

    def sit() -> None:
        with seats.taken():
            leave.wait(5)
        done.append(True)

    sitting = [threading.Thread(target=sit) for _ in range(2)]
    for thread in sitting:
        thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    with pytest.raises(CrowdedError), seats.taken():
        pass
    assert 0.3 < time.monotonic() - began < 0.8
    began = time.monotonic()
    with pytest.raises(CrowdedError), seats.taken():
        pass
    assert time.monotonic() - began < 0.1, "nobody moved for half a second: nobody is waited for"
    leave.set()
    for thread in sitting:
        thread.join()
    with seats.taken():
        done.append(True)
    assert len(done) == 3


def test_the_first_two_pushes_get_silence_and_the_third_a_sentence() -> None:
    watch = Watch()
    late = Lateness(watch, Budget())
    said = []
    for seconds in (0.2, 5.2, 10.2):
        watch.after(seconds)
        said.append(late.is_silent(message(), watch()))
    assert said == [True, True, False]


def test_a_third_push_is_known_without_the_clock() -> None:
    """The platform's clock may be ahead of ours; whoever was silent twice for a message says something."""
    watch = Watch()
    late = Lateness(watch, Budget())
    assert [late.is_silent(message(at=NOW + 60), watch()) for _ in range(3)] == [True, True, False]


def test_a_process_that_sees_a_message_for_the_first_time_knows_how_old_it_is() -> None:
    watch = Watch()
    watch.after(9.5)
    assert not Lateness(watch, Budget()).is_silent(message(), watch())


def test_trouble_that_has_outlasted_all_pushes_is_told_at_once() -> None:
    watch = Watch()
    late = Lateness(watch, Budget())
    assert late.is_silent(message(), watch())
    watch.after(8)
    assert late.is_silent(message("other", NOW + 8), watch())
    watch.after(9.5)
    assert not late.is_silent(message("third", NOW + 9), watch())
    late.over()
    assert late.is_silent(message("fourth", NOW + 9), watch())


def test_trouble_nobody_heard_of_for_a_minute_is_over() -> None:
    watch = Watch()
    late = Lateness(watch, Budget())
    assert late.is_silent(message(), watch())
    watch.after(100)
    assert late.is_silent(message("later", NOW + 100), watch())


def test_a_process_is_silent_a_few_times_only() -> None:
    watch = Watch()
    late = Lateness(watch, Budget())
    said = [late.is_silent(message(str(number)), watch()) for number in range(MOST + 3)]
    assert said == [True] * MOST + [False] * 3
    watch.now += WITHIN
    assert late.is_silent(message("later", int(watch.now.timestamp())), watch())


def test_a_connection_that_is_kept_stays_open_until_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.wechat.budget.HELD", 0.2)
    hold = Hold()
    ours, theirs = socket.socketpair()
    theirs.settimeout(0.1)
    hold.keep(ours)
    assert ours.recv(1) == b"", "the server sees a client that has gone"
    ours.close()
    hold.let_go()
    with pytest.raises(TimeoutError):
        theirs.recv(1)
    time.sleep(0.25)
    hold.let_go()
    assert theirs.recv(1) == b""
    theirs.close()


def test_no_more_connections_are_kept_than_silences_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.wechat.budget.HELD", 0.0)
    hold = Hold()
    pairs = [socket.socketpair() for _ in range(MOST + 2)]
    for ours, _ in pairs:
        hold.keep(ours)
        ours.close()
    closed = 0
    for _, theirs in pairs:
        theirs.setblocking(False)  # noqa: FBT003 - the only way to say it
        with suppress(BlockingIOError):
            closed += theirs.recv(1) == b""
        theirs.close()
    assert closed == 2
    hold.let_go()


@pytest.fixture(params=list(Mode))
def door(request: pytest.FixtureRequest) -> Door:
    door = Door(request.param)

    def away(_: Incoming) -> str:
        raise AwayError("the database does not answer")

    door.behind.answer = away
    return door


def test_a_database_that_is_away_gets_silence_twice_and_then_a_valid_sentence(door: Door) -> None:
    before = count("late", done="silence")
    assert [door.push(text_message()).status_code for _ in range(2)] == [503, 503], "this server keeps its socket"
    assert count("late", done="silence") == before + 2
    reply = door.read(door.push(text_message()))
    assert reply.findtext("Content") == texts()["error.away"]
    door.behind.answer = lambda _: "好"
    assert door.read(door.push(text_message())).findtext("Content") == "好"


def test_nobody_who_has_left_is_told_that_something_was_away(door: Door) -> None:
    pushes = [door.push(event("unsubscribe")) for _ in range(3)]
    assert [push.status_code for push in pushes] == [503, 503, 200]
    assert pushes[-1].data == b"success"


def test_messages_and_reports_have_the_patience_of_the_budget(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[float] = []

    def answer(_: Incoming) -> str:
        found.append(seconds_left())
        return ""

    door.behind.answer = answer
    monkeypatch.setattr(Inbox, "__call__", lambda *_: found.append(seconds_left()))
    door.push(text_message())
    door.push(TOLD)
    assert len(found) == 2
    assert all(4 < seconds <= 4.5 for seconds in found)
