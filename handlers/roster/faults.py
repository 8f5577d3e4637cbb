"""What is wrong with a file as a whole (文件错误)."""

from collections.abc import Sequence

from bot.errors import BadValueError


class RosterFileError(BadValueError):
    """A file cannot be read as a roster (无法读取的文件); the text says why and what to do."""


LOCKED = "文件设有打开密码；请在表格软件里取消密码，另存后再导入"
"""The sentence for a file that opens with a password only."""


def sheets_note(names: Sequence[str]) -> str:
    """Return the sentence for a workbook with several visible sheets (多个工作表): only the first is read."""
    others = "、".join(f"“{name[:31]}”" for name in names[1:4])
    more = "等" if len(names) > 4 else ""
    return f"文件有 {len(names)} 个工作表，只读取了第一个“{names[0][:31]}”；{others}{more}没有读取，需要的话请分别上传"
