"""A worker that is killed in the middle: started as a program, it stops for ever where it is told to.

    python killed_worker.py CONFIG PLACE

``PLACE`` is ``look`` (after the first lines were read) or ``write`` (inside the transaction, rows already written).
"""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app import build
from bot.roster.columns import Line, Remarks
from bot.use_cases import roster_undo
from bot.use_cases.roster_work import work_on_next
from handlers.roster.child import opened_sheet
from handlers.settings import read_settings


def hang(*_: object) -> None:
    """Say so, and stay."""
    print("here", flush=True)  # noqa: T201 -- the test waits for it
    time.sleep(600)


@contextmanager
def hanging_sheet(pieces: Iterable[bytes], suffix: str) -> Iterator[tuple[Iterator[Line], Remarks]]:
    """Give the headings and three rows, then hang."""
    with opened_sheet(pieces, suffix) as (lines, remarks):

        def some() -> Iterator[Line]:
            for count, line in enumerate(lines):
                if count == 3:
                    hang()
                yield line

        yield some(), remarks


installation = build(read_settings(Path(sys.argv[1]), {}))
if sys.argv[2] == "write":
    roster_undo.Kept.close = hang  # type: ignore[method-assign,assignment]  # called when every row is written, before the commit
work_on_next(installation.office, hanging_sheet if sys.argv[2] == "look" else opened_sheet)
