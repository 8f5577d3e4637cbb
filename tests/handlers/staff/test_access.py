"""Access: nobody gets in without a password of their own, and a session ends when it should."""

import re
from dataclasses import replace
from datetime import timedelta
from secrets import token_bytes
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from flask.testing import FlaskClient
from limits.storage import MemoryStorage
from werkzeug.test import TestResponse

from bot.staff.deed import Action
from bot.staff.policy import Role
from bot.use_cases import own_account
from handlers.staff import passwords
from handlers.staff.console import EXTENSION, Console, is_words, safe_next
from handlers.staff.passwords import hash_password
from handlers.staff.tries import Tries
from handlers.typed.budgets import shared_storage
from tests.handlers.staff.stage import PASSWORD, ConsoleStage
from tests.handlers.typed.stage import redis_address
from tests.quick_hashing import PRODUCTION, QuickHasher


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def _try(client: FlaskClient, login: str, password: str, address: str = "192.0.2.7", **fields: str) -> TestResponse:
    """Type a login name and a password."""
    form = {"csrf_token": _token(client.get("/staff/login").text), "login": login, "password": password, **fields}
    return client.post("/staff/login", data=form, environ_base={"REMOTE_ADDR": address})


def _cookie(client: FlaskClient) -> str:
    found = client.get_cookie("quxiang_staff")
    assert found
    return found.value


def _console(stage: ConsoleStage) -> Console:
    console: Console = stage.app.extensions[EXTENSION]
    return console


def _actions(stage: ConsoleStage) -> list[tuple[str, str]]:
    with stage.installation.work.reading() as uow:
        return [(entry.action, entry.actor_name) for entry in uow.audit.newest(50)]


def test_a_page_leads_somebody_unknown_to_the_login_and_back(stage: ConsoleStage) -> None:
    client = stage.app.test_client()
    answer = client.get("/staff/password")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/staff/login?next=/staff/password"
    back = _try(client, "office", PASSWORD, next="/staff/password")
    assert back.headers["Location"] == "/staff/password"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/staff/", "//evil.example/staff/", "/staff/\\evil.example", "/verify", "javascript:1"],
)
def test_the_way_back_never_leads_out_of_the_console(address: str) -> None:
    assert safe_next(address) == "/staff/"


def test_who_logs_in_is_named_on_the_page(stage: ConsoleStage) -> None:
    for role in Role:
        assert f"{role.value}甲" in stage.clerk(role).get("/staff/password").text


