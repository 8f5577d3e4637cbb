"""What makes archives come back, as a table: change one item of a good entry and read the hints."""

from dataclasses import replace

import pytest

from bot.registration.address_hints import Hint, hints_of
from bot.registration.archive import ArchiveItems, ReceivingType, TransferType
from bot.registration.regions import provinces_named, provinces_of_postcode
from handlers.roster.invented import ARCHIVE_OFFICES

GOOD = ArchiveItems(
    TransferType.UNIT,
    ReceivingType.TRUSTEE,
    "苏州市人才服务中心",
    "江苏省苏州市姑苏区学府路1号201室",
    "215000",
    "档案科",
    "0512-62881234",
)

TABLE = [
    ({"unit": "王小明"}, {Hint.PERSON}),
    ({"unit": "欧阳小明转交"}, {Hint.NOT_A_KEEPER}),
    ({"unit": "张晨曦（人才中心）"}, {Hint.PERSON}),
    ({"unit": "人社局"}, set()),
    ({"unit": "自己"}, {Hint.PERSON, Hint.HOME}),
    ({"contact": "本人"}, {Hint.HOME}),
    ({"address": "江苏省苏州市学府路1号家中"}, {Hint.HOME}),
    ({"contact": "张晨曦"}, {Hint.OWN_NAME}),
    ({"contact": "张老师"}, set()),
    ({"unit": "星光灿烂"}, {Hint.PERSON}),
    ({"unit": "星光灿烂工作"}, {Hint.NOT_A_KEEPER}),
    ({"address": "江苏省苏州市姑苏区学府路"}, {Hint.NO_NUMBER}),
    ({"address": "江苏省苏州市姑苏区学府路一号"}, set()),
    ({"address": "江苏省苏州市姑苏区学府路88"}, set()),
    ({"address": "江苏省苏州市姑苏区学府路1号"}, set()),
    ({"address": "学府路1号201室"}, {Hint.NO_PLACE}),
    ({"address": "苏州姑苏学府路1号"}, set()),
    ({"address": "江苏省苏州市12号信箱"}, {Hint.PO_BOX}),
    ({"address": "江苏省苏州市学府路1号（12号信箱）"}, set()),
    ({"postcode": "000000"}, {Hint.POSTCODE_EMPTY}),
    ({"postcode": "123456"}, {Hint.POSTCODE_EMPTY}),
    ({"postcode": "880000"}, {Hint.POSTCODE_EMPTY}),
    ({"postcode": "100000"}, {Hint.POSTCODE_REGION}),
    ({"postcode": "２１５０００"}, set()),
    ({"address": "上海市黄浦区南京东路1号", "postcode": "200000", "unit": "上海市人才服务中心"}, set()),
    ({"address": "内蒙古兴安盟乌兰浩特市1号", "postcode": "137400", "unit": "兴安盟人才中心"}, set()),
    ({"address": "北京市海淀区学府路1号", "postcode": "100080"}, {Hint.OTHER_REGION}),
    ({"unit": "北京银行苏州分行"}, set()),
    ({"phone": "13912345678"}, {Hint.MOBILE}),
    ({"phone": "+86 139-1234-5678"}, {Hint.MOBILE}),
    ({"phone": "110"}, {Hint.SHORT_PHONE}),
    ({"phone": "62881234"}, set()),
    ({"transfer_type": TransferType.ORIGIN, "receiving_type": None}, {Hint.OTHER_ORIGIN}),
]


def _named(value: dict[str, str] | set[Hint]) -> str:
    """Name a case the same in every process: the order of a set is another one in each."""
    return ",".join(sorted(hint.name for hint in value)) if isinstance(value, set) else str(value)[:60]


@pytest.mark.parametrize(("changes", "expected"), TABLE, ids=_named)
def test_the_hints_about_an_entry(changes: dict[str, str], expected: set[Hint]) -> None:
    assert set(hints_of(replace(GOOD, **changes), "张晨曦", "四川省成都市")) == expected  # type: ignore[arg-type]  # a table of any field


def test_every_hint_is_in_the_table() -> None:
    assert set().union(*(expected for _, expected in TABLE)) == set(Hint)


def test_a_good_entry_and_the_offices_of_the_demo_have_no_hint_about_receiver_and_address() -> None:
    assert hints_of(GOOD, "张晨曦", "江苏省") == ()
    for unit, address, postcode, phone in ARCHIVE_OFFICES:
        items = replace(GOOD, unit=unit, address=address, postcode=postcode, phone=phone)
        assert hints_of(items) == ()


@pytest.mark.parametrize("hint", Hint)
def test_a_hint_says_what_is_wrong_and_how_to_mend_it(hint: Hint) -> None:
    assert 4 <= len(hint.label) <= 20
    assert hint.label != hint.value
    assert len(hint.value) <= 60


@pytest.mark.parametrize(
    ("text", "provinces"),
    [
        ("南京市鼓楼区中山北路3号", ("江苏",)),
        ("上海市南京东路1号", ("上海",)),
        ("朝阳区建国路1号", ()),
        ("朝阳市双塔区1号", ("辽宁",)),
        ("吉林省吉林市", ("吉林",)),
        ("青海省海南藏族自治州", ("青海",)),
        ("海南省海口市", ("海南",)),
        ("南京大学仙林校区", ()),
        ("中山八路3号", ()),
        ("新疆维吾尔自治区伊犁州", ("新疆",)),
        ("示例省示例市", ()),
    ],
)
def test_a_text_names_provinces_by_themselves_or_by_a_city(text: str, provinces: tuple[str, ...]) -> None:
    assert provinces_named(text) == provinces


def test_every_postcode_prefix_belongs_to_a_province_and_only_borders_to_two() -> None:
    known = {f"{prefix:02}": provinces_of_postcode(f"{prefix:02}0000") for prefix in range(100)}
    assert sum(bool(provinces) for provinces in known.values()) == 61
    assert {prefix for prefix, provinces in known.items() if len(provinces) > 1} == {"99"}
    assert provinces_of_postcode("137400") == {"吉林", "内蒙古"}
