"""Showing a checked file (展示文件核验结果): from verdict, standing and pairs to what the page says; pure."""

from dataclasses import dataclass, field
from typing import Any, Final

from bot.registration.report import Standing, moment_text
from handlers.files.comparing import Outcome, Pair, is_all_same
from handlers.files.judging import FileVerdict, Judgement
from handlers.files.words import words
from handlers.verification.scanning import Scan
from handlers.verification.showing import frame
from handlers.verification.words import Verdict, outage_verdict, verdict

MOST_BYTES: Final = 5 * 2**20
"""Largest file that is examined; a report has about 0.1 MB."""

_DIFFERENT: Final = {Outcome.DIFFERENT, Outcome.MISSING}


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked file (文件核验): what it is, what the register says, and both side by side."""

    judgement: Judgement
    scan: Scan
    pairs: tuple[Pair, ...] = field(repr=False)

    @property
    def is_good(self) -> bool:
        """The one rule of green: the original file, in force now, and every row equal (可以采信)."""
        view = self.scan.looked.view
        is_in_force = view is not None and view.standing is Standing.IN_FORCE
        return self.judgement.verdict is FileVerdict.ORIGINAL and is_in_force and is_all_same(self.pairs)


def shown(checked: Checked, language: str, base_url: str) -> dict[str, Any]:
    """Return everything ``files/result.html`` needs (页面内容).

    Args:
        checked: what was found out.
        language: "zh" or "en".
        base_url: public address.
    """
    text, scan = words(language), checked.scan
    standing = _standing(scan, language)
    file = _file(checked.judgement, language)
    differences = [pair for pair in checked.pairs if pair.outcome in _DIFFERENT]
    others = [pair for pair in checked.pairs if pair.outcome not in _DIFFERENT]
    return frame(scan.season, language, base_url) | {
        "text": text,
        "file": file,
        "standing": standing,
        "overall": _overall(checked, file, standing, language),
        "pairs": [(_label(pair, language), pair) for pair in (*differences, *others)],
        "differences": text["differences"].format(count=len(differences)) if differences else "",
        "hint": text[_hint(checked)],
        "as_of": moment_text(scan.now),
    }


def _file(judgement: Judgement, language: str) -> Verdict:
    text = words(language)
    said = text["files"][judgement.verdict.value]
    sentence = said["sentence"]
    if judgement.trouble:
        sentence = text["troubles"][judgement.trouble.value].format(megabytes=MOST_BYTES // 2**20)
    return Verdict(judgement.verdict.value, said["tone"], said["word"], sentence, "", said["next"])


def _standing(scan: Scan, language: str) -> Verdict | None:
    """Return how the report stands now, None where the file names none."""
    if scan.statement is None:
        return None
    return outage_verdict(language) if scan.is_unknown_for_now else verdict(scan.looked.view, language)


def _overall(checked: Checked, file: Verdict, standing: Verdict | None, language: str) -> dict[str, str]:
    """Return the headline: what is worst comes first, the file before the standing, that before a differing row."""
    said = words(language)["overall"]
    if checked.is_good:
        return {"tone": "good", "heading": said["good"], "next": said["good_next"]}
    if checked.judgement.verdict is not FileVerdict.ORIGINAL or standing is None:
        return {"tone": file.tone, "heading": file.word, "next": file.next}
    if standing.code != Standing.IN_FORCE.value:
        return {"tone": standing.tone, "heading": said["standing"].format(state=standing.word), "next": standing.next}
    return {"tone": "bad", "heading": said["differs"], "next": said["differs_next"]}


def _hint(checked: Checked) -> str:
    """Return the key of the sentence that says why so much is compared and not more."""
    if all(pair.outcome is not Outcome.UNTOLD for pair in checked.pairs):
        return "sides_whole"
    return "sides_ended" if checked.judgement.is_proven else "sides_part"


def _label(pair: Pair, language: str) -> str:
    text = words(language)
    label: str = text["rows"].get(pair.key) or text.get("labels", {}).get(pair.key, pair.label)
    return label
