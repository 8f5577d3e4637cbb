"""The list of looks (查看记录): who asked about the graduate's verifications, and who says the archive arrived."""

from datetime import datetime

from bot.conversation.facts import Facts, Seen
from bot.conversation.texts import texts
from bot.registration.look import Look, Receipt
from bot.registration.report import Standing
from bot.registration.season import SHANGHAI
from bot.registration.verification import State, Verification
from bot.staff.reveals import Reveal

SHOWN = 10
"""How many looks one answer names; the newest matter."""
REVEALS_SHOWN = 5
"""How many reveals (老师查看完整信息) one answer names."""


def looks_lines(facts: Facts) -> str:
    """Return looks, receipts and what staff looked at (查看记录), newest first, and what can be done about them."""
    parts = [_report_lines(facts), *([_reveal_lines(facts)] if facts.seen and facts.seen.reveals else [])]
    return "\n\n".join(parts)


def _report_lines(facts: Facts) -> str:
    seen, own = facts.seen, facts.own
    if seen is None or not (seen.looks or seen.receipts):
        return texts()["line.no_looks"]
    known = {verification.id: verification for verification in own.verifications}
    lines = [texts()["line.looks"].format(looks_total=seen.total)] if seen.looks else []
    lines += [_look(look, known[look.verification_id]) for look in seen.looks if look.verification_id in known]
    lines += [_receipt(receipt) for receipt in seen.receipts]
    if any(own.state_of(verification, facts.now) is State.IN_FORCE for verification in own.verifications):
        lines.append(texts()["line.looks_end"])
    if any(receipt.stands for receipt in seen.receipts):
        lines.append(texts()["line.receipt_end"])
    return "\n".join(lines)


def _reveal_lines(facts: Facts) -> str:
    """Return the newest times staff looked at masked data (老师查看), and whom to ask about it."""
    seen, season = facts.seen or Seen(), facts.season
    lines = [texts()["line.reveals"], *(_reveal(reveal) for reveal in seen.reveals)]
    if more := seen.reveal_total - len(seen.reveals):
        lines.append(texts()["line.reveals_more"].format(reveals_more=more))
    return "\n".join([*lines, texts()["line.reveals_end"].format(hotline=season.hotline)])


def _reveal(reveal: Reveal) -> str:
    return texts()["line.reveal"].format(
        look_at=_minute(reveal.at),
        reveal_role=reveal.role or "老师",
        reveal_by=_one_line(reveal.by),
        reveal_fields=reveal.fields,
        reveal_reason=_one_line(reveal.reason),
    )


def _look(look: Look, verification: Verification) -> str:
    return texts()["line.look"].format(
        look_at=_minute(look.at),
        look_way=look.way.value,
        verification_subject=verification.subject.value,
        verification_state=_shown(look.standing),
        look_department=f"（{_one_line(look.department)}）" if look.department else "",
    )


def _receipt(receipt: Receipt) -> str:
    return texts()["line.receipt"].format(
        look_at=_minute(receipt.at),
        look_department=_one_line(receipt.department),
        receipt_withdrawn="" if receipt.stands else "（已撤回）",
    )


def _shown(standing: Standing) -> str:
    return State[standing.name].value if standing is not Standing.UNKNOWN else ""


def _one_line(words: str) -> str:
    """Return a stranger's words so that they cannot start a link line of ours."""
    return " ".join(words.split()).replace("@", "＠")


def _minute(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.month} 月 {local.day} 日 {local:%H:%M}"
