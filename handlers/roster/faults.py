"""What is wrong with a file as a whole (文件错误)."""

from bot.errors import QuxiangError


class RosterFileError(QuxiangError):
    """A file cannot be read as a roster (无法读取的文件); the text says why and what to do."""


LOCKED = "文件设有打开密码；请在表格软件里取消密码，另存后再导入"
"""The sentence for a file that opens with a password only."""
