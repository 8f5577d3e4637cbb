"""The channel to a person who did not just write (主动消息通道): customer-service message, else template message."""

import logging

from bot.conversation.reply import Reply
from bot.conversation.vocabulary import chinese_day
from bot.ports import Clock, Outcome
from bot.registration.season import day_of
from handlers.wechat.client import PlatformClient
from handlers.wechat.faults import ErrorKind, PlatformError
from handlers.wechat.rendering import render

_LOG = logging.getLogger(__name__)
# Not following, blacklisted, no such openid: nobody is there. All other refusals of the person are about the moment.
_GONE = frozenset({40003, 43004, 50005, 43019, 49003})


class WeChatChannel:
    """Sends notices through the platform; fits ``bot.ports.Channel``.

    Args:
        client: the platform.
        clock: the present moment, for the template's date.
        template: identifier of a template with the fields ``thing1`` (what) and ``time2`` (when); "" for none.
        url: where a tap on the template message leads; "" for nowhere.
    """

    def __init__(self, client: PlatformClient, clock: Clock, template: str = "", url: str = "") -> None:
        self._client = client
        self._clock = clock
        self._template = template
        self._url = url

    def send(self, openid: str, reply: Reply, once: str) -> Outcome:
        """Send the whole reply while the 48 hours last; else a template message that asks to open the chat."""
        try:
            for page in render(reply):
                self._client.send_text(openid, page)
        except PlatformError as error:
            outcome = _outcome(error)
            return self._by_template(openid, once) if outcome is Outcome.CLOSED and self._template else outcome
        return Outcome.SENT

    def _by_template(self, openid: str, once: str) -> Outcome:
        """Ask the person to open the chat; the notice itself stays held and is shown there."""
        data = {"thing1": "毕业去向登记有新进展，请回公众号查看", "time2": chinese_day(day_of(self._clock()))}
        try:
            self._client.send_template(openid, self._template, data, self._url, once[-32:])
        except PlatformError as error:
            _LOG.info("template message not taken: %s", error.kind.value)
        return Outcome.CLOSED


def _outcome(error: PlatformError) -> Outcome:
    if error.kind is ErrorKind.DUPLICATE:
        return Outcome.SENT
    if error.code in _GONE:
        return Outcome.GONE
    if error.kind is ErrorKind.RECIPIENT or error.code == 45047:
        return Outcome.CLOSED
    if error.is_unsure:
        # It may have arrived, and the platform does not recognise a second one: never again by itself. The next
        # answer shows it, so that it is not lost either.
        _LOG.warning("no answer about a notice, shown with the person's next message: %s", error)
        return Outcome.CLOSED
    _LOG.warning("notice not sent, tried again later: %s", error)
    return Outcome.LATER
