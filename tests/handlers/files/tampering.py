"""Ways to tamper with a report (篡改方法): steps of an incremental save or of a rewriting, and whole files."""

# mypy: disable-error-code="no-untyped-call"
# pyHanko's objects are built by constructors without types.

import io
import re
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.embed import EmbeddedFileObject, FileSpec, embed_file
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, StreamObject

_BLOCK = re.compile(rb"q 1 0 0 -1 [0-9.]+ [0-9.]+ cm(?:(?!\nQ\n).)*?BT.*?ET\nQ", re.DOTALL)
_PLACE = re.compile(rb"1 0 0 -1 [0-9.]+ [0-9.]+ cm")


def flipped(pdf: bytes, position: int, bit: int = 1) -> bytes:
    """Return the file with one bit changed."""
    out = bytearray(pdf)
    out[position] ^= bit
    return bytes(out)


def room_of(pdf: bytes) -> tuple[int, int]:
    """Return where the signature's hexadecimal digits begin and end."""
    found = list(re.finditer(rb"/Contents <([0-9A-Fa-f]+)>", pdf))[-1]
    return found.span(1)


def saved(pdf: bytes, step: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """Save a change behind the file, as editors do."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    step(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _page(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    page = writer.root["/Pages"]["/Kids"][0]
    assert isinstance(page, generic.DictionaryObject)
    return page


def _drawn(writer: IncrementalPdfFileWriter, operators: bytes) -> None:
    writer.add_stream_to_page(0, writer.add_object(generic.StreamObject(stream_data=operators)))


def overlay(writer: IncrementalPdfFileWriter) -> None:
    """Draw a white box and another word over the name."""
    _drawn(writer, b"q 1 g 146 498 150 16 re f Q BT /f0 10 Tf 148.5 503.5 Td <0001> Tj ET")


def annotation(writer: IncrementalPdfFileWriter) -> None:
    """Lay a comment box over the page."""
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (146, 498, 296, 514))),
            pdf_name("/Contents"): pdf_string("王小明"),
            pdf_name("/DA"): pdf_string("/Helv 10 Tf 0 g"),
        }
    )
    page = _page(writer)
    page[pdf_name("/Annots")] = generic.ArrayObject([*page.get("/Annots", ()), writer.add_object(note)])
    writer.update_container(page)


def form_field(writer: IncrementalPdfFileWriter) -> None:
    """Add a text field with a value."""
    box = generic.DictionaryObject(
        {
            pdf_name("/FT"): pdf_name("/Tx"),
            pdf_name("/T"): pdf_string("name"),
            pdf_name("/V"): pdf_string("王小明"),
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (146, 498, 296, 514))),
        }
    )
    reference = writer.add_object(box)
    form = writer.root["/AcroForm"]
    form["/Fields"].append(reference)
    writer.update_container(form["/Fields"])


def metadata_only(writer: IncrementalPdfFileWriter) -> None:
    """Touch the description only, as viewers do when they save."""
    writer.set_info(generic.DictionaryObject({pdf_name("/ModDate"): pdf_string("D:20230701000000Z")}))


def nothing(writer: IncrementalPdfFileWriter) -> None:
    """Save without a change."""
    writer.update_root()


def other_token(token: str) -> Callable[[IncrementalPdfFileWriter], None]:
    """Return a step that names another verification in the description."""

    def step(writer: IncrementalPdfFileWriter) -> None:
        described = f"<x:xmpmeta>HTTPS://QUXIANG.EXAMPLE.EDU.CN/V/{token}</x:xmpmeta>".encode()
        stream = generic.StreamObject(
            dict_data={pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")},
            stream_data=described,
        )
        writer.root[pdf_name("/Metadata")] = writer.add_object(stream)
        writer.update_root()

    return step


def attachment(writer: IncrementalPdfFileWriter) -> None:
    """Embed a file."""
    inside = EmbeddedFileObject.from_file_data(writer, data=b"hello", mime_type="text/plain")
    embed_file(writer, FileSpec("note.txt", embedded_data=inside))


def script(writer: IncrementalPdfFileWriter) -> None:
    """Let the file run JavaScript when it is opened."""
    action = generic.DictionaryObject(
        {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): pdf_string("app.alert('hi')")}
    )
    writer.root[pdf_name("/OpenAction")] = writer.add_object(action)
    writer.update_root()


def page_added(writer: IncrementalPdfFileWriter) -> None:
    """Add an empty page."""
    page = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Page"),
            pdf_name("/MediaBox"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 595, 842))),
            pdf_name("/Parent"): writer.root.raw_get("/Pages"),
        }
    )
    pages = writer.root["/Pages"]
    pages["/Kids"].append(writer.add_object(page))
    pages[pdf_name("/Count")] = generic.NumberObject(2)
    writer.update_container(pages["/Kids"])
    writer.update_container(pages)


def cropped(writer: IncrementalPdfFileWriter) -> None:
    """Hide the lower half of the page."""
    page = _page(writer)
    page[pdf_name("/CropBox")] = generic.ArrayObject(map(generic.NumberObject, (0, 300, 595, 842)))
    writer.update_container(page)


def font_replaced(writer: IncrementalPdfFileWriter) -> None:
    """Put another font under the name of one in use: other shapes for the same codes."""
    fonts = _page(writer)["/Resources"]["/Font"]
    other = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type1"),
            pdf_name("/BaseFont"): pdf_name("/Helvetica"),
        }
    )
    fonts[next(iter(fonts))] = writer.add_object(other)
    writer.update_container(fonts)


def hidden_layer(writer: IncrementalPdfFileWriter) -> None:
    """Lay a layer over the page that can be switched on (shadow attack)."""
    layer = writer.add_object(
        generic.DictionaryObject({pdf_name("/Type"): pdf_name("/OCG"), pdf_name("/Name"): pdf_string("layer")})
    )
    listed = generic.ArrayObject([layer])
    writer.root[pdf_name("/OCProperties")] = generic.DictionaryObject(
        {
            pdf_name("/OCGs"): listed,
            pdf_name("/D"): generic.DictionaryObject({pdf_name("/OFF"): generic.ArrayObject([layer])}),
        }
    )
    writer.update_root()
    _drawn(writer, b"/OC /layer BDC q 1 g 0 0 595 842 re f Q EMC")


def field_twice(writer: IncrementalPdfFileWriter) -> None:
    """Let a second field hold the same signature."""
    form = writer.root["/AcroForm"]
    first = form["/Fields"][0]
    second = generic.DictionaryObject(
        {
            pdf_name("/FT"): pdf_name("/Sig"),
            pdf_name("/T"): pdf_string("Second"),
            pdf_name("/V"): first.raw_get("/V"),
        }
    )
    form["/Fields"].append(writer.add_object(second))
    writer.update_container(form["/Fields"])


def empty_field(writer: IncrementalPdfFileWriter) -> None:
    """Add a second place to sign, left empty."""
    append_signature_field(writer, SigFieldSpec("Second"))


def rewritten(pdf: bytes, step: Callable[[PdfWriter], None] | None = None) -> bytes:
    """Write the file anew with another library."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    if step:
        step(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def stripped(writer: PdfWriter) -> None:
    """Take the form away, and with it the seal."""
    for name in ("/AcroForm", "/Perms"):
        if name in writer.root_object:
            del writer.root_object[NameObject(name)]
    for page in writer.pages:
        page[NameObject("/Annots")] = ArrayObject()


def copied(source: str, target: str) -> Callable[[PdfWriter], None]:
    """Return a step that changes the words of a page: the value beside one label is drawn beside another, too."""

    def step(writer: PdfWriter) -> None:
        page = writer.pages[0]
        drawn = page.get_contents()
        assert drawn is not None
        words = drawn.get_data()
        blocks = _BLOCK.findall(words)
        values = dict(zip(_labels(page), blocks[1:], strict=False))
        changed = StreamObject()
        changed.set_data(words.replace(values[target], _at(values[source], values[target])))
        page[NameObject("/Contents")] = writer._add_object(changed)  # noqa: SLF001 -- the only way to add a stream

    return step


def _labels(page: PageObject) -> list[str]:
    """Return the text of each drawn block, in order."""
    found: list[str] = []
    page.extract_text(visitor_text=lambda text, *_: found.append(text.strip()) if text.strip() else None)
    return found


def _at(block: bytes, place: bytes) -> bytes:
    """Return a block with the position of another."""
    return _PLACE.sub(_PLACE.findall(place)[0], block, count=1)


def swapped_page(other: bytes) -> Callable[[PdfWriter], None]:
    """Return a step that shows the page of another report."""

    def step(writer: PdfWriter) -> None:
        page = PdfReader(io.BytesIO(other)).pages[0].clone(writer, force_duplicate=True)
        writer.pages[0][NameObject("/Contents")] = page[NameObject("/Contents")]
        writer.pages[0][NameObject("/Resources")] = page[NameObject("/Resources")]

    return step


def locked(pdf: bytes) -> bytes:
    """Encrypt the file with a password."""
    return rewritten(pdf, lambda writer: writer.encrypt("secret", algorithm="AES-256"))


def first_revision(pdf: bytes) -> bytes:
    """Roll back to what was there before the seal."""
    return pdf[: pdf.index(b"%%EOF") + 5]
