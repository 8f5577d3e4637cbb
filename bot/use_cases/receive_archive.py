"""Receive an archive (档案已接收): a department's record, in words it may use, few enough, and never beyond recall.

Anybody who holds the paper can record, because nobody logs in: so a record is only ever what somebody said. It changes
no standing, the graduate hears of it at once, and the graduate or the office can take it back.
"""

import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.conversation.lines import chinese_moment
from bot.errors import MovedError, QuxiangError
from bot.ports import UnitOfWork, Work
from bot.registration.look import Receipt
from bot.registration.verification import State, Subject, Verification
from bot.staff.deed import Action
from bot.staff.policy import Act
from bot.use_cases.look_up_report import Counter, Found
from bot.use_cases.staff_changes import NotFoundError, Office
from bot.use_cases.tell import Teller

MOST_STANDING = 3
"""Standing records of one verification: a bag is passed on once or twice, not ten times."""
MOST_EVER = 9
"""Records of one verification in all, so that nobody fills the graduate's chat by recording what was taken back."""
SAME_DAY = timedelta(days=1)
LATE = timedelta(days=90)
"""How long after the last day a bag may still arrive; longer, and the paper has merely been found somewhere."""
ATTEMPTS = 5
_OFFICE = "office"
_NO_RECEIPT = "没有这条接收登记，或者它已经撤回"
_LONGEST = {"department": 60, "contact": 60, "note": 200}
_SHORTEST_NAME = 2
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co"})  # control, bidi and zero-width, half a character, private use
_MAIL = re.compile(r"[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}", re.ASCII)
_LINK = re.compile(r"://|www\.|[a-z0-9-]\.[a-z]{2,}|[\w-]\.(?:中国|公司|网络)")
_DIALLED = re.compile(r"(?:[0-9][\s()-]*){5,}")
_IDS = uuid.UUID("6f1a3c52-5c0e-4f57-9d1c-8a3c0b1f7e21")


class Fault(StrEnum):
    """What is wrong with a field (填写问题); a key of the page's words."""

    MISSING = "missing"
    LONG = "long"
    INVISIBLE = "invisible"
    LINK = "link"
    NUMBER_IN_NAME = "number_in_name"
    NO_NUMBER = "no_number"


class BadEntryError(QuxiangError):
    """Some fields cannot be taken (填写有误).

    Attributes:
        faults: the fault of each such field.
    """

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__("fields refused: " + ", ".join(sorted(faults)))
        self.faults = faults


class ClosedError(QuxiangError):
    """Nothing can be recorded at this verification: it is not about the archive, not valid, or long over."""


class FullError(QuxiangError):
    """This verification has as many records as it may have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a department states (登记内容); build it with ``read``.

    Attributes:
        department: 单位名称.
        contact: 联系方式, a telephone number or a mail address in it.
        note: 备注, or "".
    """

    department: str = field(repr=False)
    contact: str = field(repr=False)
    note: str = field(default="", repr=False)

    @classmethod
    def read(cls, department: str, contact: str, note: str = "") -> "Entry":
        """Read what was typed; blanks and line ends become single blanks.

        Raises:
            BadEntryError: something is missing, too long, invisible, a link, or a number where none belongs.
        """
        entry = cls(_tidy(department), _tidy(contact), _tidy(note))
        checks = {"department": _department_fault, "contact": _contact_fault, "note": _words_fault}
        found = {name: _general_fault(name, value) or checks[name](value) for name, value in entry.fields.items()}
        if faults := {name: fault for name, fault in found.items() if fault}:
            raise BadEntryError(faults)
        return entry

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields by name."""
        return {"department": self.department, "contact": self.contact, "note": self.note}


def may_be_recorded(found: Found, now: datetime) -> bool:
    """Tell whether the arrival of an archive can be recorded at this verification (可登记).

    In force, of course; expired too, for a while: the bag travels for days, and that it has arrived is true whatever
    day it is. Not after the graduate or the school ended it or the data changed: then the bag may be for elsewhere.
    """
    verification = found.verification
    if verification.subject is not Subject.ARCHIVE:
        return False
    state = found.dossier.state_of(verification, now)
    return state is State.IN_FORCE or (state is State.EXPIRED and now <= verification.valid_until + LATE)


def receipts_at(work: Work, verification: Verification) -> Sequence[Receipt]:
    """Return the records (接收登记) at a verification, withdrawn ones included, oldest first; a household has none."""
    if verification.subject is not Subject.ARCHIVE:
        return ()
    with work.reading() as uow:
        return uow.receipts.of([verification.id])


def takes_more(receipts: Sequence[Receipt]) -> bool:
    """Tell whether a verification with these records may have another (未满)."""
    return len(receipts) < MOST_EVER and sum(receipt.stands for receipt in receipts) < MOST_STANDING


def record_receipt(counter: Counter, found: Found, entry: Entry) -> Receipt:
    """Record that a department received the archive (登记档案已接收) and tell the graduate.

    The same department saying it again within a day gets its first record back, and nobody is told twice.

    Raises:
        ClosedError, FullError: nothing can be recorded.
        MovedError: others kept recording at the same moment.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _record(counter, found, entry)
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def withdraw_receipt(office: Office, receipt_id: str, reason: str) -> Receipt:
    """Take a record back on the office's side (撤回登记), write down who did, and tell the graduate why.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: no such record, one out of the actor's scope, or it was taken back already.
    """
    office.by.demand(Act.CHANGE_VERIFICATIONS)
    now = office.clock()
    with office.work.writing() as uow:
        season, receipt = uow.seasons.current(), uow.receipts.by_id(receipt_id)
        hit = uow.registry.by_verification(receipt.verification_id) if receipt else None
        if season is None or receipt is None or hit is None or not office.by.scope.covers(hit[0]):
            raise NotFoundError(_NO_RECEIPT)
        if not uow.receipts.withdraw(receipt_id, _OFFICE, now):
            raise NotFoundError(_NO_RECEIPT)
        Teller(season, now, office.links, office.new_id).tell(
            uow,
            hit[0],
            "receipt_withdrawn",
            f"receipt_withdrawn:{receipt.id}",
            notice_at=chinese_moment(receipt.at)[:16],
            notice_department=receipt.department,
            notice_reason=_tidy(reason),
        )
        details = {"核验编号": hit[1].number, "理由": _tidy(reason)}
        uow.audit.append(office.by, Action.RECEIPT_WITHDRAWN, hit[0].id, details, now)
        uow.commit()
    return receipt


