"""Access (登录): login in one step or two, logout, and the change of one's own password."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.errors import BadValueError
from bot.staff.account import Account
from bot.use_cases import own_account
from handlers.staff.console import Console, safe_next
from handlers.staff.passwords import hash_password, is_outdated, is_password
from handlers.staff.totp import step_of
from handlers.staff.tries import TooManyError, UncountedError

_LONGEST_LOGIN = 64
WRONG = "登录名或密码不对。"
WRONG_CODE = "动态口令不对，或者已经用过。请等手机上换了新的六位数再输。"


def add_to(console: Console) -> None:
    """Add the pages of access (登录、退出、修改密码) and the first page."""
    _add_login(console)
    _add_second_step(console)

    @console.page("/logout", None, ("POST",))
    def logout() -> AnyResponse:
        own_account.leave(console.office, console.account)
        console.sessions.end()
        return redirect(url_for("staff.login"))

    @console.page("/password", None)
    def password() -> str:
        return _password_page(console)

    @console.page("/password", None, ("POST",))
    def change_password() -> str | AnyResponse:
        try:
            _change_password(console)
        except BadValueError as error:
            return _password_page(console, str(error))
        flash("密码已修改，其他设备上的登录已退出。")
        return redirect(url_for("staff.home"))

    @console.page("/", None)
    def home() -> str | AnyResponse:
        if "progress" in console.acts:
            return redirect(url_for("staff.progress"))
        return console.render("staff/notice.html", said="欢迎。")


def _add_login(console: Console) -> None:
    @console.open_page("/login")
    def login() -> Response:
        return _login_page()

    @console.open_page("/login", ("POST",))
    def log_in() -> AnyResponse:
        following = safe_next(request.form.get("next", ""))
        try:
            account = _proven(console)
        except (TooManyError, UncountedError) as error:
            return _login_page(str(error), 429 if isinstance(error, TooManyError) else 503)
        if account is None:
            return _login_page(WRONG)
        if account.totp_secret:
            console.sessions.begin_half(account)
            return redirect(url_for("staff.code", next=following))
        return _entered(console, account, following) or _login_page(WRONG)


def _add_second_step(console: Console) -> None:
    @console.open_page("/login/code")
    def code() -> AnyResponse:
        return _code_page() if console.sessions.half() else redirect(url_for("staff.login", late=1))

    @console.open_page("/login/code", ("POST",))
    def enter_code() -> AnyResponse:
        account = console.sessions.half()
        if account is None:
            return redirect(url_for("staff.login", late=1))
        try:
            charged = console.tries.code(account.id)
        except (TooManyError, UncountedError) as error:
            return _code_page(str(error), 429 if isinstance(error, TooManyError) else 503)
        step = step_of(account.totp_secret, request.form.get("code", ""), console.office.clock())
        entered = _entered(console, account, safe_next(request.form.get("next", "")), step) if step else None
        if entered is None:
            own_account.note_failure(console.office, account)
            return _code_page(WRONG_CODE)
        console.tries.give_back(charged)
        return entered


def _login_page(refusal: str = "", status: int = 200) -> Response:
    said = {"ended": "ended" in request.args, "late": "late" in request.args, "refusal": refusal}
    following, login = request.values.get("next", ""), request.form.get("login", "")
    return make_response(render_template("staff/login.html", **said, following=following, login=login), status)


def _code_page(refusal: str = "", status: int = 200) -> Response:
    following = request.values.get("next", "")
    return make_response(render_template("staff/totp_login.html", refusal=refusal, following=following), status)


def _proven(console: Console) -> Account | None:
    """Return the account whose password was given; a name nobody has is charged, and costs the same time.

    Raises:
        TooManyError: there were too many tries.
        UncountedError: tries cannot be counted.
    """
    login, password = request.form.get("login", "").strip().lower()[:_LONGEST_LOGIN], request.form.get("password", "")
    charged = console.tries.password(login, request.remote_addr or "")
    account = own_account.find_account(console.office, login)
    if not is_password(password, account.password_hash if account else ""):
        own_account.note_failure(console.office, account)
        return None
    console.tries.give_back(charged)
    return account


def _entered(console: Console, account: Account, following: str, totp_step: int = 0) -> AnyResponse | None:
    """Begin the session, in a cookie that has nothing of the one before; None if the proof does not hold any more."""
    rehashed = ""
    if not account.totp_secret and is_outdated(account.password_hash):
        rehashed = hash_password(request.form.get("password", ""))
    entered = own_account.enter(console.office, account, rehashed=rehashed, totp_step=totp_step)
    if entered is None:
        return None
    console.sessions.begin(entered)
    return redirect(following)


def demand_password(console: Console, password: str) -> None:
    """Make sure that whoever is logged in knows the password (再次输入密码); a misused session must not guess it.

    Raises:
        BadValueError: it is wrong.
        TooManyError: there were too many tries.
        UncountedError: tries cannot be counted.
    """
    account = console.account
    charged = console.tries.password(account.login, request.remote_addr or "")
    if not is_password(password, account.password_hash):
        own_account.note_failure(console.office, account)
        raise BadValueError("现在的密码不对")
    console.tries.give_back(charged)


def _password_page(console: Console, refusal: str = "") -> str:
    account = console.account
    has_totp = bool(account.totp_secret)
    return console.render("staff/password.html", must=account.must_change, has_totp=has_totp, refusal=refusal)


def _change_password(console: Console) -> None:
    """Give the account the new password and go on with a session of its new epoch.

    Raises:
        BadValueError: the old one is wrong, or the new one does not do.
    """
    account, form = console.account, request.form
    new = form.get("new", "")
    if new != form.get("again", ""):
        raise BadValueError("两次输入的新密码不一样")
    if new == form.get("old", ""):
        raise BadValueError("新密码要和现在的不一样")
    if account.login in new.lower() and len(new) < 2 * len(account.login) + 6:
        raise BadValueError("密码里不要用登录名，别人最先猜的就是它")
    hashed = hash_password(new)
    demand_password(console, form.get("old", ""))
    changed = own_account.set_password(console.office, account, hashed)
    if changed is None:
        raise BadValueError("密码刚在别处改过，请重新登录")
    console.sessions.begin(changed)
