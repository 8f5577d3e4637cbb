import re
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.conversation.reply import Link, Reply
from bot.errors import BadValueError
from handlers.wechat.markup import cdata, clean
from handlers.wechat.rendering import MORE, render

ANCHOR = re.compile('<a href="([^"<>]*)">([^<>]*)</a>')
MORE_LINE = re.compile(f'\n\n<a href="[^"]*">{MORE}</a>（回复“{MORE}”看下文）$')

any_text = st.text(st.characters(), max_size=1500)
prose = st.lists(
    st.sampled_from(["核对单位", "。", "！", "\n", "\n\n", " ", "word ", "😀", "”", "https://a.cn/x?y=1"])
).map("".join)
replies = st.builds(
    Reply,
    text=any_text
    | st.text(st.characters(), max_size=60).map(lambda text: text * 60)
    | prose.map(lambda text: text * 9),
    choices=st.lists(st.text(max_size=30), max_size=12).map(tuple),
    links=st.lists(
        st.builds(Link, st.text(max_size=20), st.text(max_size=60).map("https://e.cn/".__add__)), max_size=3
    ).map(tuple),
    question=st.integers(0, 2**31 - 1),
)


def letters(text: str) -> str:
    """The text without blanks, which may be lost where a page ends."""
    return "".join(clean(text).translate(str.maketrans("<>", "＜＞")).split())


def body(pages: tuple[str, ...]) -> str:
    return "".join(MORE_LINE.sub("", page) for page in pages[:-1]) + pages[-1]


def taps(page: str) -> list[tuple[str, str, str]]:
    """Number or words before it, what a tap sends, and its question."""
    found = []
    for line in page.splitlines():
        for url, label in ANCHOR.findall(line):
            if url.startswith("weixin:"):
                query = parse_qs(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)
                found.append((f"{line.split(' ')[0]} {label}", query["msgmenucontent"][0], query["msgmenuid"][0]))
    return found


@given(replies)
@example(Reply("]]>" * 900))
@example(Reply("\ud800\x00\ufffe<a href='weixin://x'>" * 90))
@example(Reply("", choices=("",) * 300))
@example(Reply("字" * 3000, choices=("很长的选项" * 20,) * 9, links=(Link("x", "https://e.cn/" + "y" * 3000),)))
@settings(max_examples=300, deadline=None)
def test_any_reply_fits_the_limit_is_valid_xml_and_loses_no_word(reply: Reply) -> None:
    pages = render(reply)
    for page in pages:
        assert len(page.encode()) <= 2000
        assert ET.fromstring(f"<x>{cdata(page)}</x>").text in {page, None if page == "" else page}  # noqa: S314 - our own
        assert "<" not in ANCHOR.sub("", page)
    for page in pages[:-1]:
        assert MORE_LINE.search(page)
    assert letters(body(pages)).startswith(letters(reply.text))


@given(st.text(st.sampled_from("去向登记。！\n <>&\"'😀𠮷a]"), max_size=3000), st.integers(400, 2000))
@settings(deadline=None)
def test_the_pages_put_together_are_the_text(text: str, limit: int) -> None:
    pages = render(Reply(text), limit)
    assert all(len(page.encode()) <= limit for page in pages)
    assert letters(body(pages)) == letters(text)


def test_a_short_text_is_one_page_as_it_stands() -> None:
    assert render(Reply("您好。\n\n请核对。")) == ("您好。\n\n请核对。",)


def test_nothing_to_say_is_one_empty_page() -> None:
    assert render(Reply("")) == ("",)


def test_choices_are_numbered_lines_that_send_their_own_words() -> None:
    (page,) = render(Reply("对吗？", choices=("是 + 的", "不是&=%"), question=4711))
    assert page.splitlines()[0] == "对吗？"
    assert taps(page) == [("1 是 + 的", "是 + 的", "4711"), ("2 不是&=%", "不是&=%", "4711")]
    assert "msgmenucontent=%E6%98%AF%20%2B%20%E7%9A%84&msgmenuid=4711" in page


