"""Ours: the whole application, as ``quxiang serve`` makes it; settings from the file QUXIANG_CONFIG."""

import os
from pathlib import Path

from flask import Flask

from app import build
from handlers.settings import read_settings


def app() -> Flask:
    """Make the application."""
    return build(read_settings(Path(os.environ["QUXIANG_CONFIG"]), {})).web()
