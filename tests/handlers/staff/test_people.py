"""Accounts: made, changed and ended by administrators, who never lock themselves out."""

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import QuxiangError, RuleError
from bot.registration.graduate import Counsellor
from bot.roster.columns import Column
from bot.staff.account import Account
from bot.staff.policy import Role
from bot.use_cases import staff_accounts
from handlers.roster.demo import demo_roster
from handlers.staff.demo_accounts import PASSWORD as DEMO_PASSWORD
from handlers.staff.demo_accounts import demo_people, make_demo_accounts
from tests.handlers.staff.stage import MORNING, PASSWORD, Clerk, ConsoleStage

_GIVEN = re.compile(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>")
NEW = {"login": "T02", "name": "李卫", "role": "COUNSELLOR", "staff_number": "T02"}


def _stored(stage: ConsoleStage, login: str) -> Account:
    with stage.installation.work.reading() as uow:
        account = uow.accounts.by_login(login)
    assert account
    return account


def _log_in(stage: ConsoleStage, login: str, password: str) -> int:
    client = stage.app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/staff/login").text)
    assert token
    form = {"csrf_token": token[1], "login": login, "password": password}
    answer = client.post("/staff/login", data=form)
    return client.get("/staff/totp").status_code if answer.status_code == 302 else 0


def _address(account: Account, deed: str = "") -> str:
    return f"/staff/people/{account.id}{deed}"


def _second_administrator(stage: ConsoleStage) -> Account:
    with stage.installation.work.writing() as uow:
        first = stage.accounts[Role.ADMINISTRATOR]
        second = replace(first, id="e" * 32, login="second", name="管理员乙")
        uow.accounts.add(second)
        uow.commit()
    return second


@pytest.fixture
def administrator(stage: ConsoleStage) -> Clerk:
    """An administrator, logged in."""
    return stage.clerk(Role.ADMINISTRATOR)


def test_a_new_colleague_gets_a_password_shown_once_and_has_to_change_it(
    stage: ConsoleStage, administrator: Clerk
) -> None:
    page = administrator.post("/staff/people/new", 200, **NEW).text
    password = _GIVEN.search(page)
    assert password
    made = _stored(stage, "t02")
    assert (made.role, made.staff_number, made.must_change) == (Role.COUNSELLOR, "T02", True)
    assert _log_in(stage, "T02", password[1]) == 302
    for path in ("/staff/people", _address(made)):
        assert password[1] not in administrator.get(path).text
    with stage.installation.work.reading() as uow:
        entry = uow.audit.of(made.id, 9)[-1]
    assert entry.action == "STAFF_ADDED"
    assert entry.actor_name == "管理员甲"
    assert password[1] not in str(entry.details)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"login": "office"}, "已经有人用了"),
        ({"staff_number": ""}, "要填工号"),
        ({"role": "KING"}, "请选择角色"),
        ({"name": " "}, "姓名应为"),
        ({"login": ""}, "登录名应为"),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_is_kept(
    administrator: Clerk, change: dict[str, str], said: str
) -> None:
    page = administrator.post("/staff/people/new", 200, **NEW | change).text
    assert said in page
    typed = NEW | change
    for name in ("login", "name", "staff_number"):
        assert f'name="{name}" value="{typed[name]}"' in page


def test_a_staff_number_of_nobody_in_the_roster_is_hinted_at(administrator: Clerk) -> None:
    assert "名册里没有毕业生" not in administrator.post("/staff/people/new", 200, **NEW).text
    page = administrator.post("/staff/people/new", 200, **NEW | {"login": "t99", "staff_number": "T99"}).text
    assert "名册里没有毕业生的“辅导员工号”是这个工号" in page


