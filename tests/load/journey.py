"""The whole journey (办理全程) as a closed script: what a graduate says, what must be heard, what others do between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.conversation.texts import texts
from bot.use_cases.review_archive import Shown, approve
from bot.use_cases.staff_changes import note_real_person
from handlers.installation import Installation
from tests.journeys.people import ENTRY
from tests.load.school import NAME, dossier_id_of, student_number_of, tail_of

Deed = Callable[[Installation, int], None]
"""What somebody else does for the graduate of a number."""


@dataclass(frozen=True)
class Line:
    """One line of the script.

    Attributes:
        says: the graduate's text, from the number.
        hears: the key of a sentence that must be in the answer.
        after: what must happen before the next line.
    """

    says: Callable[[int], str]
    hears: str
    after: Deed | None = None


def _always(words: str) -> Callable[[int], str]:
    return lambda _: words


def _chosen(key: str) -> Callable[[int], str]:
    return _always(texts()[key])


def _approved(installation: Installation, number: int) -> None:
    """The office approves the archive entry it was shown (审核)."""
    dossier_id = dossier_id_of(number)
    with installation.work.reading() as uow:
        found = uow.registry.by_id(dossier_id)
    assert found is not None
    approve(installation.office, Shown(dossier_id, found.archive.digest))


def _seen(installation: Installation, number: int) -> None:
    """CHSI says that it saw the real person (实人验证)."""
    assert note_real_person(installation.office, dossier_id_of(number), installation.office.clock())


SCRIPT: Sequence[Line] = (
    Line(_always("你好"), "consent.agree.ask"),
    Line(_chosen("consent.agree.choices.yes"), "login.student_number.ask"),
    Line(student_number_of, "login.name.ask"),
    Line(_always(NAME), "login.tail.ask"),
    Line(tail_of, "personal.check.ask"),
    Line(_chosen("personal.check.choices.right"), "line.title"),
    Line(_always("档案信息登记"), "archive.transfer_type.ask"),
    Line(_chosen("archive.transfer_type.choices.unit"), "archive.receiving_type.ask"),
    Line(_chosen("archive.receiving_type.choices.trustee"), "archive.unit.ask"),
    Line(_always(ENTRY), "archive.read_back.ask"),
    Line(_chosen("archive.read_back.choices.submit"), "archive.read_back.submit", _approved),
    Line(_always("去向登记确认"), "confirmation.preview.ask"),
    Line(_chosen("confirmation.preview.choices.yes"), "confirmation.preview.yes", _seen),
    Line(_always("核验授权"), "verification.period.ask"),
    Line(_always("一周"), "verification.period.issued"),
    Line(_always("进度"), "line.title"),
)
