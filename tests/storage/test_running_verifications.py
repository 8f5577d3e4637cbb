from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Engine

from bot.registration.dossier import Dossier
from bot.registration.verification import Subject, Verification
from storage.running_verifications import Running, running_verifications
from storage.unit_of_work import SqlWork


def test_what_still_runs_of_a_time_is_counted_with_its_last_day(
    work: SqlWork, engine: Engine, full: Dossier, now: datetime
) -> None:
    today = now.date()

    def verification(number: int) -> Verification:
        return Verification(
            f"v{number}", f"{number:08}", Subject.ARCHIVE, "a" * 64, now - timedelta(days=9), today + timedelta(days=30)
        )

    stored = (
        verification(1),
        replace(verification(2), last_day=today),
        replace(verification(3), issued_at=now),
        replace(verification(4), last_day=today - timedelta(days=1)),
        replace(verification(5), closed_at=now),
        replace(verification(6), superseded_at=now),
        replace(verification(7), annulled_at=now),
        replace(verification(8), issued_at=now + timedelta(seconds=1), last_day=today + timedelta(days=90)),
    )
    with work.writing() as uow:
        uow.registry.add_many([replace(full, verifications=stored)])
        uow.commit()
    assert running_verifications(engine, now, today) == Running(3, today + timedelta(days=30))
    assert running_verifications(engine, now - timedelta(days=10), today) == Running(0, None)
