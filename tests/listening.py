"""Listens to every log line of the whole test run, and at its end looks for personal data in them (保密)."""

import logging
from collections.abc import Iterable


class Listener(logging.Handler):
    """Keeps every line ever logged, tracebacks included, and the secrets no line may hold."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.lines: set[str] = set()
        self.secrets: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line as it would be written."""
        self.lines.add(f"{record.name}: {self.format(record)}")

    def hear(self, text: str) -> None:
        """Keep what another process wrote."""
        self.lines.update(text.splitlines())

    def guard(self, secrets: Iterable[str]) -> None:
        """Name values that must never be logged."""
        self.secrets.update(secret for secret in secrets if secret)

    def betrayed(self) -> list[str]:
        """Return the lines that hold a secret."""
        return sorted(line for line in self.lines if any(secret in line for secret in self.secrets))


LISTENER = Listener()
"""The one of this run; ``tests/conftest.py`` puts it on the root logger."""
