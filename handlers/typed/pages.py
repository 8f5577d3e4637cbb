"""The typed lookup (编号查询) ``/verify``: number and full name, one answer for every miss, and misses in budgets.

Whatever is wrong with a pair, the same is done in the same order: the heat is read, each budget is charged, one name
is asked for and compared, the office is read, one page without a word of what was typed is written. Only a hit is
paid back and goes on. Number and name travel in the body of a POST, never in a URL.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from prometheus_client import Counter as Tally
from werkzeug.exceptions import RequestEntityTooLarge

from bot.registration.look import Way
from bot.use_cases.look_up_report import Counter, Found, by_number_and_name, season_now
from bot.use_cases.receive_archive import receipts_at
from handlers.public_pages import Allow, guard, page_language
from handlers.typed.budgets import Attempt, AwayError, Budgets, Heat
from handlers.typed.challenge import LIFETIME, Pause, Ticket
from handlers.typed.question import LONGEST_DEPARTMENT, LONGEST_NAME, Question, read_question
from handlers.typed.words import words
from handlers.verification.scanning import AWAY, noted
from handlers.verification.showing import Looked, shown

BODY_LIMIT = 16 * 1024
"""Largest form read, in bytes."""
LOOKUPS = Tally("quxiang_typed_lookups", "Look-ups by number and name, by what became of them.", ["outcome"])

_log = logging.getLogger(__name__)
_STATUS = {"many": 429, "closed": 503, "away": 503, "large": 413}
_RETRY_AFTER = {"many": "3600", "closed": "3600", "away": "120"}


@dataclass(frozen=True, slots=True)
class TypedDoor:
    """What the typed lookup needs (编号查询依赖).

    Attributes:
        counter: looks up and writes down looks.
        budgets: count the misses.
        pause: makes and reads tickets.
        base_url: public address, whose host the result tells people to compare.
        allow: whether a remote address may open pages now.
    """

    counter: Counter
    budgets: Budgets = field(repr=False)
    pause: Pause = field(repr=False)
    base_url: str
    allow: Allow


def create_blueprint(door: TypedDoor) -> Blueprint:
    """Make the blueprint (编号查询蓝图) of GET and POST ``/verify``."""
    blueprint = Blueprint("typed", __name__)
    guard(blueprint, door.allow)

    @blueprint.get("/verify")
    def form() -> Response:
        return _form(door, ticket=_early_ticket(door))

    @blueprint.post("/verify")
    def look_up() -> Response:
        request.max_content_length = BODY_LIMIT
        question = read_question(request.form)
        if question.faults:
            return _form(door, 400, question=question)
        try:
            return _answer(door, question)
        except AWAY as error:
            # Uncounted, nobody may guess; and what fails must not tell how far a pair came.
            _log.warning("a typed lookup was refused: %s", type(error).__name__)
            return _notice(door, "away")

    @blueprint.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> Response:
        return _notice(door, "large")

    return blueprint


def _answer(door: TypedDoor, question: Question) -> Response:
    attempt = door.budgets.attempt(request.remote_addr or "", question.typed_number)
    heat = door.budgets.heat()
    if heat is Heat.CLOSED:
        return _notice(door, "closed")
    if heat is Heat.PAUSE:
        if not door.budgets.has_room(attempt):
            return _notice(door, "many")
        if ticket := _still_to_wait(door, attempt):
            return _pause(door, question, ticket)
    if not door.budgets.charge(attempt):
        return _notice(door, "many")
    found = by_number_and_name(door.counter.work, question.number, question.name)
    return _hit(door, attempt, found, question) if found else _miss(door)


def _still_to_wait(door: TypedDoor, attempt: Attempt) -> Ticket | None:
    """Use up the ticket that came with the form; return the one to wait for if it is not good (yet)."""
    ticket = door.pause.read(request.form.get("ticket", ""), attempt.block)
    if ticket and ticket.wait:
        return ticket
    if ticket and door.budgets.spend(ticket.id, LIFETIME):
        return None
    return door.pause.issue(attempt.block)


def _early_ticket(door: TypedDoor) -> str:
    """Return a ticket to put into the empty form, so that the pause is over before two fields are filled in."""
    try:
        if door.budgets.heat() is not Heat.PAUSE:
            return ""
    except AwayError:
        return ""  # whoever sends the form is told
    return door.pause.issue(door.budgets.attempt(request.remote_addr or "", "").block).text


def _hit(door: TypedDoor, attempt: Attempt, found: Found, question: Question) -> Response:
    LOOKUPS.labels("hit").inc()
    now = door.counter.clock()
    looked = Looked.at(found, now, receipts=receipts_at(door.counter.work, found.verification))
    noted(door.counter, found, Way.TYPED, question.department)
    try:
        door.budgets.pay_back(attempt)
    except AWAY as error:
        # Our bookkeeping must not keep a verdict from the clerk.
        _log.error("a hit was not paid back: %s", type(error).__name__)
    context = shown(looked, page_language(), door.base_url, now)
    return make_response(render_template("typed/found.html", **context, typed=words(page_language())))


def _miss(door: TypedDoor) -> Response:
    LOOKUPS.labels("miss").inc()
    return _form(door, miss=True)


def _form(
    door: TypedDoor, status: int = 200, *, question: Question | None = None, ticket: str = "", miss: bool = False
) -> Response:
    context = {
        "question": question,
        "ticket": ticket,
        "miss": miss,
        "longest_name": LONGEST_NAME,
        "longest_department": LONGEST_DEPARTMENT,
    }
    return make_response(render_template("typed/form.html", **_context(door), **context), status)


def _pause(door: TypedDoor, question: Question, ticket: Ticket) -> Response:
    LOOKUPS.labels("pause").inc()
    page = render_template("typed/pause.html", **_context(door), question=question, ticket=ticket)
    answer = make_response(page, 429)
    answer.headers["Retry-After"] = str(ticket.wait)
    return answer


def _notice(door: TypedDoor, key: str) -> Response:
    LOOKUPS.labels(key).inc()
    answer = make_response(render_template("typed/notice.html", **_context(door), key=key), _STATUS[key])
    if key in _RETRY_AFTER:
        answer.headers["Retry-After"] = _RETRY_AFTER[key]
    return answer


def _context(door: TypedDoor) -> dict[str, Any]:
    language = page_language()
    text = words(language)
    try:
        season = season_now(door.counter.work)
    except AWAY:
        season = None  # the page must be told even when the database is away
    contact = {"school": season.school, "office": season.office, "phone": season.office_phone} if season else {}
    return {
        "words": text,
        "school": contact.get("school", ""),
        "contact": text["contact"].format(**contact) if contact else "",
        "query": "?lang=en" if language == "en" else "",
        "other_language": "?" if language == "en" else "?lang=en",
    }
