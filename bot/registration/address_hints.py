"""Address hints (退件提示): what makes archives come back. They warn the reviewer and never block (N7)."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bot.registration.archive import UNIT_WORDS, ArchiveItems, TransferType, bounce_hints
from bot.registration.dossier import Dossier
from bot.registration.regions import provinces_named, provinces_of_postcode


class Hint(Enum):
    """A hint (退件提示); the value is the sentence, fit for the reviewer and as the reason of a return."""

    PERSON = "接收单位像是个人：档案只能寄给单位，请填人才服务中心、档案馆等接收单位的全称"
    HOME = "收件处像是本人或家里：档案不能寄到家，请填有档案管理权限的接收单位"
    OWN_NAME = "联系人是毕业生本人：请填接收单位的联系人或科室"
    NOT_A_KEEPER = "单位名称看不出是什么单位：请填公章上的全称"
    NO_NUMBER = "地址没有门牌号或房间号：请写到几号、几楼、几室"
    NO_PLACE = "地址没有省、市、区县：请从省份写起"
    PO_BOX = "只有信箱：机要和快递投不进信箱，请填街道地址"
    POSTCODE_EMPTY = "邮编不是真实邮编：请填六位邮编"
    POSTCODE_REGION = "邮编和地址不在同一个省：请核对邮编和地址"
    OTHER_REGION = "单位和地址不在同一个省：请核对是不是填错了单位或地址"
    OTHER_ORIGIN = "转回生源地，但地址不在生源地所在的省：请核对"
    MOBILE = "联系电话是手机号：请尽量填接收单位的座机"
    SHORT_PHONE = "联系电话太短：请填带区号的座机，如 0512-62881234"

    @property
    def label(self) -> str:
        """The first part of the sentence, short enough for a list."""
        return self.value.partition("：")[0]


_HOME = re.compile(r"本人|自己|自取|家里|家中|我家|父亲|母亲|爸爸|妈妈|家长|爷爷|奶奶")
_KEEPER = re.compile(r"人才|人社|人力资源|社会保障|档案|就业|教育|组织|干部")
_NUMBER = re.compile(
    r"[0-9一二三四五六七八九十百]+ ?(?:号|室|栋|楼|层|幢|座|单元|弄|组|院)|"
    r"(?:路|街|道|巷|弄|里|园|城|大厦|广场) ?[0-9]+|[0-9]+-[0-9]+"
)
_PLACE = re.compile(r".[省市区县州盟旗]")
_BOX = re.compile(r"信箱")
_STREET = re.compile(r"路|街|道(?!信)|巷|弄|镇|乡|村|大厦|[0-9]号(?!信)")
_NOT_DIGIT = re.compile(r"[^0-9]")
_EMPTY_POSTCODES = frozenset([*(str(digit) * 6 for digit in range(10)), "123456", "654321"])
_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_SHORTEST_PHONE = 7


@dataclass(frozen=True, slots=True)
class _Case:
    """What the rules look at (待看的内容), in half-width characters."""

    is_origin: bool
    unit: str
    address: str
    postcode: str
    contact: str
    phone: str
    name: str
    origin: str


def hints_of(items: ArchiveItems, name: str = "", origin: str = "") -> tuple[Hint, ...]:
    """Return the hints about archive items (退件提示), most telling first; none is a reason to refuse by itself.

    Args:
        items: the archive entry.
        name: of the graduate, or "" where it is not known.
        origin: place of origin (生源地) of the graduate, or "".
    """
    case = _Case(
        items.transfer_type is TransferType.ORIGIN,
        unit=_plain(items.unit),
        address=_plain(items.address),
        postcode=_plain(items.postcode),
        contact=_plain(items.contact),
        phone=_NOT_DIGIT.sub("", _plain(items.phone)),
        name=_plain(name),
        origin=_plain(origin),
    )
    return tuple(hint for hint, applies in _RULES if applies(case))


def hints_for(dossier: Dossier) -> tuple[Hint, ...]:
    """Return the hints about the archive entry of a dossier; none without items."""
    items, graduate = dossier.archive.items, dossier.graduate
    return hints_of(items, graduate.name, graduate.place_of_origin) if items else ()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _is_person(case: _Case) -> bool:
    return "person" in bounce_hints(case.unit, case.address) or (len(case.name) > 1 and case.name in case.unit)


def _is_nothing_known(case: _Case) -> bool:
    named = UNIT_WORDS.search(case.unit) or _KEEPER.search(case.unit)
    return not named and not _is_person(case) and not _HOME.search(case.unit)


def _has_no_number(case: _Case) -> bool:
    return not _NUMBER.search(case.address) and not _is_box(case)


def _is_box(case: _Case) -> bool:
    return bool(_BOX.search(case.address)) and not _STREET.search(case.address)


def _has_other_postcode(case: _Case) -> bool:
    """The place an address begins with counts: what follows may be the name of a road or of a branch."""
    if case.postcode in _EMPTY_POSTCODES or not (named := provinces_named(case.address)):
        return False
    return named[0] not in provinces_of_postcode(case.postcode)


def _has_no_postcode(case: _Case) -> bool:
    return case.postcode in _EMPTY_POSTCODES or not provinces_of_postcode(case.postcode)


def _is_elsewhere(case: _Case) -> bool:
    there, unit = provinces_named(case.address), provinces_named(case.unit)
    return bool(there and unit) and there[0] not in unit


def _is_not_origin(case: _Case) -> bool:
    there, origin = provinces_named(case.address), provinces_named(case.origin)
    return case.is_origin and bool(there and origin) and there[0] != origin[0]


_RULES: tuple[tuple[Hint, Callable[[_Case], bool]], ...] = (
    (Hint.PERSON, _is_person),
    (Hint.HOME, lambda case: any(_HOME.search(text) for text in (case.unit, case.contact, case.address))),
    (Hint.NOT_A_KEEPER, _is_nothing_known),
    (Hint.OWN_NAME, lambda case: bool(case.name) and case.contact == case.name),
    (Hint.OTHER_ORIGIN, _is_not_origin),
    (Hint.OTHER_REGION, _is_elsewhere),
    (Hint.NO_PLACE, lambda case: not _PLACE.search(case.address) and not provinces_named(case.address)),
    (Hint.PO_BOX, _is_box),
    (Hint.NO_NUMBER, _has_no_number),
    (Hint.POSTCODE_EMPTY, _has_no_postcode),
    (Hint.POSTCODE_REGION, lambda case: not _has_no_postcode(case) and _has_other_postcode(case)),
    (Hint.MOBILE, lambda case: bool(_MOBILE.fullmatch(case.phone))),
    (Hint.SHORT_PHONE, lambda case: len(case.phone) < _SHORTEST_PHONE),
)
