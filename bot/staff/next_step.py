"""The next step (下一步) of a graduate as staff need it: who has to act, and what is to be done."""

from dataclasses import dataclass
from datetime import datetime

from bot.conversation.lines import chinese_day
from bot.registration.dossier import Dossier
from bot.registration.season import Season, Window
from bot.registration.stage import Stage, stage_of
from bot.registration.verification import State, Verification

GRADUATE, OFFICE, NOBODY = "毕业生", "就业办", ""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is missing (下一步).

    Attributes:
        who: who has to act; "" if nobody has.
        words: one sentence: what is missing, and what to do.
    """

    who: str
    words: str


_PLAIN = {
    Stage.UNBOUND: NextStep(GRADUATE, "还没有登录。请提醒 TA 打开公众号菜单“毕业生 → 去向登记”，用学号登录。"),
    Stage.UNCHECKED: NextStep(GRADUATE, "已登录，还没有核对个人信息。请提醒 TA 在公众号回复“进度”，核对后接着办。"),
    Stage.CORRECTING: NextStep(OFFICE, "报告了信息有误，等就业办更正；更正以后 TA 会收到通知，再接着办。"),
    Stage.NO_DESTINATION: NextStep(
        GRADUATE, "学校系统里没有去向数据。请提醒 TA 到校版就业系统填写，审核后随名册导入，系统会通知 TA。"
    ),
    Stage.ARCHIVE_MISSING: NextStep(GRADUATE, "还没有填档案信息。请提醒 TA 在公众号回复“档案”填写并提交。"),
    Stage.ARCHIVE_RETURNED: NextStep(GRADUATE, "档案信息被退回。请提醒 TA 在公众号回复“档案”，改好再提交。"),
    Stage.ARCHIVE_WAITS: NextStep(OFFICE, "档案信息已提交，等就业办审核。"),
    Stage.NO_REAL_PERSON: NextStep(
        GRADUATE, "去向已确认，还差实人验证。请提醒 TA 在公众号回复“实人验证”，到学信网刷脸。"
    ),
}


def next_step(dossier: Dossier, season: Season, now: datetime) -> NextStep:
    """Return what is missing and who has to act (下一步), by stage, calendar and verifications."""
    stage = stage_of(dossier)
    if stage is Stage.UNCONFIRMED:
        return _unconfirmed(dossier, season, now)
    if stage is Stage.UNVERIFIED:
        return _unverified(dossier, season, now)
    if stage is Stage.VERIFIED:
        return _verified(dossier, season, now)
    return _PLAIN[stage]


def _unconfirmed(dossier: Dossier, season: Season, now: datetime) -> NextStep:
    window = season.window(now)
    if window is Window.BEFORE:
        return NextStep(NOBODY, f"都填好了，{chinese_day(season.opens)}开始确认，到时系统会提醒 TA。")
    if window is Window.OPEN:
        last = chinese_day(season.closes)
        return NextStep(GRADUATE, f"还没有确认去向，{last} 24 点截止。请提醒 TA 在公众号回复“确认”。")
    if not season.takes_changes(now):
        return NextStep(OFFICE, f"确认和变更都已截止（{chinese_day(season.changes_until)}）。要办请联系就业办。")
    last = chinese_day(season.changes_until)
    if dossier.reopened_at:
        return NextStep(GRADUATE, f"学校更新过数据，{last}前还能确认。请提醒 TA 在公众号回复“确认”。")
    return NextStep(OFFICE, f"确认时间已过，现在不能自己确认；{last}前要变更去向，由就业办更新数据以后再确认。")


def _unverified(dossier: Dossier, season: Season, now: datetime) -> NextStep:
    if dossier.verification_gate(season, now):
        return NextStep(NOBODY, f"去向已确认。核验服务已于 {chinese_day(dossier.last_verification_day(season))}截止。")
    if dossier.verifications:
        return NextStep(GRADUATE, "核验已关闭或失效。还要办手续的话，请 TA 在公众号回复“核验”重新授权。")
    return NextStep(GRADUATE, "还差最后一步核验授权。请提醒 TA 在公众号回复“核验”，设置有效期。")


def _verified(dossier: Dossier, season: Season, now: datetime) -> NextStep:
    running = [v for v in dossier.verifications if dossier.state_of(v, now) is State.IN_FORCE]
    if running:
        last: Verification = max(running, key=lambda verification: verification.last_day)
        return NextStep(NOBODY, f"都办好了，核验生效到 {chinese_day(last.last_day)}。")
    if dossier.verification_gate(season, now):
        return NextStep(NOBODY, "都办好了，核验已到期，核验服务也已截止。")
    return NextStep(GRADUATE, "核验已到期。手续还没办完的话，请 TA 在公众号回复“延长”。")
