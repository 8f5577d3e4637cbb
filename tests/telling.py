"""What graduates are told, as tests look at it: messages of the system made by hand, and those that wait to be sent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.notices.delivery import Delivery, DeliveryState
from bot.ports import UnitOfWork, Work

OWNER = "tests"


def message(once: str, openid: str, key: str, now: datetime, data: Mapping[str, str] | None = None) -> Delivery:
    """Return a message of the system that waits to be sent; ``once`` names it."""
    id_ = once[-32:].rjust(32, "0")
    return Delivery(id_, openid, key, data or {}, once, now, next_at=now)


def claimed(uow: UnitOfWork, now: datetime, most: int = 100) -> list[Delivery]:
    """Take what is due, as a worker would, and look at it."""
    ids = uow.ledger.claim(OWNER, now + timedelta(minutes=1), now, most)
    scenes = [uow.ledger.scene(id_, OWNER, now) for id_ in ids]
    return [scene.delivery for scene in scenes if scene]


def taken(work: Work, now: datetime) -> list[Delivery]:
    """Take what is due, and note it as sent."""
    with work.writing() as uow:
        found = claimed(uow, now)
        for delivery in found:
            uow.ledger.move(replace(delivery, state=DeliveryState.ACCEPTED), DeliveryState.LEASED, OWNER)
        uow.commit()
    return found
