"""CHSI is away, slow, or says no: the graduate is told, nothing is lost, asking again works."""

from tests.journeys.people import is_said
from tests.journeys.stage import Stage


def test_chsi_answers_503_at_login(stage: Stage) -> None:
    graduate = stage.graduate("学信网没有绑定")
    stage.sandbox.chsi.set_person(stage.identity_number(graduate), graduate.who.name, bound=True)
    stage.sandbox.inject("chsi-down", times=2)
    graduate.logs_in("login.tail.unavailable", "login.chsi.ask")
    graduate.says("再查一次", "login.chsi.unavailable")
    graduate.says("再查一次", "login.chsi.done", "personal.check.ask")


def test_chsi_hangs_for_twelve_seconds_and_the_answer_still_comes_in_time(stage: Stage) -> None:
    graduate = stage.graduate("学信网没有绑定")
    stage.sandbox.chsi.set_person(stage.identity_number(graduate), graduate.who.name, bound=True)
    stage.sandbox.inject("chsi-hang", seconds=12.0)
    graduate.logs_in("login.tail.unavailable")
    assert max(push.seconds for push in stage.sandbox.pushes) < 4
    assert [push.attempt for push in stage.sandbox.pushes] == [1] * len(stage.sandbox.pushes)
    graduate.says("再查一次", "login.chsi.done")


def test_chsi_is_away_during_the_real_person_check(stage: Stage) -> None:
    graduate = stage.graduate("升学，签约单位接收档案，实人验证还没有做")
    graduate.checks()
    graduate.confirms("real_person.check.ask")
    stage.sandbox.inject("chsi-down")
    graduate.taps("real_person.check.choices.done", "real_person.check.unavailable")
    link = graduate.phone.link("去学信网实人验证")
    stage.sandbox.inject("chsi-down")
    away = stage.look(link)
    assert away.status_code == 503
    assert "Traceback" not in away.text
    assert "实人验证" in stage.look(link).text, "the same link works as soon as CHSI is back"


def test_the_real_person_is_seen_by_callback_and_the_graduate_is_told_without_asking(stage: Stage) -> None:
    graduate = stage.graduate("升学，签约单位接收档案，实人验证还没有做")
    graduate.checks()
    graduate.confirms("real_person.check.ask")
    assert "实人验证" in stage.look(graduate.phone.link("去学信网实人验证")).text
    assert stage.sees_the_person(graduate)
    stage.deliver()
    assert is_said("notice.real_person_done", graduate.hears)
    graduate.says("核验", "verification.period.ask")


def test_the_real_person_is_seen_by_asking_again_when_the_callback_was_lost(stage: Stage) -> None:
    graduate = stage.graduate("升学，签约单位接收档案，实人验证还没有做")
    graduate.checks()
    graduate.confirms("real_person.check.ask")
    # Nobody opened the link, so CHSI knows of no one to call back.
    stage.sandbox.chsi.set_person(stage.identity_number(graduate), graduate.who.name, verified=True)
    graduate.says("我已完成", "real_person.check.done", "verification.period.ask")


def test_a_forged_callback_changes_nothing(stage: Stage) -> None:
    graduate = stage.graduate("升学，签约单位接收档案，实人验证还没有做")
    graduate.checks()
    graduate.confirms()
    headers = {"X-Timestamp": str(int(stage.clock.seconds())), "X-Signature": "0" * 64}
    body = {"reference": "made up", "status": "done", "at": "2023-06-29T10:00:00+08:00"}
    assert stage.look(f"{stage.app_url}/chsi/callback", "POST", json=body, headers=headers).status_code == 403
    graduate.says("首页", "next_step.real_person")
