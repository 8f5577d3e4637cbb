"""What is owed (欠办): an unfollow that could not be stored while the database was away.

A message that was lost is written again by its graduate, who was told so. Somebody who has left tells nobody again, and
the platform pushes three times only; so the process remembers it and does it when the database is back.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from bot.conversation.incoming import Incoming
from bot.conversation.reply import Rendered
from handlers.places import places_of
from storage.faults import AwayError

MOST = 1000
"""How many are remembered; the oldest are forgotten first."""

_log = logging.getLogger(__name__)


class Owed:
    """Messages to be handled once more (欠办); safe to share between threads.

    Args:
        receive: handles one; doing it twice does no harm.
    """

    def __init__(self, receive: Callable[[Incoming], Rendered]) -> None:
        self._receive = receive
        self._waiting: OrderedDict[str, Incoming] = OrderedDict()
        self._lock = Lock()

    def add(self, incoming: Incoming) -> None:
        """Remember one (记下); its later pushes are the same."""
        with self._lock:
            self._waiting[incoming.key] = incoming
            if len(self._waiting) > MOST:
                self._waiting.popitem(last=False)

    def settle_one(self) -> None:
        """Handle the oldest, if there is any (补办).

        Called when the database has just been there, on the seat and within the patience of whoever found it so.
        """
        with self._lock:
            if not self._waiting:
                return
            _, incoming = self._waiting.popitem(last=False)
        try:
            self._receive(incoming)
        except AwayError:
            self.add(incoming)
        except Exception as error:  # noqa: BLE001 -- somebody else's answer must not suffer
            _log.error("an unfollow that came during an outage was not handled: %s", places_of(error))
