"""What the sandbox remembers (沙箱记录): flat records, each with a ``key`` that is unique among its kind."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from handlers.sandbox.bubble import Bubble


@dataclass(slots=True)
class Grant:
    """A right to send customer-service messages (客服消息下发条数): so many, until then."""

    until: float
    left: int


@dataclass(slots=True)
class Handset:
    """The stored side of one phone (手机)."""

    name: str
    openid: str
    following: bool = False
    followed_at: float = 0.0
    scene: str = ""
    subscribe_scene: str = "ADD_SCENE_SEARCH"
    remark: str = ""
    tags: list[int] = field(default_factory=list)
    message_grant: Grant = field(default_factory=lambda: Grant(0.0, 0))
    action_grant: Grant = field(default_factory=lambda: Grant(0.0, 0))
    typing_until: float = 0.0
    mass_received: dict[str, int] = field(default_factory=dict)  # "2023-07" → messages
    is_shown: bool = True  # somebody in the crowd has a phone too, but nobody looks at it
    consents: dict[str, int] = field(default_factory=dict)  # template → subscription messages allowed
    annoyed: bool = False  # template messages are refused with 43117
    fate: str = ""  # what the report of a template message says, "" = as for everybody

    @property
    def key(self) -> str:
        """The name is unique in the sandbox."""
        return self.name


@dataclass(slots=True)
class Said:
    """A bubble in a chat (聊天记录)."""

    phone: str
    bubble: Bubble

    @property
    def key(self) -> str:
        """The bubble's number, padded so that keys sort like numbers."""
        return f"{self.bubble.number:012d}"


@dataclass(slots=True)
class Ticket:
    """A parametric QR code (带参数二维码)."""

    ticket: str
    scene: str
    url: str
    until: float  # 0 = permanent

    @property
    def key(self) -> str:
        """The ticket itself."""
        return self.ticket


@dataclass(slots=True)
class Medium:
    """An uploaded file (素材); its bytes lie in base64."""

    media_id: str
    kind: str
    file_name: str
    content_type: str
    base64: str
    until: float

    @property
    def key(self) -> str:
        """The media_id."""
        return self.media_id


@dataclass(slots=True)
class MassJob:
    """A mass message (群发任务)."""

    msg_id: str
    client_id: str
    at: float
    kind: str
    status: str
    openids: list[str]

    @property
    def key(self) -> str:
        """The msg_id."""
        return self.msg_id


@dataclass(slots=True)
class Repeat:
    """A client_msg_id seen (防重复标识) for one openid, and the message it became."""

    name: str
    at: float
    msg_id: int

    @property
    def key(self) -> str:
        """Openid and client_msg_id, with a blank between."""
        return self.name


@dataclass(slots=True)
class Person:
    """A person as CHSI knows them (学信网用户)."""

    id_number: str
    name: str
    bound: bool
    verified_at: str = ""  # ISO 8601, "" = not yet

    @property
    def key(self) -> str:
        """The ID number."""
        return self.id_number


@dataclass(slots=True)
class Session:
    """One real-person check begun (实人验证会话)."""

    code: str
    id_number: str
    name: str
    reference: str

    @property
    def key(self) -> str:
        """The unguessable code in the address."""
        return self.code


@dataclass(slots=True)
class Fact:
    """A single value of the platform (menu, tags, tokens, counters) under its name."""

    name: str
    value: Any

    @property
    def key(self) -> str:
        """The name."""
        return self.name


Record = Handset | Said | Ticket | Medium | MassJob | Repeat | Person | Session | Fact
R = TypeVar("R", Handset, Ticket, Medium, MassJob, Repeat, Person, Session)
Json: TypeAlias = Any  # whatever JSON holds; each fact has its own shape, known where it is used
KINDS = (Handset, Ticket, Medium, MassJob, Repeat, Person, Session)


def revive(kind: type[Any], data: dict[str, Any]) -> Record:
    """A record as it was (读回), from its fields in JSON."""
    if kind is Said:
        bubble = dict(data["bubble"])
        bubble["rows"] = tuple((label, value) for label, value in bubble["rows"])
        return Said(data["phone"], Bubble(**bubble))
    if kind is Handset:
        data |= {name: Grant(**data[name]) for name in ("message_grant", "action_grant")}
    record: Record = kind(**data)
    return record
