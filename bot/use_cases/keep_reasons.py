"""Keeping reasons (保存理由模板): a shared list, changed only by who may use it, each change in the audit log."""

from bot.errors import BadValueError
from bot.staff.deed import Action
from bot.staff.reasons import LONGEST_TEMPLATE, MOST, Purpose, Template, read_reason
from bot.use_cases.staff_changes import NotFoundError, Office


def keep_reasons(office: Office, purpose: Purpose, *texts: str) -> int:
    """Keep reasons as templates (存为模板); one that is there already stays as it is.

    Returns:
        How many were new.

    Raises:
        ForbiddenError: the role may not use such reasons.
        BadValueError: a reason does not do, or the list is full.
    """
    office.by.demand(purpose.act)
    wanted = [read_reason(text, LONGEST_TEMPLATE) for text in texts]
    now = office.clock()
    with office.work.writing() as uow:
        known = {template.text for template in uow.reasons.of(purpose)}
        fresh = [text for text in dict.fromkeys(wanted) if text not in known]
        if len(known) + len(fresh) > MOST:
            raise BadValueError(f"最多保存 {MOST} 条理由，请先删去不用的")
        added = [text for text in fresh if uow.reasons.add(Template(office.new_id(), purpose, text, now))]
        for text in added:
            uow.audit.append(office.by, Action.REASON_KEPT, "", {"用途": purpose.value, "理由": text}, now)
        uow.commit()
    return len(added)


def remove_reason(office: Office, template_id: str) -> None:
    """Remove a template (删除模板); what was returned with it keeps its reason.

    Raises:
        NotFoundError: there is none, or it was removed already.
        ForbiddenError: the role may not use such reasons.
    """
    with office.work.writing() as uow:
        template = uow.reasons.by_id(template_id)
        if template is None:
            raise NotFoundError("没有这条理由，可能已经被删除")
        office.by.demand(template.purpose.act)
        if not uow.reasons.remove(template_id):
            raise NotFoundError("没有这条理由，可能已经被删除")
        details = {"用途": template.purpose.value, "理由": template.text}
        uow.audit.append(office.by, Action.REASON_REMOVED, "", details, office.clock())
        uow.commit()
