from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.journeys.people import is_said
from tests.journeys.stage import Stage


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_a_graduate_goes_from_following_to_the_report(
    raise_stage: Callable[..., AbstractContextManager[Stage]], mode: str
) -> None:
    with raise_stage(mode=mode) as stage:
        graduate = stage.graduate("已有去向，还没有档案信息")
        graduate.checks()
        graduate.submits_archive()
        assert graduate.number in stage.office("archive", "list")
        stage.office("archive", "approve", graduate.number)
        stage.deliver()
        assert is_said("notice.archive_approved", graduate.hears)

        graduate.confirms("real_person.check.ask")
        at_chsi = stage.look(graduate.phone.link("去学信网实人验证"))
        assert "实人验证" in at_chsi.text
        assert stage.sees_the_person(graduate)
        stage.deliver()
        assert is_said("notice.real_person_done", graduate.hears)
        graduate.says("核验", "verification.period.ask")
        number = graduate.authorises("一个月")

        forwarded = stage.look(graduate.report).text
        assert number in forwarded
        assert graduate.who.name not in forwarded
        pdf = stage.look(f"{stage.opened(graduate)}/report.pdf")
        assert pdf.content.startswith(b"%PDF-")
        assert number in pdf.headers["Content-Disposition"]
        landing = stage.look(stage.scan(graduate)).text
        assert "生效中" in landing
        assert number in landing
        assert {push.outcome for push in stage.sandbox.pushes} == {"answer"}
