"""A stage (舞台) for the use cases: the real corridor over a real database, phones, staff, and a CHSI one can steer."""

import itertools
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import unquote

from bot.conversation.incoming import Incoming, Kind
from bot.conversation.reply import Rendered
from bot.notices.delivery import Channel, Delivery
from bot.notices.parcel import MassState, Parcel
from bot.notices.settling import Sent, Verdict
from bot.ports import ChsiAnswer, RealPerson
from bot.registration.dossier import Dossier
from bot.registration.season import Season
from bot.use_cases.receive_message import Desk, receive_message
from bot.use_cases.staff_changes import Office
from handlers.wechat.rendering import render
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.bot.conversation.world import LINKS
from tests.telling import taken

_TAP = re.compile(r"msgmenucontent=([^&]*)&msgmenuid=(\d+)")


@dataclass
class SteeredChsi:
    """A CHSI (学信网) that says what the test wants; ``meanwhile`` happens while it is being asked."""

    bound: ChsiAnswer = ChsiAnswer.YES
    person: ChsiAnswer = ChsiAnswer.YES
    asked: int = 0
    meanwhile: Callable[[], object] | None = None

    def binding(self, _dossier: Dossier) -> ChsiAnswer:
        """Tell what the test wants about the binding."""
        self._ask()
        return self.bound

    def real_person(self, _dossier: Dossier) -> RealPerson:
        """Tell what the test wants about the person."""
        self._ask()
        return RealPerson(self.person, people.OPEN if self.person is ChsiAnswer.YES else None)

    def _ask(self) -> None:
        self.asked += 1
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()


@dataclass
class Stage:
    """Everything a use case needs, on one database."""

    work: SqlWork
    now: datetime = people.OPEN
    chsi: SteeredChsi = field(default_factory=SteeredChsi)
    keys: "itertools.count[int]" = field(default_factory=itertools.count)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(23127150))

    @property
    def desk(self) -> Desk:
        """The corridor's surroundings."""
        return Desk(
            work=self.work,
            chsi=self.chsi,
            links=LINKS,
            clock=lambda: self.now,
            new_id=lambda: uuid.uuid4().hex,
            new_number=lambda: str(next(self.numbers)),
            render=render,
        )

    @property
    def office(self) -> Office:
        """The staff's surroundings."""
        return Office(self.work, LINKS, lambda: self.now, lambda: uuid.uuid4().hex)

    def set_up(self, *dossiers: Dossier, season: Season = people.SEASON) -> "Stage":
        """Store the season and these dossiers."""
        with self.work.writing() as uow:
            uow.seasons.save(season)
            uow.registry.add_many([replace(dossier, id=uuid.uuid4().hex) for dossier in dossiers])
            uow.commit()
        return self

    def dossier(self, number: str = people.NUMBER) -> Dossier:
        """Return the stored dossier of a student number."""
        with self.work.reading() as uow:
            found = uow.registry.by_student_number(people.SEASON.id, number)
        assert found is not None
        return found

    def phone(self, openid: str = people.OPENID) -> "Phone":
        """Return somebody's phone."""
        return Phone(self, openid)

    def notices(self) -> Sequence[Delivery]:
        """Take all notices that wait to be sent, as a worker would."""
        return taken(self.work, self.now)


@dataclass
class Phone:
    """A phone (手机) in somebody's hand; what it shows last is ``text``."""

    stage: Stage
    openid: str
    shown: Rendered = field(default_factory=lambda: Rendered("", 0))
    last: Incoming | None = None

    @property
    def text(self) -> str:
        """The words shown last, without the addresses in links."""
        return re.sub(r"<[^>]*>", "", self.shown.text)

    @property
    def taps(self) -> list[tuple[str, int]]:
        """What could be tapped in the message shown last: words and question."""
        return [(unquote(words), int(question)) for words, question in _TAP.findall(self.shown.text)]

    def say(self, *texts: str) -> str:
        """Send words one after the other; return what is shown in the end."""
        for text in texts:
            self.send(Kind.TEXT, text)
        return self.text

    def tap(self, words: str) -> str:
        """Tap a choice of the message shown last."""
        question = next(question for said, question in self.taps if said == words)
        self.send(Kind.TEXT, words, question)
        return self.text

    def send(self, kind: Kind, text: str = "", question: int | None = None) -> Rendered:
        """Send anything, a second after the last message."""
        self.stage.now += timedelta(seconds=1)
        at = int(self.stage.now.timestamp())
        return self.push(Incoming(f"k{next(self.stage.keys)}", self.openid, at, kind, text, question))

    def push(self, incoming: Incoming) -> Rendered:
        """Let the platform push a message, perhaps again."""
        self.last = incoming
        self.shown = receive_message(self.stage.desk, incoming)
        return self.shown

    def log_in(self, number: str = people.NUMBER, name: str = "王小明", tail: str = people.TAIL) -> str:
        """Agree and prove who one is."""
        return self.say("你好", "同意", number, name, tail)


@dataclass
class Letterbox:
    """A post (发送渠道) that keeps what it is given and answers what the test wants."""

    answer: Sent = field(default_factory=lambda: Sent(Verdict.ACCEPTED))
    channels: frozenset[Channel] = frozenset({Channel.SERVICE})
    sent: list[Parcel] = field(default_factory=list)

    def send(self, parcel: Parcel) -> Sent:
        """Keep it."""
        self.sent.append(parcel)
        return self.answer

    def send_mass(self, batch_id: str, openids: Sequence[str], text: str) -> Sent:
        """Take it for sent."""
        assert batch_id
        assert openids
        assert text
        return self.answer

    def mass_state(self, message_id: str) -> MassState:
        """Know nothing of it."""
        assert message_id
        return MassState.UNKNOWN

    def has_quota(self, channel: Channel) -> bool | None:
        """Say that there is enough."""
        return channel in self.channels


@dataclass
class EvenPace:
    """A pace (发送速度) that always has a slot, and notes when it was to slow down."""

    slowed: int = 0
    by_limit: bool = False

    def reserve(self, now: datetime, most: int) -> Sequence[datetime]:
        """Give what is asked for."""
        return [now] * most

    def slow_down(self, now: datetime, *, by_limit: bool) -> None:
        """Note it."""
        assert now
        self.by_limit = by_limit
        self.slowed += 1

    def rate(self) -> float:
        """Return the same always."""
        return 1000.0


def unbound(dossier: Dossier) -> Dossier:
    return replace(dossier, openid=None)


def at_home(stage: Stage, dossier: Dossier) -> Phone:
    """Give the bound graduate a phone on which the board is shown."""
    stage.set_up(unbound(replace(dossier, checked_at=None)))
    phone = stage.phone()
    phone.log_in()
    phone.say("信息正确")
    return phone
