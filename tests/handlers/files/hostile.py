"""Hostile files (恶意文件): small uploads that ask for a lot of time, memory or depth."""

import zlib
from collections.abc import Callable, Sequence

_NONE = b"null"


def built(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of these objects, numbered from 1, the first of which is the catalogue."""
    out = bytearray(b"%PDF-2.0\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(data: bytes, described: bytes = b"") -> bytes:
    """Return a compressed stream object."""
    packed = zlib.compress(data, 9)
    return b"<</Length %d/Filter/FlateDecode%b>>\nstream\n%b\nendstream" % (len(packed), described, packed)


def paged(content: bytes, font: bytes = _NONE, more: Sequence[bytes] = (), catalogue: bytes = b"") -> bytes:
    """Return a PDF of one page: content is object 4, the font 5, further objects begin with 6."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</f0 5 0 R>>>>>>"
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return built([b"<</Type/Catalog/Pages 2 0 R%b>>" % catalogue, pages, page, content, font, *more])


def twice_packed(size: int) -> bytes:
    """Return a stream that is packed twice, so that a kilobyte becomes a gigabyte."""
    inner = zlib.compress(zlib.compress(b"\0" * size, 9), 9)
    return b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>\nstream\n%b\nendstream" % (len(inner), inner)


_CMAP = b"/CIDInit /ProcSet findresource begin begincmap 1 beginbfrange <00000000> <FFFFFFFF> <0000> endbfrange endcmap"
_TYPE0 = b"<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/ToUnicode 6 0 R/DescendantFonts[7 0 R]>>"
_WORD = b"BT /f0 10 Tf 10 10 Td <0001> Tj ET\n"

FILES: dict[str, Callable[[], bytes]] = {
    "nothing but a header": lambda: b"%PDF-2.0\n",
    "noise behind a header": lambda: b"%PDF-2.0\n" + bytes(range(256)) * 4000,
    "deeply nested arrays": lambda: built([b"<</Type/Catalog/Pages " + b"[" * 200_000 + b"]" * 200_000 + b">>"]),
    "deeply nested dictionaries": lambda: built([b"<</A" * 100_000 + b">>" * 100_000]),
    "pages that contain themselves": lambda: built(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 99999999>>"]
    ),
    "a cross-reference that leads to itself": lambda: built([b"<</Type/Catalog>>"], b"/Prev 40").replace(
        b"startxref\n", b"startxref\n0"
    ),
    "an object that is itself": lambda: built([b"1 0 R"]),
    "a hundred thousand objects": lambda: built([b"<</Type/Catalog/Pages 2 0 R>>", *[b"<</A 1>>"] * 100_000]),
    "a stream that unpacks to a gigabyte": lambda: paged(twice_packed(2**28)),
    "a page of two hundred megabytes": lambda: paged(stream(b" " * 200_000_000)),
    "a page of a million words": lambda: paged(stream(_WORD * 1_000_000), b"<</Type/Font/Subtype/Type1/BaseFont/A>>"),
    "a font with four billion characters": lambda: paged(
        stream(_WORD), _TYPE0, [stream(_CMAP), b"<</Type/Font/Subtype/CIDFontType2/BaseFont/A/W[0 4000000000 1]>>"]
    ),
    "a description of a gigabyte": lambda: paged(_NONE, catalogue=b"/Metadata 6 0 R", more=[twice_packed(2**28)]),
    "a form of fields that contain each other": lambda: paged(
        _NONE,
        catalogue=b"/AcroForm<</Fields[6 0 R]>>",
        more=[b"<</T(a)/FT/Sig/Kids[7 0 R 7 0 R]>>", b"<</T(b)/FT/Sig/Kids[6 0 R 6 0 R]>>"],
    ),
    "a signature of five megabytes of zeros": lambda: paged(
        _NONE,
        catalogue=b"/AcroForm<</Fields[6 0 R]>>",
        more=[b"<</T(a)/FT/Sig/V 7 0 R>>", b"<</Type/Sig/ByteRange[0 9 9 9]/Contents<%b>>>" % (b"30" * 2_000_000)],
    ),
    "a signature whose range is enormous": lambda: paged(
        _NONE,
        catalogue=b"/AcroForm<</Fields[6 0 R]>>",
        more=[
            b"<</T(a)/FT/Sig/V 7 0 R>>",
            b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 99999999999999999999 1 1]/Contents<3000>>>",
        ],
    ),
    "a line of brackets without end": lambda: paged(stream(b"(" * 3_000_000)),
    "a number of a million digits": lambda: built([b"<</Type/Catalog/A " + b"9" * 1_000_000 + b">>"]),
}
