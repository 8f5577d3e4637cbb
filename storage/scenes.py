"""Scenes as rows (发送现场): a delivery with its broadcast, its reader and the windows of the account it goes to."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func

from bot.notices.broadcast import BroadcastState
from bot.notices.scene import Scene
from storage.cipher import FieldCipher
from storage.delivery_rows import DELIVERY_COLUMNS, WIDTH, to_delivery
from storage.notice_tables import broadcast, delivery
from storage.persons import PERSON_COLUMNS, to_person
from storage.tables import graduate
from storage.windows import to_window, window_columns

ACCOUNT = func.coalesce(func.nullif(graduate.c.openid, ""), delivery.c.openid)
"""Whose account it goes to: a broadcast asks who is bound now, a message of the system knows."""

_OF_BROADCAST = (broadcast.c.state, broadcast.c.version, broadcast.c.not_after)
_P, _W = WIDTH + len(_OF_BROADCAST), WIDTH + len(_OF_BROADCAST) + len(PERSON_COLUMNS)
SCENE_COLUMNS = (*DELIVERY_COLUMNS, *_OF_BROADCAST, *PERSON_COLUMNS, *window_columns(ACCOUNT))
"""The columns to select for ``to_scene``; ``graduate`` must be joined, and ``talk`` by ACCOUNT."""


def to_scene(values: Sequence[Any] | Row[Any], cipher: FieldCipher) -> Scene:
    """Return the scene (发送现场) of the values of SCENE_COLUMNS."""
    state, version, not_after = values[WIDTH:_P]
    return Scene(
        to_delivery(values[:WIDTH], cipher),
        BroadcastState[state] if state else None,
        version or 0,
        not_after,
        to_person(values[_P:_W], cipher),
        to_window(values[_W:]),
    )
