import re
import resource

import pytest

from tests.handlers.files.hostile import FILES
from tests.handlers.files.stage import GOOD, FileStage


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_gets_a_clear_sentence_and_takes_no_more_than_its_share(files: FileStage, name: str) -> None:
    pdf = FILES[name]()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = files.check(pdf)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.status_code in {200, 422}
    assert GOOD not in answer.text
    said = re.search(r'<span class="code">F[78]</span></p>\s*<p>(这份 PDF|文件)[^<]+</p>', answer.text)
    assert said, answer.text
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 5.5
    assert after.ru_maxrss < 800 * 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - here < 200 * 1024, "the server itself opens nothing"


def test_after_hostile_files_the_next_report_is_checked_as_ever(files: FileStage) -> None:
    for name in ("a number of a million digits", "pages that contain themselves"):
        files.check(FILES[name]())
    assert GOOD in files.check(files.issued()).text
