"""The ledger (清单): lines of a long list packed into pieces as they come, so that 100,000 stay small in memory."""

import json
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Entry = Sequence[Any]
"""A line of a list: what JSON can hold, the row's number first where the list is about rows of a file."""

_PIECE = 256 * 2**10  # characters; packed, at most three bytes for each and in truth a tenth


@dataclass(slots=True)
class Packed:
    """A piece of a list (清单分片): some lines, packed."""

    data: bytes = field(repr=False)
    size: int


@dataclass(slots=True)
class Ledger:
    """A list that only grows, but for lines that are taken back (清单)."""

    pieces: list[Packed] = field(default_factory=list)
    _waiting: list[str] = field(default_factory=list, repr=False)
    _length: int = 0

    def add(self, entry: Entry) -> None:
        """Append a line."""
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        self._waiting.append(line)
        self._length += len(line)
        if self._length > _PIECE:
            self.close()

    def close(self) -> None:
        """Pack what waits (封装)."""
        if self._waiting:
            self.pieces.append(Packed(pack(self._waiting), len(self._waiting)))
            self._waiting, self._length = [], 0

    def without(self, rows: Collection[object]) -> "Ledger":
        """Return the list without the lines of some rows (剔除), closed."""
        self.close()
        if not rows:
            return self
        kept = Ledger()
        for piece in self.pieces:
            entries = unpack(piece.data)
            if any(entry[0] in rows for entry in entries):
                for entry in entries:
                    if entry[0] not in rows:
                        kept.add(entry)
                kept.close()
            else:
                kept.pieces.append(piece)
        return kept

    def __iter__(self) -> Iterator[Entry]:
        self.close()
        for piece in self.pieces:
            yield from unpack(piece.data)


def pack(lines: Sequence[str]) -> bytes:
    """Pack lines of JSON (压缩)."""
    return zlib.compress("\n".join(lines).encode(), 1)


def unpack(data: bytes) -> list[Any]:
    """Return the lines of a piece (解压)."""
    entries: list[Any] = json.loads(f"[{','.join(zlib.decompress(data).decode().split(chr(10)))}]")
    return entries
