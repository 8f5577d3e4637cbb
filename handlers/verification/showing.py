"""Showing (展示): from what was looked up to what ``verification/landing.html`` says; pure, for every way to look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.registration.look import Receipt
from bot.registration.report import Event, PublicView, Standing, moment_text, public_view
from bot.registration.season import SHANGHAI, Season
from bot.use_cases.look_up_report import Found
from handlers.verification.tokens import Statement
from handlers.verification.words import history_line, outage_verdict, verdict, words

_PRINTED_DAY_MATTERS = frozenset([Standing.IN_FORCE, Standing.EXPIRED])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look found (一次查询).

    Attributes:
        season: the current season, whose office answers questions; None before any was set up.
        view: what may be shown, None for what nobody issued.
        is_extended: whether the paper shows an earlier last day than the one in force.
        received_at: when a department recorded that the archive had arrived, or None.
        stated: of a genuine code while the register cannot be asked: what the code itself says; else None.
    """

    season: Season | None
    view: PublicView | None
    is_extended: bool = False
    received_at: datetime | None = None
    stated: Statement | None = None

    @classmethod
    def at(
        cls, found: Found, now: datetime, *, is_extended: bool = False, receipts: Sequence[Receipt] = ()
    ) -> "Looked":
        """Return what a look at a found verification shows now (查到)."""
        view = public_view(found.season, found.dossier, found.verification, now)
        standing = [receipt.at for receipt in receipts if receipt.stands]
        return cls(found.season, view, is_extended, max(standing, default=None))


@dataclass(frozen=True, slots=True)
class Form:
    """The form with which a department records that the archive has arrived (接收登记表).

    Attributes:
        action: where it goes.
        is_open: whether there are fields to fill in; if not, only the problems are shown.
        values: what was typed, by field.
        problems: what is wrong with it, each a sentence.
    """

    action: str
    is_open: bool = True
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()


def shown(looked: Looked, language: str, base_url: str, now: datetime, form: Form | None = None) -> dict[str, Any]:
    """Return everything ``verification/landing.html`` needs (页面内容).

    Args:
        looked: what was found.
        language: "zh" or "en".
        base_url: public address, whose host the page tells people to compare.
        now: the moment of the look.
        form: the form to show, None for none.
    """
    text, view = words(language), looked.view
    return frame(looked.season, language, base_url) | {
        "verdict": outage_verdict(language) if looked.stated else verdict(view, language),
        "view": view,
        "is_extended": looked.is_extended and view is not None and view.standing in _PRINTED_DAY_MATTERS,
        "is_comparable": looked.stated is not None or (view is not None and view.standing is Standing.IN_FORCE),
        "stated": _stated(looked.stated) if looked.stated else None,
        "history": [_told(event, language) for event in view.history] if view else [],
        "received": text["received_on"].format(day=_day(looked.received_at)) if looked.received_at else "",
        "form": form,
        "as_of": moment_text(now),
        "moment": moment_text,
    }


def frame(season: Season | None, language: str, base_url: str) -> dict[str, Any]:
    """Return what every page of this room needs (页面框架): words, whom to ask, how to know the page is real."""
    text = words(language)
    contact = {
        "host": urlsplit(base_url).netloc,
        "office": season.office if season else "",
        "school": season.school if season else "",
        "phone": season.office_phone if season else "",
    }
    return {
        "words": text,
        "school": contact["school"],
        "office": contact,
        "contact": text["contact"].format(**contact) if season else "",
        "genuine": [point.format(**contact) for point in text["genuine_points"]],
        "other_language": "?" if language == "en" else "?lang=en",
        "lang_query": "?lang=en" if language == "en" else "",
    }


def _stated(statement: Statement) -> dict[str, str]:
    """Return what a genuine code says by itself, as it stands on the paper."""
    digest = statement.digest[:6].hex().upper()
    return {
        "number": statement.number,
        "issued_at": moment_text(_EPOCH + timedelta(minutes=statement.issued_minute))[:16],
        "printed_until": statement.last_day.isoformat(),
        "digest": " ".join(digest[start : start + 4] for start in range(0, len(digest), 4)),
    }


def _told(event: Event, language: str) -> dict[str, str]:
    until = moment_text(event.until) if event.until else ""
    return {"at": moment_text(event.at), "line": history_line(event, language), "until": until}


def _day(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).date().isoformat()
