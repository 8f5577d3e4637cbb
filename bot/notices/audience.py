"""The audience (发送对象) of a broadcast, as data: whom it is for, counted by reason, and asked again at each send."""

import json
from dataclasses import dataclass, field

from bot.errors import BadValueError
from bot.registration.stage import Stage

MOST_NUMBERS = 20_000
"""Student numbers an own list may have."""

UNCONFIRMED = tuple(stage for stage in Stage if stage.rank < Stage.NO_REAL_PERSON.rank)
"""The stages of whoever has not confirmed (未确认)."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a broadcast is for (发送对象); all parts must fit.

    Attributes:
        stages: who stands at one of these stages (办理阶段) now; everybody else is done, or not there yet.
        college, major, class_name: only these; None for all.
        counsellor: only graduates of the counsellor with this staff number (工号); None for all.
        numbers: only these student numbers (自定名单); empty for all.
    """

    stages: tuple[Stage, ...]
    college: str | None = None
    major: str | None = None
    class_name: str | None = None
    counsellor: str | None = None
    numbers: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.stages:
            raise BadValueError("请至少选一个办理阶段")
        if len(self.numbers) > MOST_NUMBERS:
            raise BadValueError(f"自定名单最多 {MOST_NUMBERS} 个学号，请分几次发送")

    def covers(self, stage: Stage) -> bool:
        """Tell whether somebody at a stage is still to be reached (发送时复核)."""
        return stage in self.stages

    @property
    def words(self) -> str:
        """The audience as staff read it, in one line."""
        stages = "未确认的" if self.stages == UNCONFIRMED else "、".join(stage.value for stage in self.stages)
        parts = [part for part in (self.college, self.major, self.class_name) if part]
        parts += [f"辅导员工号 {self.counsellor}"] if self.counsellor else []
        parts += [f"自定名单 {len(self.numbers)} 人"] if self.numbers else []
        return "；".join(("，".join(parts) or "全校", stages))

    def to_json(self) -> str:
        """Return it as stored."""
        parts = {"college": self.college, "major": self.major, "class_name": self.class_name}
        stages = [stage.name for stage in self.stages]
        data = {"stages": stages, **parts, "counsellor": self.counsellor, "numbers": self.numbers}
        return json.dumps(data, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Audience":
        """Read what ``to_json`` wrote."""
        data = json.loads(text)
        stages = tuple(Stage[name] for name in data.pop("stages"))
        return cls(stages, numbers=tuple(data.pop("numbers")), **data)


def numbers_of(text: str) -> tuple[str, ...]:
    """Read an own list (自定名单) as pasted: student numbers parted by blanks, commas or line ends, each once."""
    words = text.replace("，", " ").replace(",", " ").replace("、", " ").replace(";", " ").replace("；", " ").split()
    return tuple(dict.fromkeys(word.upper() for word in words))


@dataclass(frozen=True, slots=True)
class Headcount:
    """An audience counted by reason before anything is sent (发送前统计).

    Attributes:
        asked: everybody the parts of the school, or the own list, name.
        done: of ``asked``, who does not stand at one of the stages.
        not_bound: of the rest, who has not logged in: for the telephone list.
        not_following: of the rest, who does not follow any more: for the telephone list.
        not_found: student numbers of an own list that nobody has.
    """

    asked: int
    done: int
    not_bound: int
    not_following: int
    not_found: tuple[str, ...] = field(default=(), repr=False)

    @property
    def audience(self) -> int:
        """Everybody a delivery is made for, reached or not."""
        return self.asked - self.done

    @property
    def reachable(self) -> int:
        """Who has an account that follows, as far as is known."""
        return self.audience - self.not_bound - self.not_following
