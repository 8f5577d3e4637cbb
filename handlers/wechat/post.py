"""The post (发送渠道): the four ways WeChat has to a person who did not just write."""

import logging
from collections.abc import Callable, Mapping, Sequence

from bot.errors import BadValueError
from bot.notices.delivery import Channel
from bot.notices.parcel import MassState, Parcel
from bot.notices.settling import Sent, Verdict
from bot.ports import Clock
from bot.registration.season import SHANGHAI
from handlers.wechat.client import PlatformClient
from handlers.wechat.faults import PlatformError
from handlers.wechat.rendering import render
from handlers.wechat.verdicts import verdict_on

_LOG = logging.getLogger(__name__)

# What the platform counts the calls of a channel under.
_PATHS: Mapping[Channel, str] = {
    Channel.SERVICE: "/cgi-bin/message/custom/send",
    Channel.TEMPLATE: "/cgi-bin/message/template/send",
    Channel.SUBSCRIPTION: "/cgi-bin/message/subscribe/bizsend",
    Channel.MASS: "/cgi-bin/message/mass/send",
}
# A job that was taken back did not arrive either.
_MASS_STATES: Mapping[str, MassState] = {
    "SEND_SUCCESS": MassState.SENT,
    "SENDING": MassState.SENDING,
    "SEND_FAIL": MassState.FAILED,
    "DELETE": MassState.FAILED,
}


class WeChatPost:
    """Sends one message at a time, or one text to many (发送); fits ``bot.notices.ports.Post``.

    Args:
        client: the platform; its limits must not repeat calls by itself, the sender counts attempts.
        clock: the present moment.
        template: identifier of a template with the fields ``thing1`` (what) and ``time2`` (when); "" for none.
        subscription: the same for subscription notices.
        url: where a tap on a card leads; "" for nowhere.
    """

    def __init__(
        self, client: PlatformClient, clock: Clock, template: str = "", subscription: str = "", url: str = ""
    ) -> None:
        self._client = client
        self._clock = clock
        self._template = template
        self._subscription = subscription
        self._url = url
        ways: dict[Channel, Callable[[Parcel], str]] = {Channel.SERVICE: self._by_service}
        if template:
            ways[Channel.TEMPLATE] = self._by_template
        if subscription:
            ways[Channel.SUBSCRIPTION] = self._by_subscription
        self._ways = ways

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that are set up (可用渠道); the two with forms need one chosen."""
        return frozenset({*self._ways, Channel.MASS})

    def send(self, parcel: Parcel) -> Sent:
        """Try once to send one message (发送一条).

        Raises:
            BadValueError: the parcel's channel is not set up, or is for many people only.
        """
        way = self._ways.get(parcel.channel)
        if way is None:
            raise BadValueError(f"“{parcel.channel.value}”没有设置好，不能用来发给一个人")
        return self._tried(parcel.channel, lambda: way(parcel))

    def send_mass(self, batch_id: str, openids: Sequence[str], text: str) -> Sent:
        """Try once to send one text to many (群发); the same ``batch_id`` is not sent twice within a day."""
        return self._tried(Channel.MASS, lambda: self._client.send_mass(openids, text, batch_id))

    def mass_state(self, message_id: str) -> MassState:
        """Ask how far a mass job is (群发状态); UNKNOWN when the platform does not say."""
        try:
            word = self._client.mass_state(message_id)
        except PlatformError as error:
            _LOG.warning("a mass job's state is not known: %s", error)
            return MassState.UNKNOWN
        return _MASS_STATES.get(word, MassState.UNKNOWN)

    def has_quota(self, channel: Channel) -> bool | None:
        """Ask whether a channel's calls of today are not used up (剩余额度); None when the platform does not say."""
        try:
            return self._client.quota(_PATHS[channel]) > 0
        except PlatformError as error:
            _LOG.warning("a quota is not known: %s", error)
            return None

    def _tried(self, channel: Channel, send: Callable[[], str]) -> Sent:
        try:
            return Sent(Verdict.ACCEPTED, message_id=send())
        except PlatformError as error:
            # The error's text is fit for staff: no openid, no token, nothing of what was said.
            _LOG.info("not taken: %s", error)
            return verdict_on(error, channel, self._clock())

    def _by_service(self, parcel: Parcel) -> str:
        """The whole text; the sender makes sure that it is one page. The platform gives such messages no identifier."""
        self._client.send_text(parcel.openid, render(parcel.reply)[0])
        return ""

    def _by_template(self, parcel: Parcel) -> str:
        return self._client.send_template(parcel.openid, self._template, _form(parcel), self._url, parcel.id)

    def _by_subscription(self, parcel: Parcel) -> str:
        return self._client.send_subscription(parcel.openid, self._subscription, _form(parcel), self._url)


def _form(parcel: Parcel) -> Mapping[str, str]:
    # A field of the kind ``time`` takes this form only: without blanks inside the day, and with the minute.
    at = parcel.at.astimezone(SHANGHAI)
    return {"thing1": parcel.title, "time2": f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"}