def _record(counter: Counter, found: Found, entry: Entry) -> Receipt:
    now, verification = counter.clock(), found.verification
    with counter.work.writing() as uow:
        # Read again: since the page was opened the graduate may have closed it.
        fresh = uow.registry.by_verification(verification.id)
        if fresh is None or not may_be_recorded(Found(found.season, *fresh), now):
            raise ClosedError("nothing can be recorded here")
        earlier = uow.receipts.of([verification.id])
        if same := _said_before(earlier, entry, now):
            return same
        if not takes_more(earlier):
            raise FullError("as many records as there may be")
        # The identifier says which record of the verification it is: of two made at once the database takes one,
        # and the other counts again.
        receipt_id = uuid.uuid5(_IDS, f"{verification.id}:{len(earlier)}").hex
        receipt = Receipt(receipt_id, verification.id, now, entry.department, entry.contact, entry.note)
        uow.receipts.add(receipt)
        _tell(counter, uow, Found(found.season, *fresh), receipt)
        uow.commit()
    return receipt


def _tell(counter: Counter, uow: UnitOfWork, found: Found, receipt: Receipt) -> None:
    # The contact stays out: whoever recorded a lie must not be able to say in our name where to call.
    Teller(found.season, receipt.at, counter.links, counter.new_id).tell(
        uow,
        found.dossier,
        "archive_received",
        f"archive_received:{receipt.id}",
        notice_at=chinese_moment(receipt.at)[:16],
        notice_department=receipt.department,
        notice_number=found.verification.number,
    )


def _said_before(earlier: Sequence[Receipt], entry: Entry, now: datetime) -> Receipt | None:
    name = _compared(entry.department)
    recent = [receipt for receipt in earlier if receipt.stands and now - receipt.at < SAME_DAY]
    return next((receipt for receipt in recent if _compared(receipt.department) == name), None)


def _compared(name: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", name).casefold() if sign.isalnum())


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _general_fault(name: str, value: str) -> Fault | None:
    if not value:
        return None if name == "note" else Fault.MISSING
    if len(value) > _LONGEST[name]:
        return Fault.LONG
    if "\ufffd" in value or any(unicodedata.category(sign) in _INVISIBLE for sign in value):
        return Fault.INVISIBLE
    return None


def _words_fault(value: str) -> Fault | None:
    plain = unicodedata.normalize("NFKC", value).casefold()
    return Fault.LINK if _LINK.search(_MAIL.sub(" ", plain)) else None


def _department_fault(value: str) -> Fault | None:
    if sum(sign.isalpha() for sign in value) < _SHORTEST_NAME:
        return Fault.MISSING
    # The name is passed on to the graduate: no telephone, no account to write to.
    if _DIALLED.search(unicodedata.normalize("NFKC", value)):
        return Fault.NUMBER_IN_NAME
    return Fault.LINK if "@" in unicodedata.normalize("NFKC", value) else _words_fault(value)


def _contact_fault(value: str) -> Fault | None:
    plain = unicodedata.normalize("NFKC", value).casefold()
    if not (_DIALLED.search(plain) or _MAIL.search(plain)):
        return Fault.NO_NUMBER
    return _words_fault(value)
