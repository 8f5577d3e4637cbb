"""The commands (命令) ``quxiang …``, for operators, and for staff until they have a console."""

from handlers.commands import archive, check, correction, identity, roster, running, season
from handlers.commands.group import cli

for module in (running, check, season, roster, archive, correction, identity):
    module.add_to(cli)

__all__ = ["cli"]
