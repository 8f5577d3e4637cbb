"""The command group (命令组): opens the installation when a command needs it, and tells errors in one sentence."""

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bot.conversation.texts import texts
from bot.errors import QuxiangError, RuleError
from bot.staff.deed import COMMAND
from handlers.installation import Installation
from storage.faults import AwayError

Opener = Callable[[Path], Installation]
"""Opens the installation of a settings file; the roof provides it."""


class Session:
    """One run of the command (一次命令): where the settings are, and what opens them.

    Attributes:
        path: the settings file.
        opener: opens the installation.
    """

    def __init__(self, path: Path, opener: Opener) -> None:
        self.path = path
        self.opener = opener
        self._opened: Installation | None = None

    @property
    def installation(self) -> Installation:
        """The installation, opened once; what is done with its office is done by the command line (命令行).

        Raises:
            QuxiangError: settings or keys cannot be used.
        """
        if self._opened is None:
            opened = self.opener(self.path)
            self._opened = replace(opened, office=replace(opened.office, by=COMMAND))
        return self._opened


class PlainGroup(click.Group):
    """A group whose errors are sentences, never tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 -- click's own signature
        """Run the command; an error of ours becomes its sentence and exit code 1."""
        try:
            return super().invoke(ctx)
        except QuxiangError as error:
            raise click.ClickException(sentence_of(error)) from None


def sentence_of(error: QuxiangError) -> str:
    """Return what to tell an operator about an error (错误说明): what happened, and what to do where we know it."""
    if isinstance(error, RuleError):
        return texts().get(error.key, str(error))
    if isinstance(error, AwayError):
        return f"数据库没有应答：请检查 database.url（地址、用户、密码、库名）和数据库是否在运行（{error}）"
    return str(error)


@click.group(cls=PlainGroup, help="去向：毕业去向登记公众号机器人。")
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("config.toml"),
    envvar="QUXIANG_CONFIG",
    show_default=True,
    help="配置文件。",
)
@click.pass_context
def cli(ctx: click.Context, config: Path) -> None:
    """Open the session of this run."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    ctx.obj = Session(config, ctx.obj)
