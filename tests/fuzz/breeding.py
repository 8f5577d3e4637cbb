"""Breeding (变异): from a seed that means something, inputs that almost do.

Random bytes are refused by the first check there is. What gets further looks right in most places, so most inputs are
seeds with a few things cut out, doubled, spliced or replaced by what parsers stumble over.
"""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).with_name("corpus")
AWKWARD = (
    *(
        b"\x00",
        b"\xff",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
        b"]]>",
        b"<![CDATA[",
        b"&amp;",
        b"&#0;",
        b"&#xd800;",
        b"<!--",
        b"-->",
    ),
    *(
        b"<?xml version='1.0' encoding='utf-16'?>",
        b"<?xml version='1.0' encoding='x'?>",
        b"<!DOCTYPE a>",
        b"<",
        b">",
        b"/>",
    ),
    *(
        b"-1",
        b"0",
        b"2147483648",
        b"18446744073709551616",
        b"9" * 30,
        b"1e400",
        b"NaN",
        "１２３".encode(),
        "٣".encode(),
    ),
    *(
        "😀".encode(),
        "𠮷".encode(),
        "\u202e".encode(),
        "\u2028".encode(),
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\x1f",
        b"%00",
        b"' --",
    ),
)
MOST = 4


def seeds(kind: str) -> list[bytes]:
    """Return the saved seeds of a kind (种子), in the order of their names."""
    found = [path.read_bytes() for path in sorted((CORPUS / kind).iterdir())]
    assert found, kind
    return found


@st.composite
def bred(draw: st.DrawFn, parents: Sequence[bytes]) -> bytes:
    """Draw an input bred from seeds (变异): a few changes, in places that have to do with each other or not."""
    text = draw(st.sampled_from(parents))
    for _ in range(draw(st.integers(0, MOST))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 2, 4, 8, 32, 200))))
        piece = text[start:end]
        match draw(st.sampled_from(("cut", "flip", "double", "awkward", "splice", "random", "many"))):
            case "cut":
                piece = b""
            case "flip":
                piece = bytes([piece[0] ^ (1 << draw(st.integers(0, 7)))]) + piece[1:] if piece else b""
            case "double":
                piece += piece
            case "awkward":
                piece = draw(st.sampled_from(AWKWARD))
            case "splice":
                other = draw(st.sampled_from(parents))
                begin = draw(st.integers(0, len(other)))
                piece = other[begin : begin + draw(st.sampled_from((1, 16, 100, 1000)))]
            case "random":
                piece = draw(st.binary(max_size=16))
            case "many":
                piece = (piece or b"<a>") * draw(st.sampled_from((10, 100, 1000)))
        text = text[:start] + piece + text[end:]
    return text


def anything(parents: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Draw bred inputs mostly, and now and then bytes that mean nothing."""
    return st.one_of(bred(parents), bred(parents), bred(parents), st.binary(max_size=300))
