"""The reason templates (理由模板) in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select

from bot.staff.reasons import Purpose, Template
from storage.staff_tables import reason_template
from storage.transaction import Transaction

_c = reason_template.c
_OF = select(reason_template).where(_c.purpose == bindparam("purpose")).order_by(_c.created_at, _c.id)
_BY_ID = select(reason_template).where(_c.id == bindparam("id"))
_INSERT = insert(reason_template)
_DELETE = delete(reason_template).where(_c.id == bindparam("row_id"))


class SqlReasons:
    """The reason templates in the database (理由模板); fits ``bot.ports.Reasons``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of(self, purpose: Purpose) -> Sequence[Template]:
        """Return the templates for a purpose, oldest first."""
        return [_template(row) for row in self._transaction.rows(_OF, {"purpose": purpose.name})]

    def by_id(self, template_id: str) -> Template | None:
        """Return the template or None."""
        row = self._transaction.row(_BY_ID, {"id": template_id})
        return _template(row) if row else None

    def add(self, template: Template) -> bool:
        """Store a template; False if the same reason is kept already."""
        return self._transaction.write_new(
            _INSERT,
            {
                "id": template.id,
                "purpose": template.purpose.name,
                "text": template.text,
                "created_at": template.created_at,
            },
        )

    def remove(self, template_id: str) -> bool:
        """Remove a template; False if there is none."""
        return self._transaction.write(_DELETE, {"row_id": template_id}) == 1


def _template(row: Row[Any]) -> Template:
    return Template(row.id, Purpose[row.purpose], row.text, row.created_at)
