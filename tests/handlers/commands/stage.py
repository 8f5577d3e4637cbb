"""A folder with settings, a sandbox as the platform, and the commands as somebody types them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from flask import Flask

from app import build
from handlers.commands import cli
from handlers.installation import Installation
from handlers.sandbox import Sandbox
from handlers.settings import read_settings
from tests.journeys.stage import SEASON, free_port, make_sandbox, serving, write_settings

__all__ = ["SEASON", "Desk", "opened_desk", "typed"]


@dataclass
class Desk:
    """Where an operator sits."""

    config: Path
    sandbox: Sandbox

    def types(self, *words: str) -> Result:
        """Type ``quxiang …``; whatever goes wrong must be a sentence, never a traceback."""
        return typed(self.config, {}, words)


def typed(config: Path, environment: Mapping[str, str], words: Sequence[str]) -> Result:
    """Type ``quxiang …`` in an environment; whatever goes wrong must be a sentence, never a traceback."""
    opened: list[Installation] = []

    def opener(path: Path) -> Installation:
        opened.append(build(read_settings(path, environment)))
        return opened[-1]

    result = CliRunner().invoke(cli, ["--config", str(config), *words], obj=opener)
    for each in opened:
        each.client.close()
        each.engine.dispose()
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    assert "Traceback" not in result.output
    return result


@contextmanager
def opened_desk(folder: Path) -> Iterator[Desk]:
    """Open a desk in an empty folder: settings, no keys, no database."""
    port, web = free_port(), Flask("platform")
    url = f"http://127.0.0.1:{port}"
    sandbox = make_sandbox("http://127.0.0.1:9", url)
    web.register_blueprint(sandbox.blueprint())
    with serving(web, port):
        yield Desk(write_settings(folder, "http://127.0.0.1:9", url), sandbox)
    sandbox.close()
