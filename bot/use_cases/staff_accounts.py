"""Staff accounts (账号管理): what an administrator does to the accounts of others, each deed with its audit entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from bot.errors import BadValueError, MovedError, RuleError
from bot.ports import UnitOfWork
from bot.staff.account import Account
from bot.staff.deed import Action, Deed
from bot.staff.policy import Act, Role
from bot.use_cases.staff_changes import ATTEMPTS, NotFoundError, Office

Step = Callable[[Account], Account]
"""A step on an account."""


class StaleError(MovedError):
    """The account is not any more what the administrator had before the eyes (已被别人改过)."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is written down about a colleague (账号资料).

    Attributes:
        login: what is typed at login; made lower case.
        name: as shown.
        role: see Role.
        staff_number: of a counsellor, as in the roster (辅导员工号), or "".
    """

    login: str = field(repr=False)
    name: str = field(repr=False)
    role: Role
    staff_number: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "login", self.login.strip().lower())
        object.__setattr__(self, "name", self.name.strip())
        object.__setattr__(self, "staff_number", self.staff_number.strip())


def add_account(office: Office, person: Person, password_hash: str, *, must_change: bool = True) -> Account:
    """Make an account with a password given by somebody else (新增账号).

    Raises:
        ForbiddenError: the role does not allow it.
        BadValueError: the login name is taken, or something cannot be right.
    """
    made = add_accounts(office, [(person, password_hash)], must_change=must_change)
    if not made:
        raise BadValueError("这个登录名已经有人用了，请换一个；如果是同一个人，请在账号列表里找到后修改")
    return made[0]


def add_accounts(
    office: Office, people: Sequence[tuple[Person, str]], *, must_change: bool = True
) -> tuple[Account, ...]:
    """Make accounts for many in one transaction (批量新增账号), and return those made: a taken name is left alone.

    Args:
        office: see Office.
        people: each with the hash of the first password.
        must_change: whether the first password has to be changed at the first login.
    """
    deed = Deed(Act.MANAGE_STAFF, Action.STAFF_ADDED)
    office.by.demand(deed.act)
    now = office.clock()
    accounts = [
        Account(office.new_id(), p.login, p.name, p.role, now, p.staff_number, hashed, must_change)
        for p, hashed in people
    ]
    with office.work.writing() as uow:
        made = tuple(account for account in accounts if uow.accounts.add(account))
        for account in made:
            uow.audit.append(office.by, deed.action, account.id, _particulars(account), now)
        uow.commit()
    return made


def rewrite_account(office: Office, account_id: str, version: int, person: Person) -> Account:
    """Change name, role and staff number (修改账号); the login name stays, other rights end all sessions.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no such account.
        StaleError: it is not ``version`` any more.
        RuleError: nobody changes the own role, and an administrator has to remain.
    """

    def step(account: Account) -> Account:
        if (account.role, account.staff_number) == (person.role, person.staff_number):
            return replace(account, name=person.name)
        if account.id == office.by.id and account.role is not person.role:
            raise RuleError("staff.own_role")
        return replace(account.with_role(person.role, person.staff_number), name=person.name)

    return changed_account(office, account_id, step, Action.STAFF_CHANGED, version)


def reset_password(office: Office, account_id: str, password_hash: str) -> Account:
    """Give a new first password (重置密码); every session ends.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no such account.
        RuleError: one's own is changed with the old one.
    """

    def step(account: Account) -> Account:
        if account.id == office.by.id:
            raise RuleError("staff.own_password")
        return account.with_password(password_hash, must_change=True)

    return changed_account(office, account_id, step, Action.PASSWORD_RESET)


def deactivate(office: Office, account_id: str) -> Account:
    """Take the access away (停用账号).

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no such account.
        RuleError: it is one's own, or the last administrator's.
    """

    def step(account: Account) -> Account:
        if account.id == office.by.id:
            raise RuleError("staff.own_account")
        return account.deactivated()

    return changed_account(office, account_id, step, Action.STAFF_DEACTIVATED)


def activate(office: Office, account_id: str) -> Account:
    """Give the access back (恢复账号).

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no such account.
    """
    return changed_account(office, account_id, Account.activated, Action.STAFF_ACTIVATED)


def remove_totp(office: Office, account_id: str) -> Account:
    """Take away the second factor (停用动态口令) of somebody who lost the telephone.

    Raises:
        ForbiddenError: the role does not allow it.
        NotFoundError: there is no such account.
    """
    return changed_account(office, account_id, lambda account: account.with_totp(""), Action.TOTP_OFF)


def changed_account(office: Office, account_id: str, step: Step, action: Action, version: int | None = None) -> Account:
    """Take an account through a step of an administrator, with its audit entry, and return it as stored.

    Args:
        office: see Office; whoever acts there must be allowed to manage staff.
        account_id: of the account.
        step: what is done.
        action: what the audit log calls it.
        version: what the administrator had before the eyes; None where that does not matter.
    """
    office.by.demand(Act.MANAGE_STAFF)
    for attempt in range(ATTEMPTS):
        try:
            return _changed(office, account_id, step, action, version)
        except StaleError:
            raise
        except MovedError:
            if attempt == ATTEMPTS - 1:
                raise
    raise MovedError


def _changed(office: Office, account_id: str, step: Step, action: Action, version: int | None) -> Account:
    now = office.clock()
    with office.work.writing() as uow:
        # The entry comes first: two who change accounts at the same moment meet at the end of the audit log, where
        # one waits for the other's commit and then sees it. So two administrators cannot deactivate each other.
        old = _of(uow, account_id)
        uow.audit.append(office.by, action, account_id, _particulars(step(old)), now)
        old = _of(uow, account_id)
        if version is not None and old.version != version:
            raise StaleError("the account was changed meanwhile")
        new = step(old)
        uow.accounts.save(old, new)
        if _rules(old) and not any(map(_rules, uow.accounts.all())):
            raise RuleError("staff.last_administrator")
        uow.commit()
        return replace(new, version=old.version + 1)


def _of(uow: UnitOfWork, account_id: str) -> Account:
    account = uow.accounts.by_id(account_id)
    if account is None:
        raise NotFoundError("没有这个账号，可能链接不完整，请从账号列表里点开")
    return account


def _rules(account: Account) -> bool:
    return account.is_active and account.role is Role.ADMINISTRATOR


def _particulars(account: Account) -> dict[str, str]:
    found = {"登录名": account.login, "姓名": account.name, "角色": account.role.value}
    return found | ({"工号": account.staff_number} if account.staff_number else {})
