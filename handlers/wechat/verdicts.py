"""What a refused attempt comes to (发送结果对照): one table of the platform's codes, each with its reason.

Three questions decide: whether it may have been sent all the same, whom the refusal is about – this person, this
message, this channel, the whole account – and how long waiting helps. Sentences are for staff: what happened, what to
do. They hold nothing of the platform's own words but an address of ours, a field and a code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from bot.notices.delivery import Channel
from bot.notices.settling import DAILY_QUOTA, TOO_FAST, Sent, Verdict
from bot.registration.season import SHANGHAI, day_of
from handlers.wechat.faults import TOKEN_CALL, ErrorKind, PlatformError

_BRIEF, _LONG, _HOUR = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)
# An errcode has five digits or is negative; what is below is the HTTP status of something that is not the platform.
_FIRST_CODE = 1000

PERSONAL: Final[Mapping[int, Verdict]] = {
    # Undocumented: this person had too many of late. The others may go on.
    43117: Verdict.TOO_FREQUENT,
    # The 48 hours are over, or their messages used up; the next word of the person opens them again.
    45015: Verdict.OTHER_WAY,
    45047: Verdict.OTHER_WAY,
    # No consent is left for this form.
    43101: Verdict.OTHER_WAY,
    # The account's mass messages are used up; one by one it can go another way.
    45028: Verdict.OTHER_WAY,
    # Does not follow (twice), no such openid, the openid of another account: nobody is there.
    43004: Verdict.GONE,
    50005: Verdict.GONE,
    40003: Verdict.GONE,
    49003: Verdict.GONE,
    # Blacklisted by the account, or has switched its messages off.
    43019: Verdict.BLOCKED,
    48002: Verdict.BLOCKED,
}
"""Refusals that are about one person, on every channel."""


@dataclass(frozen=True, slots=True)
class _Halt:
    """Why nothing goes out for a while (暂停)."""

    said: str
    pause: timedelta
    is_everywhere: bool = False


_STILL_REFUSED = "微信不认刚取到的 access_token（返回码 {code}）：请查有没有别的程序也在用这个公众号取 access_token。"
_WRONG_CREDENTIALS = (
    "AppSecret 不对（返回码 {code}）：请在公众平台“基本配置”里核对或重置，改好设置 wechat.app_secret 后重启。"
)

_ACCOUNT: Final[Mapping[int, str]] = {
    40001: _STILL_REFUSED,
    40014: _STILL_REFUSED,
    42001: _STILL_REFUSED,
    40013: "AppID 不对（返回码 {code}）：请在公众平台“基本配置”里核对，改好设置 wechat.app_id 后重启。",
    40125: _WRONG_CREDENTIALS,
    40164: "服务器地址 {address} 不在 IP 白名单里（返回码 {code}）：请在公众平台“基本配置”的 IP 白名单里加上它。",
    40243: "AppSecret 被冻结（返回码 {code}）：请在公众平台“基本配置”里解冻。",
    89503: "服务器地址 {address} 还没有确认（返回码 {code}）：请公众号管理员在手机微信上点确认。",
}
"""Refusals that are about the account or this server: no channel works, and somebody may mend it at any moment."""

_FORM: Final[Mapping[int, str]] = {
    40036: "{channel}的模板编号不对（返回码 {code}）：请在公众平台“我的模板”里核对，改好设置后重启。",
    40037: "{channel}的模板编号不对（返回码 {code}）：请在公众平台“我的模板”里核对，改好设置后重启。",
    47003: "{channel}所用的模板不接受字段 {field}（返回码 {code}）：请选用有 thing1 和 time2 两个字段的模板。",
}
_ANY_FORM = "微信不接受{channel}的内容（返回码 {code}）：请核对模板是不是有 thing1 和 time2 两个字段。"

_INTERFACE: Final[Mapping[int, str]] = {
    48001: "公众号没有{channel}的权限（返回码 {code}）：请在公众平台“接口权限”里开通；服务号要先通过认证。",
    48004: "{channel}接口被微信封禁（返回码 {code}）：请登录公众平台查看通知。",
    40200: "这个公众号的类型不能用{channel}（返回码 {code}）：请核对它是不是认证的服务号。",
}
_ANY_INTERFACE = "微信拒绝了{channel}（返回码 {code}）：请按返回码查公众平台的说明，十分钟后自动再试。"

_NOT_THE_PLATFORM = "连到的不是微信接口（HTTP {code}）：请检查设置 wechat.api_base 和服务器的网络出口。"
_GRANT_QUOTA = "今天取 access_token 的次数用完了（返回码 {code}）：请查有没有别的程序在反复取，一小时后自动再试。"
_NO_GRANT = "微信不给 access_token（返回码 {code}）：请按返回码查公众平台的说明，一分钟后自动再试。"
_QUOTA = "今天的{channel}次数用完了（返回码 {code}）：明天零点自动继续；着急可以在公众平台清零调用次数。"


def verdict_on(error: PlatformError, channel: Channel, now: datetime) -> Sent:
    """Return what an attempt that failed came to (发送结果).

    Args:
        error: how it failed.
        channel: the way it went.
        now: the present moment, from which pauses are counted.
    """
    return Sent(verdict, code=error.code) if (verdict := _about_one(error, channel)) else _halted(error, channel, now)


def _about_one(error: PlatformError, channel: Channel) -> Verdict | None:
    """Return the verdict on an attempt whose failure says nothing about the others; None when it does."""
    if error.is_unsure:
        return Verdict.UNSURE
    # Busy, the same identifier again too soon, no connection, no token: surely not sent.
    if error.kind is ErrorKind.RETRY or error.code == TOO_FAST:
        return Verdict.AGAIN
    if error.clues.action == TOKEN_CALL:
        return None
    if error.kind is ErrorKind.CONTENT and not channel.has_form:
        return Verdict.CONTENT
    return PERSONAL.get(error.code)


def _halted(error: PlatformError, channel: Channel, now: datetime) -> Sent:
    halt = _token_halt(error) if error.clues.action == TOKEN_CALL else _halt(error, channel)
    is_daily = error.code == DAILY_QUOTA and not halt.is_everywhere
    said = halt.said.format(
        channel=channel.value,
        code=error.code,
        address=error.clues.address or "（微信没有说是哪个）",
        field=error.clues.field or "（微信没有说是哪个）",
    )
    until = _next_midnight(now) if is_daily else now + halt.pause
    return Sent(Verdict.HALT, code=error.code, said=said, until=until, is_everywhere=halt.is_everywhere)


def _token_halt(error: PlatformError) -> _Halt:
    """Return the halt for a refused token: without one, nothing goes any way."""
    if error.code == DAILY_QUOTA:
        return _Halt(_GRANT_QUOTA, _HOUR, is_everywhere=True)
    if error.kind is ErrorKind.TOKEN:
        # There was no token yet that could be invalid; here the code means the secret.
        return _Halt(_WRONG_CREDENTIALS, _BRIEF, is_everywhere=True)
    return _Halt(_everywhere(error.code) or _NO_GRANT, _BRIEF, is_everywhere=True)


def _halt(error: PlatformError, channel: Channel) -> _Halt:
    if said := _everywhere(error.code):
        return _Halt(said, _BRIEF, is_everywhere=True)
    if error.code == DAILY_QUOTA:
        return _Halt(_QUOTA, _LONG)
    if error.kind is ErrorKind.CONTENT and channel.has_form:
        # Both fields are filled by us and checked before, so the form itself is not the one we were told.
        return _Halt(_FORM.get(error.code, _ANY_FORM), _LONG)
    return _Halt(_INTERFACE.get(error.code, _ANY_INTERFACE), _LONG)


def _everywhere(code: int) -> str:
    return _NOT_THE_PLATFORM if 0 < code < _FIRST_CODE else _ACCOUNT.get(code, "")


def _next_midnight(now: datetime) -> datetime:
    """Return when the day of the quotas ends: 0:00 in Shanghai."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), SHANGHAI)
