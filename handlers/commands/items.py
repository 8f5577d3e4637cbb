"""Items given on the command line (列名=值), read by the roster's own rules."""

from datetime import datetime

from bot.errors import BadValueError
from bot.registration.dossier import Dossier, SchoolData
from bot.roster.columns import Column, Line, read_headings
from bot.roster.export import to_row
from bot.roster.parsing import parse_row


def changed_data(dossier: Dossier, assignments: tuple[str, ...], now: datetime) -> SchoolData:
    """Return the dossier's school data with some columns of the roster changed.

    Args:
        dossier: the graduate.
        assignments: "heading=value", headings as in the roster.
        now: the present moment.

    Raises:
        BadValueError: an unknown heading, or a value the roster's rules refuse.
    """
    row = to_row(dossier)
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        column = next((c for c in Column if c.value == name.strip()), None)
        if not sign or column is None:
            raise BadValueError(f"没看懂“{name}”，请写成 列名=值，列名与名册相同，例如 专业=统计学")
        row[column] = value.strip()
    headings = read_headings([column.value for column in row])
    parsed = parse_row(headings, Line(1, list(row.values())), now)
    if parsed.row is None:
        raise BadValueError("；".join(f"{fault.heading}：{fault.reason}" for fault in parsed.faults))
    return parsed.row.data
