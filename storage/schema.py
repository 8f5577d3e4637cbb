"""The schema (数据库结构): every table on one metadata, for whoever needs all of them."""

import storage.notice_tables
import storage.staff_tables  # noqa: F401 -- its tables join the metadata
from storage.tables import metadata

__all__ = ["metadata"]
