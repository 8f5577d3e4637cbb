"""No line of ours changes or deletes what stands in the audit log; the database's triggers are the second lock."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CHANGES = re.compile(
    r"\b(?:update|delete)\(\s*(?:\w+\.)?audit\b(?!\w)|\baudit\.(?:update|delete)\(|"
    r"\b(?:UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|REPLACE\s+INTO)\s+[`\"]?audit\b",
    re.IGNORECASE,
)


def test_nothing_of_ours_changes_or_deletes_an_entry() -> None:
    for room in ("bot", "handlers", "storage"):
        for path in (ROOT / room).rglob("*.py"):
            found = _CHANGES.search(path.read_text("utf-8"))
            assert found is None, f"{path.relative_to(ROOT)}: {found and found[0]}"


def test_the_search_would_find_one() -> None:
    wrong = ("update(audit)", "delete(tables.audit)", "audit.delete()", "UPDATE audit SET", "DELETE\nFROM `audit`")
    assert all(_CHANGES.search(line) for line in wrong)
    right = ("insert(audit)", "select(audit)", "update(audited)", "uow.audit.append(")
    assert not any(_CHANGES.search(line) for line in right)