def test_web_links_stand_above_the_choices() -> None:
    (page,) = render(Reply("看报告", ("好",), (Link("我的报告", "https://quxiang.example.edu.cn/r/abc?x=1&y=去"),), 1))
    assert page.splitlines()[2] == '<a href="https://quxiang.example.edu.cn/r/abc?x=1&y=%E5%8E%BB">我的报告</a>'
    assert page.splitlines()[4].startswith("1 <a")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "weixin://bizmsgmenu?msgmenucontent=x&msgmenuid=1", "", "/r/1"])
def test_a_link_that_is_no_web_address_is_shown_as_words(url: str) -> None:
    assert render(Reply("", links=(Link("报告", url),))) == ("报告",)


def test_an_address_cannot_leave_its_attribute() -> None:
    (page,) = render(Reply("", links=(Link('a"><b', 'https://e.cn/"><a href="weixin://x'),)))
    assert ANCHOR.fullmatch(page)


def test_people_cannot_forge_a_link() -> None:
    forged = '<a href="weixin://bizmsgmenu?msgmenucontent=确认&msgmenuid=1">领奖</a>'
    (page,) = render(Reply(f"您写的是：{forged}", choices=(forged,), question=5))
    assert [question for _, _, question in taps(page)] == ["5"]
    assert "＜a href" in page
    assert taps(page)[0][1] == forged


def test_a_long_text_is_cut_between_paragraphs_and_asks_to_go_on() -> None:
    paragraphs = ["甲" * 500 + "。", "乙" * 500 + "。", "丙" * 500 + "。"]
    pages = render(Reply("\n\n".join(paragraphs), choices=("好",), question=7))
    assert [MORE_LINE.sub("", page) for page in pages[:-1]] == paragraphs[:-1]
    assert pages[-1].startswith(paragraphs[-1] + "\n\n1 <a")
    assert [(sent, question) for _, sent, question in taps(pages[0])] == [(MORE, "7")]


def test_a_long_paragraph_is_cut_after_a_sentence_with_its_closing_quote() -> None:
    first, *_ = render(Reply("“" + "字" * 400 + "。”" + "字" * 400 + "。"))
    assert MORE_LINE.sub("", first).endswith("字。”")


def test_text_without_any_edge_is_cut_between_characters() -> None:
    pages = render(Reply("😀" * 1200))
    assert {len(MORE_LINE.sub("", page).strip("😀")) for page in pages} == {0}


def test_a_web_address_in_the_text_is_never_cut() -> None:
    address = "https://account.chsi.com.cn/" + "x" * 90
    for filling in range(440, 660, 3):
        pages = render(Reply("字" * filling + address + "字" * 300))
        assert sum(address in page for page in pages) == 1


def test_the_last_paragraph_stays_with_its_choices() -> None:
    text = "说明" * 270 + "\n\n" + "您选哪一项？"
    choices = tuple(f"选项{number}" for number in range(8))
    first, last = render(Reply(text, choices))
    assert first.startswith("说明")
    assert last.startswith("您选哪一项？")
    assert len(taps(last)) == 8


def test_many_long_choices_send_their_number_when_their_words_do_not_fit() -> None:
    choices = tuple(f"{number:02}号学院" + "很长的名称" for number in range(15))
    (page,) = render(Reply("", choices, question=3))
    assert [sent for _, sent, _ in taps(page)] == [str(number) for number in range(1, 16)]
    assert [label.split(" ")[1] for label, _, _ in taps(page)] == list(choices)


def test_choices_beyond_any_page_stay_readable_numbers() -> None:
    pages = render(Reply("选", tuple(f"第{number}个选项" for number in range(300))))
    assert len(pages) > 1
    assert "1 第0个选项" in pages[0]
    assert "300 第299个选项" in pages[-1]


def test_a_limit_too_small_for_a_sentence_is_refused() -> None:
    with pytest.raises(BadValueError):
        render(Reply("好"), 399)


def test_a_label_stays_on_its_line() -> None:
    (page,) = render(Reply("", ("两\n行\t字",)))
    assert "两 行 字" in unquote(page)
    assert len(page.splitlines()) == 1
