"""One's own account (本人账号): login, second factor, password; the hashing of passwords is done before, outside."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.errors import MovedError
from bot.ports import UnitOfWork
from bot.staff.account import Account
from bot.staff.deed import Action
from bot.staff.policy import Actor, Role
from bot.use_cases.staff_changes import ATTEMPTS, Office

NOBODY = Actor("nobody", "", Role.AUDITOR)
"""Whoever typed a login name that does not exist; nothing in this name is ever committed (无此账号)."""
Step = Callable[[Account], Account | None]
"""A step on the account as it is stored now; None refuses it."""


def find_account(office: Office, login: str) -> Account | None:
    """Return the active account of a login name (登录名), or None."""
    with office.work.reading() as uow:
        account = uow.accounts.by_login(login)
    return account if account and account.is_active else None


def note_failure(office: Office, account: Account | None, action: Action = Action.LOGIN_FAILED) -> None:
    """Write a failed login into the audit log (登录失败).

    A name nobody has does the same work, but leaves nothing: it costs the same time, and strangers cannot write
    what they like into the log.
    """
    with office.work.writing() as uow:
        actor, subject = (account.actor, account.id) if account else (NOBODY, "")
        uow.audit.append(actor, action, subject, {}, office.clock())
        if account:
            uow.commit()


def enter(office: Office, account: Account, *, rehashed: str = "", totp_step: int = 0) -> Account | None:
    """Note a login (登录), and return the account as it is now; None if the proof does not hold any more.

    Args:
        office: see Office.
        account: as it was when the password was compared with its hash.
        rehashed: the same password, hashed with the parameters of today; "" if they have not changed.
        totp_step: the time step of the code (动态口令) that was given; 0 without a second factor.
    """

    def step(stored: Account) -> Account | None:
        if not stored.is_active or stored.epoch != account.epoch:
            return None  # another password, another second factor, another role: each raised the epoch
        if bool(stored.totp_secret) != bool(totp_step) or (totp_step and totp_step <= stored.totp_step):
            return None  # a code works once
        return replace(stored, totp_step=totp_step, password_hash=rehashed or stored.password_hash)

    return _changed(office, account.id, step, Action.LOGIN)


def set_password(office: Office, account: Account, password_hash: str) -> Account | None:
    """Give one's own account a new password (修改密码); None if it was changed elsewhere meanwhile."""
    return _changed(
        office,
        account.id,
        _unless_moved(account, lambda own: own.with_password(password_hash)),
        Action.PASSWORD_CHANGED,
    )


def set_totp(office: Office, account: Account, secret: str, totp_step: int) -> Account | None:
    """Switch on the second factor (启用动态口令), proven by a code of that step; None if changed meanwhile."""

    def step(own: Account) -> Account:
        return replace(own.with_totp(secret), totp_step=totp_step)

    return _changed(office, account.id, _unless_moved(account, step), Action.TOTP_ON)


def drop_totp(office: Office, account: Account) -> Account | None:
    """Switch off the second factor (停用动态口令); None if changed elsewhere meanwhile."""
    return _changed(office, account.id, _unless_moved(account, lambda own: own.with_totp("")), Action.TOTP_OFF)


def leave(office: Office, account: Account) -> None:
    """End all sessions of the account (退出登录)."""
    _changed(office, account.id, lambda own: replace(own, epoch=own.epoch + 1), Action.LOGOUT)


def _unless_moved(account: Account, step: Callable[[Account], Account]) -> Step:
    """Whatever ended the sessions meanwhile (another password, a deactivation) comes first."""
    return lambda stored: step(stored) if stored.epoch == account.epoch else None


def _changed(office: Office, account_id: str, step: Step, action: Action) -> Account | None:
    for attempt in range(ATTEMPTS):
        try:
            with office.work.writing() as uow:
                return _taken(uow, account_id, step, action, office.clock())
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _taken(uow: UnitOfWork, account_id: str, step: Step, action: Action, now: datetime) -> Account | None:
    old = uow.accounts.by_id(account_id)
    new = step(old) if old else None
    if old is None or new is None:
        return None
    # First, as with the deeds of administrators: all who change accounts meet here, and nowhere else.
    uow.audit.append(new.actor, action, account_id, {}, now)
    if new != old:
        uow.accounts.save(old, new)
        new = replace(new, version=old.version + 1)
    if action is Action.LOGIN:
        uow.accounts.touch(account_id, now)
    uow.commit()
    return new
