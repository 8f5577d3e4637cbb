"""What the platform reports of its own accord (回执与订阅事件) in our words: a message's fate, a consent.

These events differ in form from year to year, so hardly anything is relied on: elements are found by their names
alone, in any case, order and depth, one or many; a status is read without blanks. What says nothing certain is left
out, and the message stays what it was: taken by the platform. Source: doc/offiaccount/Message_Management.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias
from xml.etree.ElementTree import Element

from bot.notices.delivery import DeliveryState, Reason
from bot.notices.report import Consent, Report

_ID = re.compile("[0-9A-Za-z_.-]{1,64}")  # digits of 64 bits today; never a number here
_COUNT = re.compile("[0-9]{1,9}")
_CODE = re.compile("-?[0-9]{1,9}")
_MASS_ERROR = re.compile(r"err\(([0-9]{1,9})\)")
_COUNTS: Final = ("TotalCount", "FilterCount", "SentCount", "ErrorCount")
_LATEST = 32_503_680_000  # the year 3000: room for adding to it

_NOT_CONFIRMED: Final = frozenset({"40001", "40002"})
"""A mass message was refused, or not confirmed within 30 minutes, by the account's administrator (群发保护)."""

_REFUSED: Final = frozenset({43101, 43019, 48002})
"""Codes of a subscription notice whose reader wants none: no consent is left, blacklisted, switched off."""

Fate: TypeAlias = tuple[DeliveryState, Reason | None]
"""What became of a message (送达结果): the state of a delivery it means, and why."""

_DELIVERED: Final[Fate] = (DeliveryState.DELIVERED, None)
_BLOCKED: Final[Fate] = (DeliveryState.FAILED_PERM, Reason.BLOCKED)
_FAILED: Final[Fate] = (DeliveryState.FAILED_TEMP, Reason.PLATFORM)


class Told(NamedTuple):
    """What an event told (事件内容)."""

    reports: tuple[Report, ...] = ()
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True)
class _Event:
    """An event with its sender and time."""

    name: str
    openid: str
    at: datetime
    message: Element

    def key(self, *parts: str) -> str:
        """64 hexadecimal characters, the same whenever the same event comes; U+001F cannot occur in XML."""
        about = (self.name, self.openid, str(int(self.at.timestamp())), *parts)
        return hashlib.sha256("\x1f".join(about).encode()).hexdigest()

    def report(self, fields: Mapping[str, str], fate: Fate | None, counts: Mapping[str, int]) -> Iterator[Report]:
        message_id = fields.get("msgid", "")
        if fate is not None and _ID.fullmatch(message_id):
            yield Report(self.key(message_id), message_id, self.openid, self.at, *fate, counts)


def is_of_nobody(event: str) -> bool:
    """Tell whether an event's sender means nothing (发送者不可用): it is about many people and names any one."""
    return event.casefold() == "masssendjobfinish"


def read(message: Element, name: str, openid: str, created: int) -> Told:
    """Understand what an event reports (解析回执); nothing for every other event.

    Args:
        message: the whole event.
        name: the event's, in any case.
        openid: its sender; "" if that means nothing.
        created: CreateTime in seconds.
    """
    found = _READERS.get(name.casefold())
    if found is None or created > _LATEST:
        return Told()
    at = datetime.fromtimestamp(created, UTC)
    return found(_Event(name.casefold(), "" if is_of_nobody(name) else openid, at, message))


def _template(event: _Event) -> Told:
    fields = _fields(event.message)
    return Told(tuple(event.report(fields, _template_fate(_bare(fields.get("status", ""))), {})))


def _template_fate(status: str) -> Fate | None:
    if status == "success":
        return _DELIVERED
    if not status.startswith("failed"):
        return None
    if "userblock" in status:
        return _BLOCKED
    # Undocumented; one person had too many of late.
    return (DeliveryState.FAILED_TEMP, Reason.TOO_FREQUENT) if "freqlimit" in status else _FAILED


def _mass(event: _Event) -> Told:
    fields = _fields(event.message)
    given = ((name, fields.get(name.casefold(), "")) for name in _COUNTS)
    counts = {name: int(count) for name, count in given if _COUNT.fullmatch(count)}
    return Told(tuple(event.report(fields, _mass_fate(_bare(fields.get("status", ""))), counts)))


def _mass_fate(status: str) -> Fate | None:
    if status in {"sendsuccess", "success"}:
        return _DELIVERED
    if status.startswith(("sendfail", "fail")):
        return _FAILED
    if not status.startswith("err"):
        return None
    error = _MASS_ERROR.fullmatch(status)
    if error is not None and error[1] in _NOT_CONFIRMED:
        return _FAILED
    return DeliveryState.FAILED_PERM, Reason.CONTENT


def _sent(event: _Event) -> Told:
    listed = _listed(event.message, "msgid")
    return Told(tuple(report for fields in listed for report in event.report(fields, _sent_fate(fields), {})))


def _sent_fate(fields: Mapping[str, str]) -> Fate | None:
    code, status = fields.get("errorcode", ""), _bare(fields.get("errorstatus", ""))
    if _CODE.fullmatch(code):
        return _DELIVERED if int(code) == 0 else _BLOCKED if int(code) in _REFUSED else _FAILED
    if not code and not status:
        return None
    return _DELIVERED if not code and status == "success" else _FAILED


def _popup(event: _Event) -> Told:
    return Told((), tuple(_consents(event, {"accept": True, "reject": False})))


def _changed(event: _Event) -> Told:
    # Switching a form on again in the settings is no consent to one more notice.
    return Told((), tuple(_consents(event, {"reject": False})))


def _consents(event: _Event, meanings: Mapping[str, bool]) -> Iterator[Consent]:
    for fields in _listed(event.message, "templateid"):
        template_id, status = fields["templateid"], _bare(fields.get("subscribestatusstring", ""))
        if status in meanings and event.openid and _ID.fullmatch(template_id):
            yield Consent(event.key(template_id, status), event.openid, template_id, meanings[status], event.at)


_READERS: Final[Mapping[str, Callable[[_Event], Told]]] = {
    "templatesendjobfinish": _template,
    "masssendjobfinish": _mass,
    "subscribe_msg_sent_event": _sent,
    "subscribe_msg_popup_event": _popup,
    "subscribe_msg_change_event": _changed,
}


def _listed(message: Element, key: str) -> Iterator[Mapping[str, str]]:
    """Every element that has a child ``key``: the one List, each of several, the items of one, or the event itself."""
    for element in message.iter():
        fields = _fields(element)
        if key in fields:
            yield fields


def _fields(element: Element) -> dict[str, str]:
    """The words of the children by name, without blanks around; of several with one name the first that has words."""
    fields: dict[str, str] = {}
    for child in element:
        name = child.tag.casefold()
        fields[name] = fields.get(name) or (child.text or "").strip()
    return fields


def _bare(status: str) -> str:
    return "".join(status.casefold().replace("：", ":").split())
