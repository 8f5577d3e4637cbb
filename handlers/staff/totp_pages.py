"""The pages of the second factor (动态口令): switching it on with a code, and off with the password."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.use_cases import own_account
from handlers.staff.access import WRONG_CODE, demand_password
from handlers.staff.console import Console
from handlers.staff.totp import is_secret, new_secret, picture, step_of


def add_to(console: Console) -> None:
    """Add the pages of the second factor (动态口令)."""

    @console.page("/totp", None)
    def totp() -> str:
        return _page(console)

    @console.page("/totp", None, ("POST",))
    def switch_totp_on() -> str | Response:
        try:
            _switch_on(console)
        except BadValueError as error:
            return _page(console, str(error))
        flash("动态口令已启用。以后登录时，输完密码再输手机上的六位数。")
        return redirect(url_for("staff.totp"))

    @console.page("/totp/off", None, ("POST",))
    def switch_totp_off() -> str | Response:
        try:
            demand_password(console, request.form.get("password", ""))
        except BadValueError as error:
            return _page(console, str(error))
        changed = own_account.drop_totp(console.office, console.account)
        if changed:
            console.sessions.begin(changed)
        flash("动态口令已停用。")
        return redirect(url_for("staff.totp"))


def _page(console: Console, refusal: str = "") -> str:
    account = console.account
    if account.totp_secret:
        return console.render("staff/totp.html", is_on=True, refusal=refusal)
    typed = request.form.get("secret", "")
    # What was scanned already stays good after a mistyped code.
    secret = typed if is_secret(typed) else new_secret()
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return console.render(
        "staff/totp.html",
        is_on=False,
        refusal=refusal,
        secret=secret,
        groups=groups,
        picture=picture(secret, account.login),
    )


def _switch_on(console: Console) -> None:
    """Give the account the second factor and go on with a session of its new epoch.

    Raises:
        BadValueError: the code is wrong.
    """
    account, secret = console.account, request.form.get("secret", "")
    if account.totp_secret:
        raise BadValueError("动态口令已经启用了")
    step = step_of(secret, request.form.get("code", ""), console.office.clock()) if is_secret(secret) else 0
    if not step:
        raise BadValueError(WRONG_CODE)
    changed = own_account.set_totp(console.office, account, secret, step)
    if changed is None:
        raise BadValueError("账号刚在别处改过，请重新登录")
    console.sessions.begin(changed)
