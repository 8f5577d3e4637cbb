"""The talks (会话) in the database: read in one go, stored only over what was read."""

import threading
from collections.abc import Sequence
from typing import Any

import orjson
import zstandard
from sqlalchemy import and_, bindparam, delete, exists, insert, select, true, update

from bot.conversation.talk import Talk
from bot.ports import Opened
from storage.attached_rows import VERIFICATION_COLUMNS
from storage.cipher import FieldCipher
from storage.dossier_rows import GRADUATE_COLUMNS, GraduateRow
from storage.dossiers import DossierReader
from storage.notice_tables import delivery
from storage.ready import Ready
from storage.seasons import SEASON_COLUMNS, to_season
from storage.tables import graduate, season, talk, verification
from storage.transaction import Transaction

_MEMORY = "talk:memory"
_TALK_COLUMNS = (talk.c.seq, talk.c.following, talk.c.at, talk.c.spoke_at, talk.c.acted_at, talk.c.memory)
_S, _T = len(SEASON_COLUMNS), len(SEASON_COLUMNS) + len(_TALK_COLUMNS)
_G = _T + len(GRADUATE_COLUMNS)

_mine = talk.c.openid == bindparam("openid")
_held = exists().where(delivery.c.openid == bindparam("openid"), delivery.c.to_show == true()).label("held")
# The current season, beside it the talk and the bound dossier if there are any: one round trip for a message. There
# are as many rows as verifications, which is one for most and three for few.
_FOUND = (*SEASON_COLUMNS, *_TALK_COLUMNS, *GRADUATE_COLUMNS, _held, *VERIFICATION_COLUMNS)
_OPEN = Ready(
    select(*_FOUND)
    .select_from(
        season.outerjoin(talk, _mine)
        .outerjoin(graduate, and_(graduate.c.openid == bindparam("openid"), graduate.c.season_id == season.c.id))
        .outerjoin(verification, verification.c.graduate_id == graduate.c.id)
    )
    .where(season.c.is_current == 1)
    .order_by(verification.c.ordinal),
    _FOUND,
)
_TALK = select(*_TALK_COLUMNS).where(_mine)
_WRITTEN = [column.name for column in _TALK_COLUMNS]
_INSERT = Ready(insert(talk), names=["openid", *_WRITTEN])
_UPDATE = Ready(
    update(talk).where(talk.c.openid == bindparam("row_openid"), talk.c.seq == bindparam("old_seq")), names=_WRITTEN
)
_ERASE = delete(talk).where(_mine)


class SqlTalks:
    """The talks in the database (会话); fits ``bot.ports.Talks``."""

    def __init__(self, transaction: Transaction, cipher: FieldCipher) -> None:
        self._transaction = transaction
        self._cipher = cipher
        self._reader = DossierReader(transaction, cipher)

    def open(self, openid: str) -> Opened:
        """Read talk, dossier and current season in one go (会话现场).

        One statement; one more for an error report, if the dossier has one.
        """
        rows = self._transaction.rows_of(_OPEN, {"openid": openid})
        if not rows:  # no season yet
            alone = self._transaction.row(_TALK, {"openid": openid})
            return Opened(self._talk(openid, alone), None, None)
        row = rows[0]
        graduate_row, held, dossier = GraduateRow._make(row[_T:_G]), bool(row[_G]), None
        if graduate_row.id is not None:
            verified = [each[_G + 1 :] for each in rows] if graduate_row.verification_count else ()
            dossier = self._reader.with_verifications(graduate_row, verified)
        return Opened(self._talk(openid, row[_S:_T]), dossier, to_season(row[:_S]), held=held)

    def save(self, old: Talk, new: Talk) -> None:
        """Write ``new`` as the version after ``old``, if the stored row still is ``old`` (by seq).

        Raises:
            MovedError: another message of the account was handled meanwhile.
        """
        columns = self._columns(old, new)
        if old.seq == 0:
            self._transaction.write_one(_INSERT, {"openid": old.openid, **columns})
        else:
            self._transaction.write_one(_UPDATE, {"row_openid": old.openid, "old_seq": old.seq, **columns})

    def _columns(self, old: Talk, new: Talk) -> dict[str, Any]:
        """Return the columns of the version after ``old`` (列值), but for the account."""
        return {
            "seq": old.seq + 1,
            "following": new.following,
            "at": new.at,
            "spoke_at": new.spoke_at,
            "acted_at": new.acted_at,
            "memory": self._cipher.seal_bytes(_packed(new.to_memory()), _MEMORY, old.openid),
        }

    def erase(self, openid: str) -> None:
        """Forget the talk for good (清除会话)."""
        self._transaction.write(_ERASE, {"openid": openid})

    def _talk(self, openid: str, values: Sequence[Any] | None) -> Talk:
        if values is None or values[0] is None:
            return Talk(openid)
        seq, following, at, spoke_at, acted_at, memory = values
        columns = {"seq": seq, "following": following, "at": at, "spoke_at": spoke_at, "acted_at": acted_at}
        return Talk.from_memory(openid, columns, _unpacked(self._cipher.unseal_bytes(memory, _MEMORY, openid)))


class _Packers(threading.local):
    """zstd keeps tables of a size that is worth keeping; they are not to be shared between threads."""

    def __init__(self) -> None:
        self.packer = zstandard.ZstdCompressor(level=1, write_checksum=False)  # the seal around it is the checksum
        self.unpacker = zstandard.ZstdDecompressor()


_packers = _Packers()


def _packed(memory: dict[str, Any]) -> bytes:
    """Pack a memory (压缩): 5 kB become 2, for the network, the log and the tables of the database."""
    return _packers.packer.compress(orjson.dumps(memory))


def _unpacked(packed: bytes) -> Any:  # noqa: ANN401 -- JSON
    """Unpack a memory; one stored before memories were packed begins with a brace, and a packed one never does."""
    return orjson.loads(packed if packed.startswith(b"{") else _packers.unpacker.decompress(packed))