def test_an_unused_session_ends_and_a_used_one_goes_on(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    for _ in range(3):
        stage.now += timedelta(minutes=29)
        clerk.get("/staff/password")
    stage.now += timedelta(minutes=31)
    clerk.get("/staff/password", 302)


def test_a_session_in_use_ends_after_its_longest_time(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    for _ in range(12 * 60 // 20):
        stage.now += timedelta(minutes=20)
        clerk.get("/staff/password")
    stage.now += timedelta(minutes=1)
    clerk.get("/staff/password", 302)


def test_a_form_without_its_token_is_refused(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    answer = clerk.client.post("/staff/logout", data={})
    assert answer.status_code == 400
    assert "没有生效" in answer.text
    clerk.get("/staff/password")


def test_what_was_being_written_when_the_session_ended_comes_back(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.ADMINISTRATOR)
    token = clerk.token
    stage.now += timedelta(hours=1)
    form = {"csrf_token": token, "name": "张老师<b>", "login": "z1", "password": "我的密码一二三四五"}
    answer = clerk.client.post("/staff/people/new", data=form)
    assert answer.status_code == 401
    assert "刚才的提交没有生效" in answer.text
    assert "张老师&lt;b&gt;</textarea>" in answer.text
    assert "我的密码" not in answer.text
    assert 'name="next" value="/staff/people/new"' in answer.text
    with stage.installation.work.reading() as uow:
        assert uow.accounts.by_login("z1") is None


def test_another_site_cannot_write_on_our_login_page(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.ADMINISTRATOR)
    stage.now += timedelta(hours=1)
    for client in (clerk.client, stage.app.test_client()):
        answer = client.post("/staff/people/new", data={"name": "请拨打骗子电话"}, follow_redirects=True)
        assert answer.request.path == "/staff/login"
        assert "刚才的提交没有生效" in answer.text
        assert "骗子" not in answer.text
    assert is_words("reason", "请补充房间号")
    assert not is_words("dossier_id", "f" * 32)


def test_logging_out_ends_the_sessions_of_all_browsers(stage: ConsoleStage) -> None:
    here, there = stage.clerk(Role.OFFICE), stage.clerk(Role.OFFICE)
    here.post("/staff/logout")
    there.get("/staff/password", 302)
    assert _actions(stage)[0] == ("LOGOUT", "就业办甲")


def test_no_cookie_outlives_a_login_or_a_logout(stage: ConsoleStage) -> None:
    """A cookie planted before the login gets nobody in, and its form token is worth nothing after it."""
    client = stage.app.test_client()
    planted_token = _token(client.get("/staff/login").text)
    planted = _cookie(client)
    assert _try(client, "office", PASSWORD).status_code == 302
    inside = _cookie(client)
    assert inside != planted
    assert client.post("/staff/logout", data={"csrf_token": planted_token}).status_code == 400
    thief = stage.app.test_client()
    thief.set_cookie("quxiang_staff", planted)
    assert thief.get("/staff/password").status_code == 302
    client.post("/staff/logout", data={"csrf_token": _token(client.get("/staff/password").text)})
    thief.set_cookie("quxiang_staff", inside)
    assert thief.get("/staff/password").status_code == 302


@pytest.mark.parametrize("is_https", [True, False])
def test_the_cookie_is_for_this_host_and_no_script(stage: ConsoleStage, is_https: bool) -> None:
    app = stage.app
    _console(stage).sessions.attach(app, "another secret", is_https=is_https)
    scheme = "https" if is_https else "http"
    set_cookie = app.test_client().get("/staff/login", base_url=f"{scheme}://localhost").headers["Set-Cookie"]
    assert set_cookie.startswith("__Host-quxiang=" if is_https else "quxiang_staff=")
    assert ("; Secure" in set_cookie) == is_https
    assert "; HttpOnly" in set_cookie
    assert "; SameSite=Lax" in set_cookie
    assert "; Path=/" in set_cookie
    assert "Domain" not in set_cookie
    assert "Expires" not in set_cookie


def test_wrong_passwords_run_out_and_the_wait_is_told(stage: ConsoleStage) -> None:
    client = stage.app.test_client()
    for _ in range(10):
        assert "登录名或密码不对" in _try(client, "office", "wrong").text
    answer = _try(client, " OFFICE ", PASSWORD)
    assert answer.status_code == 429
    assert "请过 15 分钟再试" in answer.text
    assert _try(client, "auditor", PASSWORD).status_code == 302
    stage.now += timedelta(minutes=15)
    assert _try(stage.app.test_client(), "office", PASSWORD).status_code == 302


def test_a_stranger_far_away_does_not_shut_a_colleague_out_until_many_tries(stage: ConsoleStage) -> None:
    stranger, colleague = stage.app.test_client(), stage.app.test_client()
    for _ in range(10):
        _try(stranger, "office", "wrong", "203.0.113.5")
    assert _try(stranger, "office", "wrong", "203.0.113.77").status_code == 429
    assert _try(colleague, "office", PASSWORD).status_code == 302


def test_a_right_password_costs_no_try(stage: ConsoleStage) -> None:
    for _ in range(12):
        assert _try(stage.app.test_client(), "office", PASSWORD).status_code == 302


def test_a_name_nobody_has_is_answered_like_a_real_one(stage: ConsoleStage) -> None:
    with stage.installation.work.writing() as uow:
        auditor = stage.accounts[Role.AUDITOR]
        uow.accounts.save(auditor, auditor.deactivated())
        uow.commit()
    pages = {}
    for login, password in (("office", "wrong"), ("nobody", "wrong"), ("auditor", PASSWORD)):
        client = stage.app.test_client()
        answers = [_try(client, login, password) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        pages[login] = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert pages["office"] == pages["nobody"] == pages["auditor"]


def test_passwords_are_hashed_as_rfc_9106_recommends_for_little_memory() -> None:
    made = extract_parameters(PRODUCTION.hash("a new sentence"))
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 64 * 1024, 3, 4)


def test_a_name_nobody_has_costs_the_same(stage: ConsoleStage, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash of the same parameters for either; counted, not timed."""
    hashed: list[str] = []

    class Watched(QuickHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- argon2's name
            hashed.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_HASHER", Watched())
    client = stage.app.test_client()
    for login in ("office", "nobody"):
        _try(client, login, "wrong")
    assert len(hashed) == 2
    assert hashed[0] == hashed[1]


def test_failures_are_audited_for_accounts_and_never_by_a_name_nobody_has(stage: ConsoleStage) -> None:
    client = stage.app.test_client()
    for _ in range(15):
        _try(client, "office", "wrong")
        _try(client, "请看日志", "wrong", "203.0.113.5")
    assert _actions(stage) == [("LOGIN_FAILED", "就业办甲")] * 10


@pytest.mark.redis
def test_tries_are_counted_on_redis_as_well(stage: ConsoleStage) -> None:
    storage = shared_storage(redis_address(), MemoryStorage())
    _console(stage).tries = Tries(storage, lambda: stage.now, token_bytes())
    client = stage.app.test_client()
    assert [_try(client, "office", "wrong").status_code for _ in range(11)] == [200] * 10 + [429]


def test_nobody_gets_in_while_tries_cannot_be_counted(stage: ConsoleStage) -> None:
    away = shared_storage("redis://127.0.0.1:1/0", MemoryStorage())
    _console(stage).tries = Tries(away, lambda: stage.now, b"x")
    answer = _try(stage.app.test_client(), "office", PASSWORD)
    assert answer.status_code == 503
    assert "为了安全暂时不能登录" in answer.text


def test_no_password_is_hashed_while_a_connection_is_held(stage: ConsoleStage, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    class Watched(QuickHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- argon2's name
            held.append(not stage.installation.engine.pool.status().endswith("Checked out connections: 0"))
            return super().verify(hash, password)

    clerk = stage.clerk(Role.OFFICE)
    monkeypatch.setattr(passwords, "_HASHER", Watched())
    _try(stage.app.test_client(), "office", "wrong")
    clerk.post("/staff/password", 200, old="wrong", new="a new sentence", again="a new sentence")
    assert held == [False] * 2


def test_a_hash_of_former_parameters_is_renewed_at_the_login(stage: ConsoleStage) -> None:
    office = stage.accounts[Role.OFFICE]
    weak = PasswordHasher(time_cost=2, memory_cost=8192).hash(PASSWORD)
    with stage.installation.work.writing() as uow:
        uow.accounts.save(office, replace(office, password_hash=weak))
        uow.commit()
    stage.clerk(Role.OFFICE).get("/staff/password")
    with stage.installation.work.reading() as uow:
        renewed = uow.accounts.by_login("office")
    assert renewed
    assert renewed.password_hash != weak
    assert not passwords.is_outdated(renewed.password_hash)
    stage.clerk(Role.OFFICE).get("/staff/password")


def test_a_password_changed_while_the_login_was_hashing_is_no_way_in(stage: ConsoleStage) -> None:
    office = stage.installation.office
    before = own_account.find_account(office, "office")
    assert before
    own_account.set_password(office, before, hash_password("quite another sentence"))
    assert own_account.enter(office, before) is None


def test_the_own_password_is_changed_and_other_browsers_are_out(stage: ConsoleStage) -> None:
    here, there = stage.clerk(Role.OFFICE), stage.clerk(Role.OFFICE)
    refused = {
        "现在的密码不对": ("wrong", "a new sentence", "a new sentence"),
        "两次输入": (PASSWORD, "a new sentence", "another sentence"),
        "10 到 128": (PASSWORD, "short", "short"),
        "重复": (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa"),
        "不一样": (PASSWORD, PASSWORD, PASSWORD),
        "登录名": (PASSWORD, "office1234", "office1234"),
    }
    for said, (old, new, again) in refused.items():
        assert said in here.post("/staff/password", 200, old=old, new=new, again=again).text
    here.post("/staff/password", old=PASSWORD, new="a new sentence", again="a new sentence")
    here.get("/staff/password")
    there.get("/staff/password", 302)
    assert _try(stage.app.test_client(), "office", PASSWORD).status_code == 200
    assert _try(stage.app.test_client(), "office", "a new sentence").status_code == 302


def test_a_stolen_session_cannot_guess_the_password(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    fields = {"new": "a new sentence", "again": "a new sentence"}
    for guess in range(10):
        clerk.post("/staff/password", 200, old=f"guess {guess}", **fields)
    assert "请过" in clerk.post("/staff/password", 429, old=PASSWORD, **fields).text


def test_a_given_password_must_be_changed_first(stage: ConsoleStage) -> None:
    office = stage.accounts[Role.OFFICE]
    with stage.installation.work.writing() as uow:
        uow.accounts.save(office, replace(office, must_change=True))
        uow.commit()
    clerk = stage.clerk(Role.OFFICE)
    for path in ("/staff/", "/staff/totp"):
        assert clerk.get(path, 302).headers["Location"] == "/staff/password"
    clerk.post("/staff/password", old=PASSWORD, new="a new sentence", again="a new sentence")
    clerk.get("/staff/totp")


def test_logins_are_audited_and_noted(stage: ConsoleStage) -> None:
    stage.clerk(Role.OFFICE)
    assert _actions(stage) == [(Action.LOGIN.name, "就业办甲")]
    with stage.installation.work.reading() as uow:
        account = uow.accounts.by_login("office")
    assert account
    assert account.seen_at == stage.now
    assert account.version == stage.accounts[Role.OFFICE].version
