"""Release (解除): what the office undoes for one graduate: a binding, a lock, a verification."""

from bot.registration.dossier import Dossier
from bot.registration.verification import Verification
from bot.staff.deed import Action, Deed
from bot.staff.policy import Act
from bot.use_cases.receive_message import guard_subject
from bot.use_cases.staff_changes import Find, NotFoundError, Office, change, change_dossier

UNBIND = Deed(Act.RELEASE, Action.UNBOUND)


def unbind(office: Office, student_number: str) -> Dossier:
    """Take the WeChat binding of a student number away (解除绑定), e.g. when the phone is lost."""
    return change(office, student_number, lambda dossier, _season, _now: dossier.unbind(), UNBIND)


def unbind_dossier(office: Office, dossier_id: str, reason: str) -> Dossier:
    """Do what ``unbind`` does to the dossier of an identifier, with a reason for the log."""
    deed = Deed(UNBIND.act, UNBIND.action, {"理由": reason})
    return change_dossier(office, dossier_id, lambda dossier, _season, _now: dossier.unbind(), deed)


def unlock(office: Office, student_number: str) -> None:
    """Forget the failed identity checks of a student number (解锁学号), for somebody who proved who he or she is.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: no season, no such student number, or one out of the actor's scope.
    """
    _unlock(office, lambda uow, season: uow.registry.by_student_number(season.id, student_number), "")


def unlock_dossier(office: Office, dossier_id: str, reason: str) -> None:
    """Do what ``unlock`` does for the dossier of an identifier, with a reason for the log."""
    _unlock(office, lambda uow, _season: uow.registry.by_id(dossier_id), reason)


def annul_at(office: Office, dossier_id: str, verification: Verification, reason: str) -> Dossier:
    """Annul one verification of a dossier (作废核验, V5); the graduate reads the reason.

    Raises:
        RuleError: it is not this dossier's, or annulled already.
    """
    details = {"核验编号": verification.number, "理由": reason}
    return change_dossier(
        office,
        dossier_id,
        lambda dossier, _season, now: dossier.annul(verification.id, reason, now),
        Deed(Act.CHANGE_VERIFICATIONS, Action.VERIFICATION_ANNULLED, details),
    )


def _unlock(office: Office, find: Find, reason: str) -> None:
    office.by.demand(Act.RELEASE)
    with office.work.writing() as uow:
        season = uow.seasons.current()
        dossier = find(uow, season) if season else None
        if dossier is None or not office.by.scope.covers(dossier):
            raise NotFoundError("没有这个学号，或者这名毕业生不在您的可见范围")
        uow.guards.clear((guard_subject(dossier.season_id, dossier.graduate.student_number),))
        details = {"理由": reason} if reason else {}
        uow.audit.append(office.by, Action.UNLOCKED, dossier.id, details, office.clock())
        uow.commit()
