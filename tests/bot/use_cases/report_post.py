"""Messages under way and reports of them, as the tests of matching need them, at a time the test sets."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Engine, select

from bot.notices.delivery import Channel, Delivery, DeliveryState, Reason
from bot.notices.report import Report
from bot.use_cases.match_reports import MOST, Inbox, match_reports, note_reports
from storage.cipher import FieldCipher
from storage.delivery_rows import new_row
from storage.notice_tables import delivery
from storage.transaction import Transaction
from storage.unit_of_work import SqlWork
from tests.bot import people
from tests.telling import message

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
NOW = people.OPEN
OWNER = "a worker"


@dataclass
class Post:
    """The worker's side of the ledger, and the platform's, at a time the test sets."""

    work: SqlWork
    engine: Engine
    cipher: FieldCipher
    now: datetime = NOW
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.work, lambda: self.now, "form")

    def begin(self, *numbers: int, **parts: object) -> list[Delivery]:
        """Note messages as being sent (SENDING), each to an account of its own."""
        return self.put([sending(number, **parts) for number in numbers])

    def put(self, made: list[Delivery]) -> list[Delivery]:
        """Store messages that a worker is sending."""
        with self.engine.connect() as connection:
            transaction = Transaction(connection)
            transaction.begin()
            lease = {"lease_owner": OWNER, "lease_until": self.now + HOUR}
            transaction.insert_many(delivery, [{**new_row(one, self.cipher), **lease} for one in made])
            transaction.commit()
        return made

    def settle(self, *made: Delivery, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
        """Note what the calls came to, as the sender does: an identifier, or none."""
        with self.work.writing() as uow:
            for one in made:
                name = name_of(one) if state is DeliveryState.ACCEPTED else ""
                after = replace(one, state=state, message_id=name)
                if not uow.ledger.move(after, DeliveryState.SENDING, OWNER) and name:
                    uow.ledger.note_message(one.id, name)
            uow.commit()

    def tell(self, *reports: Report) -> None:
        """Push reports, each by itself."""
        for report in reports:
            note_reports(self.inbox, [report], [])

    def match(self, later: timedelta = timedelta(0)) -> int:
        """Match everything that is due then."""
        self.now += later
        total = 0
        while (looked := match_reports(self.work, lambda: self.now)) == MOST:
            total += looked
        return total + looked

    def states(self) -> dict[str, DeliveryState]:
        """Every delivery's state."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(delivery.c.id, delivery.c.state).order_by(delivery.c.once)).all()
        return {row.id: DeliveryState[row.state] for row in rows}

    def of(self, one: Delivery, column: str) -> object:
        """One column of one delivery."""
        with self.engine.connect() as connection:
            return connection.execute(select(delivery.c[column]).where(delivery.c.id == one.id)).scalar_one()

    def waiting(self) -> int:
        """How many reports wait."""
        with self.work.reading() as uow:
            return uow.reports.unmatched()


def sending(number: int, **parts: object) -> Delivery:
    """A message of a number whose call is under way; ``parts`` replace what it would be."""
    made = replace(
        message(f"m{number}", f"o{number}", "k", NOW),
        state=DeliveryState.SENDING,
        channel=Channel.TEMPLATE,
        attempts=1,
        sending_at=NOW + number * timedelta(milliseconds=1),
        next_at=None,
        to_show=True,
    )
    return replace(made, **parts)  # type: ignore[arg-type]  # the values fit


def name_of(one: Delivery) -> str:
    """The platform's identifier of a message: 64 bits, in words."""
    return str(6_074_130_599_188_000_000 + int(one.once[1:]))


def report_of(one: Delivery, state: DeliveryState = DeliveryState.DELIVERED, reason: Reason | None = None) -> Report:
    """What the platform tells of a message."""
    at = (one.sending_at or NOW).replace(microsecond=0)
    return Report(one.id.rjust(64, "0"), name_of(one), one.openid, at, state, reason)
