"""Telling (告知): what happened to a dossier becomes notices for the graduate (journey, step 12)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.conversation.facts import Facts
from bot.conversation.texts import placeholders, texts
from bot.conversation.vocabulary import Vocabulary
from bot.conversation.wording import LINK_LINE, sentence
from bot.notices.delivery import Delivery
from bot.ports import Links, UnitOfWork
from bot.registration.archive import ArchiveStatus
from bot.registration.correction import CorrectionState
from bot.registration.dossier import Dossier
from bot.registration.season import Season


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes messages (主动消息) into the ledger, in the unit of work that makes the change.

    Attributes:
        season: the current season.
        now: the moment of the change.
        links: makes web links.
        new_id: makes identifiers.
    """

    season: Season
    now: datetime
    links: Links
    new_id: Callable[[], str]

    def __call__(self, uow: UnitOfWork, old: Dossier, new: Dossier) -> None:
        """Tell the bound graduate everything that the step from ``old`` to ``new`` means."""
        for key in news(old, new):
            self.tell(uow, new, key, f"{key}:{new.id}:{new.version}")

    def tell(self, uow: UnitOfWork, dossier: Dossier, key: str, once: str, **extra: str) -> bool:
        """Store one notice for the graduate, if there is a bound account; False if nothing was stored."""
        if dossier.openid is None:
            return False
        words = Vocabulary(Facts(self.now, self.season, dossier), self.links, extra=extra)
        return uow.notices.add(
            Delivery(
                id=self.new_id(),
                openid=dossier.openid,
                key=f"notice.{key}",
                data=_data(f"notice.{key}", words),
                once=once,
                created_at=self.now,
                graduate_id=dossier.id,
                next_at=self.now,
            )
        )


def news(old: Dossier, new: Dossier) -> tuple[str, ...]:
    """Return which notices the step from ``old`` to ``new`` calls for, most important first (pure)."""
    keys = []
    if _annulled_ids(new) - _annulled_ids(old):
        keys.append("annulled")
    if old.is_confirmed and not new.is_confirmed:
        keys.append("confirm_again")
    if new.correction and old.has_open_correction and not new.has_open_correction:
        applied = new.correction.state is CorrectionState.APPLIED
        keys.append("correction_applied" if applied else "correction_refused")
    if old.archive.status is not new.archive.status:
        keys += {ArchiveStatus.APPROVED: ["archive_approved"], ArchiveStatus.RETURNED: ["archive_returned"]}.get(
            new.archive.status, []
        )
    if old.destination is None and new.destination is not None:
        keys.append("destination_arrived")
    if old.real_person_at is None and new.real_person_at is not None:
        keys.append("real_person_done")
    return tuple(keys)


def _annulled_ids(dossier: Dossier) -> set[str]:
    return {verification.id for verification in dossier.verifications if verification.annulled_at is not None}


def _data(key: str, words: Vocabulary) -> Mapping[str, str]:
    values = {name: words[name] for name in placeholders(texts()[key])}
    targets = [found[1] for found in LINK_LINE.finditer(sentence(key, words))]
    return values | {f"link_{target}": words.link(target) for target in targets}
