"""The household entry (户口信息登记): only for those whose household moved to the school (N8)."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Household:
    """The household (户口) of a graduate as the school holds it.

    Attributes:
        moved: whether it was moved to the school (户口已转入学校).
        address: where it goes (户口迁往地址); "" if not known.
    """

    moved: bool = False
    address: str = field(default="", repr=False)
