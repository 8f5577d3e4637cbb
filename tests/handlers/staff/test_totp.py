"""The second factor: half a login opens nothing, a code works once, and only its owner or an administrator ends it."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from defusedxml import ElementTree
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bot.staff.account import Account
from bot.staff.policy import Role
from bot.use_cases import own_account
from handlers.staff.totp import ISSUER, is_secret, new_secret, step_of
from tests.handlers.staff.matrix import World
from tests.handlers.staff.stage import MORNING, PASSWORD, Clerk, ConsoleStage


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def _code(secret: str, stage: ConsoleStage, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(stage.now + timedelta(seconds=30 * steps))


def _enrolled(stage: ConsoleStage, role: Role = Role.OFFICE) -> tuple[Clerk, str]:
    """Switch the second factor on as a person does, and come back later."""
    clerk = stage.clerk(role)
    found = re.search(r'name="secret" value="([A-Z2-7]+)"', clerk.get("/staff/totp").text)
    assert found
    clerk.post("/staff/totp", secret=found[1], code=_code(found[1], stage))
    stage.now += timedelta(minutes=2)
    return clerk, found[1]


def _half(stage: ConsoleStage, login: str = "office") -> FlaskClient:
    """Give the password."""
    client = stage.app.test_client()
    token = _token(client.get("/staff/login").text)
    form = {"csrf_token": token, "login": login, "password": PASSWORD, "next": "/staff/password"}
    answer = client.post("/staff/login", data=form)
    assert answer.headers["Location"] == "/staff/login/code?next=/staff/password"
    return client


def _give(client: FlaskClient, code: str) -> TestResponse:
    page = client.get("/staff/login/code?next=/staff/password").text
    form = {"csrf_token": _token(page), "code": code, "next": "/staff/password"}
    return client.post("/staff/login/code", data=form)


def _stored(stage: ConsoleStage, login: str = "office") -> Account:
    with stage.installation.work.reading() as uow:
        account = uow.accounts.by_login(login)
    assert account
    return account


def test_the_secret_is_shown_as_picture_and_text_and_confirmed_by_a_code(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    page = clerk.get("/staff/totp").text
    drawing = re.search(r"<svg.*?</svg>", page, re.DOTALL)
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    assert drawing
    assert secret
    assert ElementTree.fromstring(drawing[0]).tag.endswith("svg")
    assert " ".join(re.findall("....", secret[1])) in page
    refused = clerk.post("/staff/totp", 200, secret=secret[1], code="000000")
    assert "动态口令不对" in refused.text
    assert secret[1] in refused.text
    assert not _stored(stage).totp_secret
    clerk.post("/staff/totp", secret=secret[1], code=_code(secret[1], stage))
    assert _stored(stage).totp_secret == secret[1]
    assert "已启用" in clerk.get("/staff/totp").text


def test_the_picture_is_what_an_app_reads(stage: ConsoleStage) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    image_module = pytest.importorskip("PIL.Image")
    page = stage.clerk(Role.OFFICE).get("/staff/totp").text
    secret = re.search(r'name="secret" value="([A-Z2-7]{32})"', page)
    side = re.search(r'viewBox="0 0 (\d+)', page)
    assert secret
    assert side
    image = image_module.new("L", (int(side[1]),) * 2, 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1", page):
        for at in range(int(x), int(x) + int(length)):
            image.putpixel((at, int(y)), 0)
    read = zxingcpp.read_barcode(image.resize((600, 600)))
    parsed = pyotp.parse_uri(read.text)
    assert (parsed.secret, parsed.issuer, parsed.name) == (secret[1], ISSUER, "office")


def test_half_a_login_opens_nothing(stage: ConsoleStage) -> None:
    _enrolled(stage)
    client = _half(stage)
    world = World(stage)
    for rule in world.rules:
        if rule.endpoint.removeprefix("staff.") not in world.console.public and not rule.arguments:
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            answer = client.open(world.path(rule, "own"), method=method)
            assert answer.headers["Location"].startswith("/staff/login"), rule


def test_the_code_leads_to_where_somebody_wanted_to_go(stage: ConsoleStage) -> None:
    _, secret = _enrolled(stage)
    client = _half(stage)
    assert _give(client, _code(secret, stage)).headers["Location"] == "/staff/password"
    assert client.get("/staff/password").status_code == 200


def test_a_code_works_once_and_the_one_of_the_enrolment_is_used(stage: ConsoleStage) -> None:
    clerk = stage.clerk(Role.OFFICE)
    secret = new_secret()
    clerk.post("/staff/totp", secret=secret, code=_code(secret, stage))
    assert "动态口令不对" in _give(_half(stage), _code(secret, stage)).text
    stage.now += timedelta(seconds=30)
    code = _code(secret, stage)
    assert _give(_half(stage), code).status_code == 302
    assert "已经用过" in _give(_half(stage), code).text


def test_of_many_who_give_the_same_code_at_once_one_gets_in(stage: ConsoleStage) -> None:
    _, secret = _enrolled(stage)
    account, step = _stored(stage), step_of(secret, _code(secret, stage), stage.now)
    with ThreadPoolExecutor(6) as pool:
        entered = pool.map(lambda _: own_account.enter(stage.installation.office, account, totp_step=step), range(6))
    assert len([each for each in entered if each]) == 1


def test_a_second_factor_switched_on_meanwhile_is_not_passed_by(stage: ConsoleStage) -> None:
    before = _stored(stage)
    _enrolled(stage)
    assert own_account.enter(stage.installation.office, before) is None


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_wrong(steps: int, is_good: bool) -> None:
    secret = new_secret()
    code = pyotp.TOTP(secret).at(MORNING + timedelta(seconds=30 * steps))
    assert bool(step_of(secret, f" {code[:3]} {code[3:]}", MORNING)) is is_good


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "²²²²²²", "abcdef", "-12345"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert step_of(new_secret(), code, MORNING) == 0


@pytest.mark.parametrize("text", ["", "A" * 31, "a" * 32, "A" * 31 + "1", "A" * 31 + "\n"])
def test_what_is_no_secret_is_not_kept(text: str, stage: ConsoleStage) -> None:
    assert not is_secret(text)
    stage.clerk(Role.OFFICE).post("/staff/totp", 200, secret=text, code="123456")


def test_codes_run_out_and_the_wait_is_told(stage: ConsoleStage) -> None:
    _, secret = _enrolled(stage)
    client = _half(stage)
    for _ in range(5):
        assert _give(client, "000000").status_code == 200
    refused = _give(client, _code(secret, stage))
    assert refused.status_code == 429
    assert "分钟再试" in refused.text
    assert _give(_half(stage), _code(secret, stage)).status_code == 429


def test_half_a_login_is_forgotten_after_five_minutes(stage: ConsoleStage) -> None:
    _, secret = _enrolled(stage)
    client = _half(stage)
    token = _token(client.get("/staff/login/code").text)
    stage.now += timedelta(minutes=5, seconds=1)
    answer = client.post("/staff/login/code", data={"csrf_token": token, "code": _code(secret, stage)})
    assert answer.headers["Location"] == "/staff/login?late=1"
    assert "超过了 5 分钟" in client.get("/staff/login?late=1").text


def test_switching_off_needs_the_password(stage: ConsoleStage) -> None:
    clerk, _ = _enrolled(stage)
    assert "现在的密码不对" in clerk.post("/staff/totp/off", 200, password="wrong").text
    assert _stored(stage).totp_secret
    clerk.post("/staff/totp/off", password=PASSWORD)
    assert not _stored(stage).totp_secret
    stage.clerk(Role.OFFICE).get("/staff/password")


def test_an_administrator_ends_the_second_factor_of_somebody_who_lost_the_telephone(stage: ConsoleStage) -> None:
    clerk, _ = _enrolled(stage)
    account = _stored(stage)
    stage.clerk(Role.ADMINISTRATOR).post(f"/staff/people/{account.id}/totp-off")
    clerk.get("/staff/password", 302)
    stage.clerk(Role.OFFICE).get("/staff/password")


def test_the_secret_is_in_no_cookie(stage: ConsoleStage) -> None:
    clerk, secret = _enrolled(stage)
    half = _half(stage)
    for client in (clerk.client, half):
        with client.session_transaction() as session:
            assert secret not in str(dict(session))
