"""The employment office's side, by the commands it really types."""

import os
import subprocess
import sys
from pathlib import Path

from handlers.roster.writing import write_roster
from handlers.wechat import menu
from tests.journeys.people import is_said
from tests.journeys.stage import Stage
from tests.listening import LISTENER

ROOT = Path(__file__).resolve().parents[2]


def roster_file(stage: Stage, *changes: tuple[int, str, str]) -> str:
    """Write the school's roster with some cells changed: (index of the row, heading, value)."""
    rows = [dict(row) for row in stage.rows]
    for index, heading, value in changes:
        column = next(column for column in rows[index] if column.value == heading)
        rows[index][column] = value
    path = stage.folder / "changed.xlsx"
    write_roster(path, rows)
    return str(path)


def test_an_import_is_tried_first_and_then_applied_and_the_graduate_is_told(stage: Stage) -> None:
    graduate = stage.graduate("平台上没有去向数据")
    graduate.checks()
    index = stage.index(graduate)
    file = roster_file(stage, (index, "毕业去向", "升学"), (index, "单位名称", "示例大学研究生院"))
    tried = stage.office("roster", "import", file)
    assert "新增 0，更改 1，不变 39" in tried
    assert "试跑" in tried
    graduate.says("进度", "line.destination_missing")
    assert "已写入" in stage.office("roster", "import", file, "--apply")
    stage.deliver()
    assert is_said("notice.destination_arrived", graduate.hears)
    graduate.says("进度", "升学")
    assert "不变 40" in stage.office("roster", "import", file, "--apply"), "the same file again says nothing new"


def test_a_file_with_a_wrong_cell_is_refused_whole_unless_partial_is_asked_for(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    file = roster_file(
        stage, (0, "身份证号", "110105194912310021"), (stage.index(graduate), "单位名称", "示例新单位有限公司")
    )
    refused = stage.office("roster", "import", file, "--apply", refuses=True)
    assert "第 2 行" in refused
    assert "身份证号" in refused
    assert "什么都没有写入" in refused
    graduate.says("去向登记确认", not_="示例新单位有限公司")
    assert "更改 1" in stage.office("roster", "import", file, "--apply", "--partial")
    graduate.says("去向登记确认", "confirmation.preview.ask", "示例新单位有限公司")


def test_n15_holds_for_a_roster_import_too(stage: Stage) -> None:
    graduate = stage.graduate("档案信息已由学校提供")
    graduate.checks()
    graduate.confirms()
    graduate.authorises("一周")
    code = stage.scan(graduate)
    file = roster_file(stage, (stage.index(graduate), "单位名称", "示例新单位有限公司"))
    stage.office("roster", "import", file, "--apply")
    assert "需重新确认" in stage.look(code).text
    stage.deliver()
    assert any(is_said("notice.confirm_again", words) for words in graduate.heard)


def test_an_export_can_be_imported_again_and_changes_nothing(stage: Stage) -> None:
    file = str(stage.folder / "out.csv")
    assert "已导出 40 人" in stage.office("roster", "export", file)
    assert "新增 0，更改 0，不变 40" in stage.office("roster", "import", file, "--apply")


def test_the_review_queue_warns_of_a_unit_that_is_a_person(stage: Stage) -> None:
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.says("档案")
    graduate.says("转回生源地")
    graduate.says("单位：张小明\n地址：示例省示例市学府路\n邮编：010010\n联系人：张小明\n电话：13900000000")
    assert is_said("hint.person", graduate.hears)
    assert is_said("hint.room", graduate.hears)
    graduate.says("提交", "archive.read_back.submit")
    listed = stage.office("archive", "list")
    assert "接收单位像是个人" in listed
    assert "地址没有门牌号" in listed
    assert "共 1 份待审核" in listed


def test_what_is_not_there_cannot_be_reviewed(stage: Stage) -> None:
    assert "没有这个学号" in stage.office("archive", "approve", "2023999999", refuses=True)
    number = stage.graduate("已有去向，还没有档案信息").number
    assert "没有待审核的档案信息" in stage.office("archive", "approve", number, refuses=True)
    assert "没看懂" in stage.office("destination", "set", number, "没有的列=1", refuses=True)
    assert "没看懂" in stage.office("season", "set", "nonsense=1", refuses=True)
    assert "晚于" in stage.office("season", "set", "opens=2023-08-01", refuses=True)


def test_a_locked_student_number_is_freed_by_the_office(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.follows()
    graduate.says(graduate.number)
    graduate.says(graduate.who.name)
    for _ in range(5):
        graduate.says("000000" if graduate.who.identity_tail != "000000" else "111111")
    assert is_said("login.tail.locked", graduate.hears)
    stage.office("identity", "unlock", graduate.number)
    other = stage.graduate("一路畅通", phone="another")
    other.logs_in("login.tail.done")


def test_the_office_takes_a_binding_away(stage: Stage) -> None:
    graduate = stage.graduate("一路畅通")
    graduate.checks()
    stage.office("identity", "unbind", graduate.number)
    # Nothing of the talk is left: whoever holds the phone now may be somebody else, and is asked like anybody new.
    graduate.says("进度", "consent.agree.ask")
    graduate.taps("consent.agree.choices.yes", "login.student_number.ask")


def test_the_commands_run_as_programs_of_their_own(stage: Stage) -> None:
    def quxiang(*words: str) -> str:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QUXIANG_")}
        environment = clean | {"QUXIANG_CONFIG": str(stage.folder / "config.toml")}
        command = [sys.executable, str(ROOT / "app.py"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
        LISTENER.hear(done.stderr)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    assert menu.publish(stage.installation.client)
    # The keys were made before the stage had its address.
    assert "版本 2" in quxiang("keys", "publish")
    assert "都就绪了" in quxiang("check")
    assert "2023-07-03" in quxiang("season", "show")
    graduate = stage.graduate("已有去向，还没有档案信息")
    graduate.checks()
    graduate.submits_archive()
    assert graduate.number in quxiang("archive", "list")
    quxiang("archive", "approve", graduate.number)
    graduate.confirms()
