"""The chronicle: one order out of many sources, pages that lose nothing, and words for every key."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.flows import FLOWS
from bot.conversation.texts import texts
from bot.conversation.understanding import phrases
from bot.staff.audit import Entry
from bot.staff.chronicle import Event, Happened, Kind, Page, Sources, Spoken, Told, by_day, merged
from bot.staff.chronicle_words import GONE, events, notice_label, outcome_label, step_label, words

START = datetime(2023, 6, 28, 15, 50, tzinfo=UTC)  # 23:50 in Shanghai


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def talked(minutes: int) -> Event:
    return Event(at(minutes), Kind.TALK, "登录")


def entry(details: dict[str, str], action: str = "REVEALED") -> Entry:
    return Entry(1, at(1), "a", "就业办甲", action, "d", details, "", "", "")


# -- order and pages -----------------------------------------------------------------------------------


def test_sources_become_one_line_newest_first() -> None:
    steps = [Event(at(3), Kind.STEP, "确认去向"), Event(at(1), Kind.STEP, "登录绑定")]
    page = merged([[talked(4), talked(2)], steps], 10)
    assert [event.at for event in page.events] == [at(4), at(3), at(2), at(1)]
    assert page.before is None


def test_within_a_moment_what_came_of_it_stands_before_what_was_said() -> None:
    page = merged([[talked(1)], [Event(at(1), Kind.STEP, "登录绑定")]], 10)
    assert [event.kind for event in page.events] == [Kind.STEP, Kind.TALK]


def test_a_moment_is_never_torn_between_two_pages() -> None:
    page = merged([[talked(3), talked(2), talked(2), talked(1)]], 2)
    assert page == Page((talked(3),), at(3))


@given(st.lists(st.lists(st.integers(0, 12), max_size=12), max_size=5), st.integers(1, 6))
def test_page_after_page_shows_everything_once(minutes: list[list[int]], most: int) -> None:
    sources = [
        [Event(at(m), Kind.TALK, f"{place}.{index}") for index, m in enumerate(row)]
        for place, row in enumerate(minutes)
    ]
    shown: list[Event] = []
    before: datetime | None = None
    for _ in range(100):
        page = merged(sources, most, before)
        shown += page.events
        if (before := page.before) is None:
            break
    every = [event for source in sources for event in source]
    assert before is None
    assert sorted(event.words for event in shown) == sorted(event.words for event in every)
    assert [event.at for event in shown] == sorted((event.at for event in every), reverse=True)


def test_turns_in_a_row_are_one_run_but_not_over_midnight_in_shanghai() -> None:
    step = Event(at(30), Kind.STEP, "确认去向")
    late, early = by_day([talked(41), talked(40), step, step, talked(20), talked(5)])
    assert [len(run.events) for run in late.runs] == [2, 1, 1, 1]
    assert [len(run.events) for run in early.runs] == [1]
    assert (late.day.day, early.day.day) == (29, 28)


# -- words ---------------------------------------------------------------------------------------------


def test_every_step_and_every_outcome_of_today_has_a_label() -> None:
    pairs = [(f"{flow.name}.{step.name}", out) for flow in FLOWS.values() for step in flow.steps for out in step.to]
    assert [step for step, _ in pairs if step_label(step) == GONE] == []
    assert [pair for pair in pairs if not outcome_label(*pair)] == []


def test_every_command_and_shortcut_has_a_label_wherever_it_is_said() -> None:
    said = [*phrases()["commands"], *phrases()["shortcuts"], "late", "stale", "moved", "fill", "unread", "menu.report"]
    for step in ("board.menu", "correction.items", "correction.right_name"):
        assert [outcome for outcome in said if not outcome_label(step, outcome)] == []


def test_every_gate_and_every_notice_has_a_label_of_its_own() -> None:
    keys = [key for key in texts() if key.startswith(("gate.", "notice."))]
    known = {f"notice.{key}" for key in words()["notice"]} | set(words()["refused"])
    assert [key for key in keys if key not in known] == []


def test_a_refused_answer_reads_as_not_understood_and_a_gone_step_as_gone() -> None:
    assert outcome_label("archive.address", "archive.address.bad") == "没看懂"
    assert outcome_label("board.menu", "unclear.board") == "没看懂"
    assert outcome_label("board.menu", "something.new") == ""
    assert step_label("gone.step") == GONE
    assert notice_label("notice.gone") == "其他通知"


def test_an_audit_entry_shows_only_the_details_known_to_be_harmless() -> None:
    hidden = {"改后": "11010119900100002X", "单号": "f00"}
    sources = Sources(entries=[entry({"理由": "核对证件", "项目": "手机号", **hidden})])
    (event,) = [event for source in events(sources, ()) for event in source]
    assert (event.words, event.detail, event.who) == ("查看完整信息", "项目：手机号；理由：核对证件", "就业办甲")


def test_rows_written_by_another_version_are_shown_as_they_are() -> None:
    sources = Sources(
        [Spoken("gone.step", "odd", at(1))],
        [Happened("GONE", "", at(1))],
        [Told("notice.gone", "GONE", at(1))],
        entries=[entry({}, "GONE")],
    )
    assert [event.words for source in events(sources, ()) for event in source] == [GONE, "GONE", "其他通知", "GONE"]
