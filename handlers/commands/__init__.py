"""The commands (命令) ``quxiang …``, for operators, and for staff until they have a console."""

from handlers.commands import (
    archive,
    audit,
    backup,
    check,
    correction,
    demo,
    identity,
    keys,
    receipt,
    roster,
    running,
    season,
    staff,
    verification,
    verify,
)
from handlers.commands.group import cli

_FOR_STAFF = (season, staff, audit, roster, archive, correction, identity, receipt, verification)
for module in (demo, running, check, backup, *_FOR_STAFF, keys, verify):
    module.add_to(cli)

__all__ = ["cli"]
