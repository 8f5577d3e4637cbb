"""Invented words (虚构数据) for the demo: names, places, units and numbers that are well formed and nobody's."""

from datetime import date, timedelta
from random import Random

_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "示例晨曦雨桐子涵浩然思远嘉宁一诺梓萱明哲书瑶俊逸可欣天佑若溪文博静怡"
_RARE = "㛃䶮㻞䥽龑翀珺赟燊喆堃曌"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def name(random: Random, *, rare: bool = False) -> str:
    """Invent a name (姓名); a rare one ends with a character outside the usual fonts."""
    given = "".join(random.choice(_GIVEN) for _ in range(random.choice((1, 2, 2, 2))))
    return random.choice(_FAMILY) + (given[:1] + random.choice(_RARE) if rare else given)


def identity_number(year: int, index: int) -> str:
    """Invent an ID number (身份证号) with a right check digit and an area code, 110000, that no card has.

    Args:
        year: of birth.
        index: below 365,000; different ones give different numbers.
    """
    day = date(year, 1, 1) + timedelta(days=(index // 1000 + index % 1000 * 37) % 365)
    body = f"110000{day:%Y%m%d}{index % 1000:03d}"
    return body + "10X98765432"[sum(w * int(c) for w, c in zip(_WEIGHTS, body, strict=True)) % 11]


def unit_code(serial: int) -> str:
    """Invent a unified social credit code (统一社会信用代码) with a right check character."""
    body = f"91110000MA00{serial:05d}"
    return body + _ALPHABET[-sum(_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31]


def _counsellors(prefix: str, *names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((who, f"0512-6200{prefix}{at}0", f"T{prefix}{at:03d}") for at, who in enumerate(names, 1))


COLLEGES = (
    ("计算机学院", ("软件工程", "计算机科学与技术", "信息安全"), _counsellors("11", "周示明", "林示雅")),
    ("文学院", ("汉语言文学", "新闻学"), _counsellors("12", "秦示文")),
    ("商学院", ("会计学", "金融学", "国际经济与贸易"), _counsellors("13", "许示诚", "何示慧")),
    ("机电工程学院", ("机械工程", "电气工程及其自动化"), _counsellors("14", "吴示刚")),
    ("材料与化学化工学部", ("化学", "高分子材料与工程"), _counsellors("15", "沈示琳")),
)
"""Colleges with their majors and counsellors (name, phone, staff number)."""

UNITS = tuple(
    (unit, unit_code(serial), place)
    for serial, (unit, place) in enumerate(
        (
            ("示例云图科技有限公司", "江苏省苏州市"),
            ("示例智造（集团）股份有限公司", "江苏省南京市"),
            ("示例会计师事务所（特殊普通合伙）", "上海市"),
            ("示例市第一中学", "江苏省无锡市"),
            ("示例生物医药有限公司", "浙江省杭州市"),
            ("示例市图书馆", "北京市"),
        ),
        1,
    )
)
"""Units with their code and place."""

ARCHIVE_OFFICES = (
    ("示例市人才服务中心", "示例省示例市示例区人才路 1 号 2 楼 201 室", "215000", "0512-62000001"),
    ("示例省人力资源和社会保障厅", "示例省省会市示范大道 88 号档案室", "210000", "025-62000002"),
    ("示例县人力资源和社会保障局", "示例省示例县中心街 6 号 103 室", "010000", "0471-6200003"),
)
"""Receivers of archives: unit, address, postcode, phone."""

ORIGINS = (
    "江苏省苏州市",
    "浙江省宁波市",
    "新疆维吾尔自治区伊犁州",
    "四川省成都市",
    "内蒙古自治区呼和浩特市",
    "广东省东莞市",
)
"""Places of origin."""