def test_other_rights_end_the_sessions_and_a_new_name_does_not(stage: ConsoleStage, administrator: Clerk) -> None:
    clerk, account = stage.clerk(Role.OFFICE), stage.accounts[Role.OFFICE]
    form: dict[str, Any] = {"version": account.version, "name": "新名", "role": "OFFICE", "staff_number": ""}
    administrator.post(_address(account), **form)
    assert "新名" in clerk.get("/staff/password").text
    form |= {"version": account.version + 1, "role": "AUDITOR"}
    administrator.post(_address(account), **form)
    clerk.get("/staff/password", 302)
    assert _stored(stage, "office").role is Role.AUDITOR


def test_an_account_somebody_else_changed_is_shown_again(stage: ConsoleStage, administrator: Clerk) -> None:
    account = stage.accounts[Role.OFFICE]
    form: dict[str, Any] = {"version": account.version, "role": "OFFICE", "staff_number": ""}
    administrator.post(_address(account), **form, name="甲改")
    page = administrator.post(_address(account), 200, **form, name="乙改").text
    assert "刚被别人改过" in page
    assert 'value="乙改"' in page
    assert f'name="version" value="{account.version + 1}"' in page
    assert _stored(stage, "office").name == "甲改"
    administrator.post(_address(account), 200, version="x", role="OFFICE", name="丙改")


def test_a_login_meanwhile_is_no_change(stage: ConsoleStage, administrator: Clerk) -> None:
    account = stage.accounts[Role.OFFICE]
    stage.clerk(Role.OFFICE)
    administrator.post(_address(account), version=account.version, name="新名", role="OFFICE", staff_number="")


def test_a_reset_password_is_the_only_one_that_works(stage: ConsoleStage, administrator: Clerk) -> None:
    clerk, account = stage.clerk(Role.OFFICE), stage.accounts[Role.OFFICE]
    password = _GIVEN.search(administrator.post(_address(account, "/password"), 200).text)
    assert password
    clerk.get("/staff/password", 302)
    assert _log_in(stage, "office", PASSWORD) == 0
    assert _log_in(stage, "office", password[1]) == 302  # to the change of the password


def test_a_former_colleague_is_out_at_once_and_may_come_back(stage: ConsoleStage, administrator: Clerk) -> None:
    clerk, account = stage.clerk(Role.OFFICE), stage.accounts[Role.OFFICE]
    administrator.post(_address(account, "/off"))
    clerk.get("/staff/password", 302)
    assert _log_in(stage, "office", PASSWORD) == 0
    assert "已停用" in administrator.get("/staff/people").text
    administrator.post(_address(account, "/on"))
    assert _log_in(stage, "office", PASSWORD) == 200


def test_nobody_ends_or_degrades_the_own_account(stage: ConsoleStage, administrator: Clerk) -> None:
    _second_administrator(stage)
    own = stage.accounts[Role.ADMINISTRATOR]
    assert "不能停用自己" in administrator.post(_address(own, "/off"), 409).text
    assert "自己的名字" in administrator.post(_address(own, "/password"), 409).text
    form: dict[str, Any] = {"version": own.version, "name": own.name, "role": "OFFICE"}
    assert "不能改自己的角色" in administrator.post(_address(own), 409, **form).text


def test_the_last_administrator_stays(stage: ConsoleStage) -> None:
    """Also against the command line, which acts as nobody's account."""
    own, office = stage.accounts[Role.ADMINISTRATOR], stage.installation.office
    person = staff_accounts.Person(own.login, own.name, Role.OFFICE)
    with pytest.raises(RuleError, match="last_administrator"):
        staff_accounts.deactivate(office, own.id)
    with pytest.raises(RuleError, match="last_administrator"):
        staff_accounts.rewrite_account(office, own.id, own.version, person)
    second = _second_administrator(stage)
    staff_accounts.deactivate(office, second.id)
    with pytest.raises(RuleError, match="last_administrator"):
        staff_accounts.deactivate(office, own.id)
    staff_accounts.activate(office, second.id)
    staff_accounts.deactivate(office, own.id)


