"""The pages of the console (工作台页面): every room adds its own."""

from flask import Blueprint

from handlers.staff import (
    access,
    audit,
    corrections,
    cutoff,
    graduate,
    notices,
    people,
    planned_notices,
    progress,
    reviews,
    roll,
    roster,
    season,
    totp_pages,
)
from handlers.staff.console import Console

ADDED = (
    access,
    totp_pages,
    people,
    graduate,
    corrections,
    reviews,
    notices,
    planned_notices,
    progress,
    roll,
    roster,
    season,
    cutoff,
    audit,
)
"""The rooms, each a module with ``add_to``."""


def create_blueprint(console: Console) -> Blueprint:
    """Make the blueprint (工作台蓝图) of everything under ``/staff``."""
    for room in ADDED:
        room.add_to(console)
    return console.blueprint
