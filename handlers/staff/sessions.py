"""Sessions (登录会话): Flask-Login over Flask's signed cookie; every request looks at the account anew.

The cookie holds the account's identifier, its epoch and two moments, signed. Whatever raises the epoch (password, role,
deactivation, logging out) ends every session of the account at once, on every process, so nothing needs to be kept on
the server.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect

from bot.ports import Clock, Work
from bot.staff.account import Account

_EPOCH, _SINCE, _SEEN = "epoch", "since", "seen"
_HALF = "half"
_HALF_SECONDS = 300  # for the code: enough to look for the telephone
_REFRESH = 60  # seconds between two notes of "still there" in the cookie


class Visitor(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """Whoever is logged in (已登录的工作人员), as Flask-Login knows people."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = account.id


@dataclass(frozen=True, slots=True)
class Sessions:
    """Begins, checks and ends sessions (会话).

    Attributes:
        work: opens units of work, to look at the account.
        clock: tells the moment.
        idle: a session unused for so long ends.
        longest: every session ends after so long.
        csrf: checks the token of every form.
    """

    work: Work = field(repr=False)
    clock: Clock
    idle: timedelta
    longest: timedelta
    csrf: CSRFProtect = field(repr=False)

    def attach(self, app: Flask, secret: str, *, is_https: bool) -> None:
        """Give the application sessions and the check of forms (装配)."""
        app.config.update(
            SECRET_KEY=secret,
            # A browser takes a cookie of this name only from this very host, over https, for all paths.
            SESSION_COOKIE_NAME="__Host-quxiang" if is_https else "quxiang_staff",
            SESSION_COOKIE_SECURE=is_https,
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Lax",
            # The console checks by itself: the platform, CHSI and the public pages have no forms with tokens.
            WTF_CSRF_CHECK_DEFAULT=False,
            WTF_CSRF_TIME_LIMIT=None,
            # Our pages send no Referer (Referrer-Policy: no-referrer), so it cannot be asked for.
            WTF_CSRF_SSL_STRICT=False,
        )
        self.csrf.init_app(app)
        manager = LoginManager()
        manager.user_loader(self._visitor)
        manager.init_app(app)

    def begin(self, account: Account) -> None:
        """Begin a session of the account (登录): nothing of the session before stays, its form tokens included."""
        session.clear()
        login_user(Visitor(account))
        moment = self._seconds()
        session.update({_EPOCH: account.epoch, _SINCE: moment, _SEEN: moment})

    def begin_half(self, account: Account) -> None:
        """Note that the password was right (第一步), in a session without any rights: the code is still to come."""
        session.clear()
        session[_HALF] = [account.id, account.epoch, self._seconds()]

    def half(self) -> Account | None:
        """Return the account whose password was given in this browser and whose code is still to come, or None."""
        account_id, epoch, since = session.get(_HALF) or ("", 0, 0)
        if not account_id or self._seconds() - since > _HALF_SECONDS:
            return None
        with self.work.reading() as uow:
            account = uow.accounts.by_id(account_id)
        return account if account and account.is_active and account.epoch == epoch else None

    @property
    def has_lapsed(self) -> bool:
        """Whether this browser was logged in, and is not any more (已超时): its own forms are still known by token."""
        return _SINCE in session and not current_user.is_authenticated

    def end(self) -> None:
        """End the session of this browser (退出)."""
        logout_user()
        session.clear()

    def account(self) -> Account | None:
        """Return the account of whoever is logged in (当前账号), or None; keeps the session awake."""
        if not current_user.is_authenticated:
            return None
        if self._seconds() - session[_SEEN] >= _REFRESH:
            session[_SEEN] = self._seconds()
        account: Account = current_user.account
        return account

    def _visitor(self, account_id: str) -> Visitor | None:
        with self.work.reading() as uow:
            account = uow.accounts.by_id(account_id)
        is_alive = account is not None and account.is_active and session.get(_EPOCH) == account.epoch
        return Visitor(account) if account and is_alive and self._is_awake() else None

    def _is_awake(self) -> bool:
        moment = self._seconds()
        idle = timedelta(seconds=moment - session.get(_SEEN, 0))
        return idle <= self.idle and timedelta(seconds=moment - session.get(_SINCE, 0)) <= self.longest

    def _seconds(self) -> int:
        return int((self.clock() - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