def test_all_counsellors_of_the_roster_get_accounts_in_one_step(stage: ConsoleStage, administrator: Clerk) -> None:
    with stage.installation.work.writing() as uow:
        for index, number in ((3, "T03"), (5, "T04"), (7, "")):
            old = stage.dossiers()[index]
            counsellor = Counsellor(f"老师{number}", "", number)
            uow.registry.save(old, replace(old, graduate=replace(old.graduate, counsellor=counsellor)))
        uow.commit()
    page = administrator.get("/staff/people/counsellors").text
    assert "有 3 位辅导员还没有账号" in page
    page = administrator.post("/staff/people/counsellors", 200).text
    assert re.findall(r'data-label="登录名">([^<]+)<', page) == ["t02", "t03", "t04"]
    passwords = _GIVEN.findall(page)
    assert len(set(passwords)) == 3
    assert _log_in(stage, "t03", passwords[1]) == 302
    assert _stored(stage, "t04").name == "老师T04"
    assert "都有账号了" in administrator.get("/staff/people/counsellors").text
    assert not _GIVEN.findall(administrator.post("/staff/people/counsellors", 200).text)


def test_every_deed_is_in_the_log(stage: ConsoleStage, administrator: Clerk) -> None:
    account = stage.accounts[Role.OFFICE]
    administrator.post(_address(account), version=account.version, name="新名", role="OFFICE", staff_number="")
    administrator.post(_address(account, "/password"), 200)
    administrator.post(_address(account, "/off"))
    administrator.post(_address(account, "/on"))
    administrator.post(_address(account, "/totp-off"))
    with stage.installation.work.reading() as uow:
        entries = uow.audit.of(account.id, 9)
    deeds = ["STAFF_CHANGED", "PASSWORD_RESET", "STAFF_DEACTIVATED", "STAFF_ACTIVATED", "TOTP_OFF"]
    assert [entry.action for entry in reversed(entries)] == deeds
    assert {entry.actor_name for entry in entries} == {"管理员甲"}
    assert entries[-1].details["姓名"] == "新名"


def test_the_demo_has_one_account_of_each_kind_for_counsellors_of_its_roster(stage: ConsoleStage) -> None:
    office = stage.installation.office
    with pytest.raises(QuxiangError, match="演示"):
        make_demo_accounts(office, is_demo=False)
    with stage.installation.work.writing() as uow:
        for account in stage.accounts.values():
            uow.accounts.save(account, replace(account, login=f"old-{account.login}"))
        uow.commit()
    lines = make_demo_accounts(office, is_demo=True)
    assert make_demo_accounts(office, is_demo=True) == lines
    assert any(DEMO_PASSWORD in line for line in lines)
    numbers = {row[Column.COUNSELLOR_STAFF_NUMBER] for row in demo_roster(MORNING.date()).rows}
    counsellors = [person for person in demo_people() if person.role is Role.COUNSELLOR]
    assert len(counsellors) == 2
    assert {person.staff_number for person in counsellors} <= numbers
    assert {person.role for person in demo_people()} == set(Role)
    for person in demo_people():
        assert _log_in(stage, person.login, DEMO_PASSWORD) == 200


def test_hundreds_of_accounts_come_page_by_page_and_stay_light(stage: ConsoleStage) -> None:
    with stage.installation.work.writing() as uow:
        for number in range(250):
            account = Account(
                f"{number + 100:032x}", f"c{number:05}", "陈静静", Role.COUNSELLOR, MORNING, f"C{number:05}"
            )
            assert uow.accounts.add(replace(account, seen_at=MORNING))
        uow.commit()
    clerk, seen = stage.clerk(Role.ADMINISTRATOR), list[str]()
    for page in range(1, 7):
        text = clerk.get(f"/staff/people?page={page}").text
        assert len(text.encode()) <= 30_000
        seen += re.findall(r'<td data-label="登录名">([^<]+)<', text)
    assert len(seen) == len(set(seen)) == 254
    assert "第 6 / 6 页" in clerk.get("/staff/people?page=99").text
