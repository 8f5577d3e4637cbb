"""What a reviewer sees marked."""

from hypothesis import given
from hypothesis import strategies as st

from bot.staff.difference import Piece, difference


def marked(pieces: object) -> str:
    assert isinstance(pieces, list)
    return "".join(f"[{piece.text}]" if piece.is_changed else piece.text for piece in pieces)


def test_an_added_room_is_all_that_is_marked() -> None:
    before, now = difference("示例市学府路1号", "示例市学府路1号201室")
    assert (marked(before), marked(now)) == ("示例市学府路1号", "示例市学府路1号[201室]")


def test_a_number_changes_as_a_whole() -> None:
    before, now = difference("0512-62881234转1", "0512-62881235转1")
    assert (marked(before), marked(now)) == ("0512-[62881234]转1", "0512-[62881235]转1")


def test_texts_with_little_in_common_are_marked_whole() -> None:
    assert difference("张三", "苏州市人才服务中心") == ([Piece("张三", True)], [Piece("苏州市人才服务中心", True)])  # noqa: FBT003 -- a piece in short
    assert difference("", "档案科") == ([], [Piece("档案科", True)])  # noqa: FBT003 -- the same


@given(st.text(alphabet="示例市路号12 a", max_size=30), st.text(alphabet="示例市路号12 a", max_size=30))
def test_the_pieces_are_the_texts_and_equal_texts_have_no_mark(before: str, now: str) -> None:
    left, right = difference(before, now)
    assert ("".join(p.text for p in left), "".join(p.text for p in right)) == (before, now)
    assert "".join(p.text for p in left if not p.is_changed) == "".join(p.text for p in right if not p.is_changed)
    assert all(not piece.is_changed for piece in difference(now, now)[0])
