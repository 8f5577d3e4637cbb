"""The readers (收件人) of broadcasts: the few columns of a graduate that a text may name, and the stage."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from bot.notices.variables import Person
from bot.registration.stage import Stage
from storage.cipher import FieldCipher
from storage.tables import graduate

_PHONE = "graduate:counsellor_phone"
_g = graduate.c
PERSON_COLUMNS = (
    _g.id,
    _g.stage,
    _g.openid,
    _g.name,
    _g.college,
    _g.major,
    _g.class_name,
    _g.counsellor_name,
    _g.counsellor_phone,
)
"""The columns to select for ``to_person``."""


def to_person(values: Sequence[Any] | Row[Any], cipher: FieldCipher) -> Person | None:
    """Return the reader (收件人) of the values of PERSON_COLUMNS, None where there is no such graduate."""
    id_, stage, openid, name, college, major, class_name, counsellor, phone = tuple(values)
    if id_ is None:
        return None
    told = cipher.unseal_optional(phone, _PHONE, id_)
    return Person(id_, Stage[stage], openid, name, college, major, class_name, counsellor, told)
