"""The archive-entry flow (档案信息登记, N7, N10): item by item, or all in one message; read back; submit."""

import re
from collections.abc import Callable, Mapping

from bot.conversation.effects import SubmitArchive
from bot.conversation.facts import Facts
from bot.conversation.flow import BOARD, Bad, Flow, Kept, Ok, Step
from bot.conversation.options import always, pick
from bot.conversation.understanding import simplify
from bot.errors import BadValueError
from bot.registration.archive import ArchiveItems, ReceivingType, TransferType
from bot.registration.particulars import clean_line, parse_phone, parse_postcode

TRANSFER = {"unit": TransferType.UNIT, "origin": TransferType.ORIGIN}
RECEIVING = {"signed": ReceivingType.SIGNED, "superior": ReceivingType.SUPERIOR, "trustee": ReceivingType.TRUSTEE}
ITEMS = ("transfer_type", "receiving_type", "unit", "address", "postcode", "contact", "phone")

_LABELS = {
    "transfer_type": "户档转递类型|档案转递类型|转递类型|转递方式",
    "receiving_type": "档案接收类型|接收类型|接收方式",
    "unit": "档案接收单位名称|档案接收单位|接收单位名称|接收单位|档案单位|单位名称|单位",
    "address": "档案接收地址|接收单位地址|接收地址|单位地址|通讯地址|邮寄地址|详细地址|地址",
    "postcode": "档案接收邮编|邮政编码|邮编",
    "contact": "档案联系人|单位联系人|收件人|联系人|收件部门",
    "phone": "档案联系电话|联系电话|联系方式|电话号码|手机号码|手机号|手机|电话",
}
_NAMED = re.compile("(?:^|[\\n；;，,。\\s])\\s*(" + "|".join(_LABELS.values()) + r")\s*[:：=是为]\s*")


def fill(text: str) -> tuple[tuple[str, str], ...]:
    """Read a block like 单位：… 地址：… 电话：… into (step, raw value) pairs, in the order written."""
    text = simplify(text)
    marks = list(_NAMED.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return tuple(
        (
            next(step for step, names in _LABELS.items() if mark[1] in names.split("|")),
            text[mark.end() : end].strip(" \n；;，,。"),
        )
        for mark, end in zip(marks, ends, strict=False)
    )


def _line(why: str, least: int, most: int) -> Callable[[str, Kept, Facts], Ok | Bad]:
    def parse(text: str, _kept: Kept, _facts: Facts) -> Ok | Bad:
        value = clean_line(text).strip(" 。；;，,")
        letters = sum(c.isalnum() for c in value)
        return Ok(value) if letters >= least and len(value) <= most and not value.isdigit() else Bad(why)

    return parse


def _checked(reader: Callable[[str], str], why: str) -> Callable[[str, Kept, Facts], Ok | Bad]:
    def parse(text: str, _kept: Kept, _facts: Facts) -> Ok | Bad:
        try:
            return Ok(reader(text))
        except BadValueError:
            return Bad(why)

    return parse


_TRANSFER_OPTIONS = always("unit", "origin")
_RECEIVING_OPTIONS = always("signed", "superior", "trustee")


def _receiving_given(kept: Kept, _facts: Facts) -> Ok | None:
    return Ok("none", "none") if kept.get("transfer_type") == "origin" else None


def _read_back_options(kept: Kept, _facts: Facts) -> tuple[str, ...]:
    return ("submit", *(name for name in ITEMS if kept.get(name, "none") != "none"))


def _read_back(text: str, kept: Kept, facts: Facts) -> Ok | Bad:
    """Read the choice kindly, except that to submit is to agree and must be the whole text."""
    got = pick("archive.read_back", _read_back_options)(text, kept, facts)
    if isinstance(got, Bad) or got.out != "submit":
        return got
    return pick("archive.read_back", always("submit"), whole=True)(text, kept, facts)


def items_of(kept: Mapping[str, str]) -> ArchiveItems:
    """Build the archive items from the answers."""
    return ArchiveItems(
        TRANSFER[kept["transfer_type"]],
        RECEIVING.get(kept["receiving_type"]),
        kept["unit"],
        kept["address"],
        kept["postcode"],
        kept["contact"],
        kept["phone"],
    )


def _prefill(facts: Facts) -> Mapping[str, str]:
    items = facts.own.archive.items
    if items is None:
        return {}
    receiving = {value: key for key, value in RECEIVING.items()}
    values = {
        "transfer_type": {value: key for key, value in TRANSFER.items()}[items.transfer_type],
        "unit": items.unit,
        "address": items.address,
        "postcode": items.postcode,
        "contact": items.contact,
        "phone": items.phone,
    }
    return values | ({"receiving_type": receiving[items.receiving_type]} if items.receiving_type else {})


FLOW = Flow(
    "archive",
    (
        Step(
            "transfer_type",
            {"unit": "receiving_type", "origin": "receiving_type"},
            pick("archive.transfer_type", _TRANSFER_OPTIONS),
            samples=("1", "转回生源地"),
            options=_TRANSFER_OPTIONS,
        ),
        Step(
            "receiving_type",
            {"signed": "unit", "superior": "unit", "trustee": "unit", "none": "unit"},
            pick("archive.receiving_type", _RECEIVING_OPTIONS),
            samples=("1", "上级主管单位接收", "托管"),
            options=_RECEIVING_OPTIONS,
            given=_receiving_given,
        ),
        Step("unit", {"ok": "address"}, _line("archive.unit.bad", 3, 80), samples=("示例市人才服务中心",)),
        Step(
            "address", {"ok": "postcode"}, _line("archive.address.bad", 6, 120), samples=("示例市示例区学府路1号201室",)
        ),
        Step("postcode", {"ok": "contact"}, _checked(parse_postcode, "archive.postcode.bad"), samples=("010010",)),
        Step("contact", {"ok": "phone"}, _line("archive.contact.bad", 2, 40), samples=("档案科",)),
        Step("phone", {"ok": "read_back"}, _checked(parse_phone, "archive.phone.bad"), samples=("0512-62881234",)),
        Step(
            "read_back",
            {"submit": BOARD} | {name: name for name in ITEMS},
            _read_back,
            samples=("1", "改户档转递类型", "改接收类型", "改接收单位", "改地址", "改邮编", "改联系人", "改电话"),
            options=_read_back_options,
            effects={"submit": lambda kept, _facts: SubmitArchive(items_of(kept))},
            seal=lambda kept, _facts: repr(sorted(kept.items())),
        ),
    ),
    prefill=_prefill,
    fill=fill,
)
