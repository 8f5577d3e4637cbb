"""The room of accounts (账号): who works here, with which role; first passwords are shown once and stored nowhere."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from bot.errors import BadValueError
from bot.staff.account import Account
from bot.staff.policy import Act, Role
from bot.use_cases import staff_accounts
from bot.use_cases.staff_accounts import Person, StaleError
from bot.use_cases.staff_changes import NotFoundError
from handlers.staff.console import Console
from handlers.staff.passwords import hash_password, one_time_password

AT_ONCE = 40
"""How many accounts are made in one step: each costs a hash, and nobody waits longer than ten seconds."""

PAGE = 50
"""Accounts on one page of the list: a school has hundreds of counsellors."""


def add_to(console: Console) -> None:
    """Add the pages of accounts (账号管理)."""

    @console.page("/people", Act.MANAGE_STAFF)
    def people() -> str:
        with console.office.work.reading() as uow:
            accounts = uow.accounts.all()
        pages = max(1, -(-len(accounts) // PAGE))
        page = min(max(1, request.args.get("page", 1, int)), pages)
        shown = accounts[(page - 1) * PAGE : page * PAGE]
        return console.render("staff/people.html", accounts=shown, page=page, pages=pages)

    _add_new(console)
    _add_one(console)
    _add_deeds(console)
    _add_counsellors(console)


def _add_new(console: Console) -> None:
    @console.page("/people/new", Act.MANAGE_STAFF)
    def new_account() -> str:
        return console.render("staff/people_form.html", account=None, form=request.args, roles=Role)

    @console.page("/people/new", Act.MANAGE_STAFF, ("POST",))
    def add_account() -> str:
        password = one_time_password()
        try:
            account = staff_accounts.add_account(console.acting, _person(), hash_password(password))
        except BadValueError as error:
            form = request.form
            return console.render("staff/people_form.html", account=None, form=form, roles=Role, refusal=str(error))
        return _handed_out(console, [(account, password)], _unknown_number(console, account))


def _add_one(console: Console) -> None:
    @console.page("/people/<account_id>", Act.MANAGE_STAFF)
    def account(account_id: str) -> str:
        found = _stored(console, account_id)
        return console.render("staff/people_one.html", account=found, form=_as_form(found), roles=Role)

    @console.page("/people/<account_id>", Act.MANAGE_STAFF, ("POST",))
    def change_account(account_id: str) -> str | Response:
        found, form = _stored(console, account_id), request.form
        version = form.get("version", "")
        try:
            person = _person(found.login)
            changed = staff_accounts.rewrite_account(
                console.acting, account_id, int(version) if version.isdecimal() else -1, person
            )
        except (BadValueError, StaleError) as error:
            stale = "这个账号刚被别人改过，您的修改没有保存。请核对下面的内容，再保存一次。"
            said = stale if isinstance(error, StaleError) else str(error)
            values = {"account": found, "form": form, "roles": Role, "refusal": said}
            return console.render("staff/people_one.html", **values)
        flash("已保存。" + _unknown_number(console, changed))
        return redirect(url_for("staff.account", account_id=account_id))


def _add_deeds(console: Console) -> None:
    @console.page("/people/<account_id>/password", Act.MANAGE_STAFF, ("POST",))
    def reset_password(account_id: str) -> str:
        password = one_time_password()
        changed = staff_accounts.reset_password(console.acting, account_id, hash_password(password))
        return _handed_out(console, [(changed, password)])

    @console.page("/people/<account_id>/off", Act.MANAGE_STAFF, ("POST",))
    def deactivate_account(account_id: str) -> Response:
        staff_accounts.deactivate(console.acting, account_id)
        return _back(account_id, "账号已停用，登录已退出。做过的事仍留在审计日志里。")

    @console.page("/people/<account_id>/on", Act.MANAGE_STAFF, ("POST",))
    def activate_account(account_id: str) -> Response:
        staff_accounts.activate(console.acting, account_id)
        return _back(account_id, "账号已恢复。忘了密码就再点“重置密码”。")

    @console.page("/people/<account_id>/totp-off", Act.MANAGE_STAFF, ("POST",))
    def remove_totp(account_id: str) -> Response:
        staff_accounts.remove_totp(console.acting, account_id)
        return _back(account_id, "动态口令已停用，本人登录后可以重新启用。")


def _add_counsellors(console: Console) -> None:
    @console.page("/people/counsellors", Act.MANAGE_STAFF)
    def counsellors_without_account() -> str:
        return console.render("staff/people_counsellors.html", missing=_missing(console), at_once=AT_ONCE)

    @console.page("/people/counsellors", Act.MANAGE_STAFF, ("POST",))
    def add_counsellors() -> str:
        people = [Person(number, name, Role.COUNSELLOR, number) for number, name, _ in _missing(console)[:AT_ONCE]]
        passwords = {person.login: one_time_password() for person in people}
        hashed = [(person, hash_password(passwords[person.login])) for person in people]
        made = staff_accounts.add_accounts(console.acting, hashed)
        rest = len(_missing(console))
        said = f"还有 {rest} 位辅导员没有账号，请回到上一页再建一批。" if rest else ""
        return _handed_out(console, [(account, passwords[account.login]) for account in made], said)


def _stored(console: Console, account_id: str) -> Account:
    with console.office.work.reading() as uow:
        found = uow.accounts.by_id(account_id)
    if found is None:
        raise NotFoundError("没有这个账号，可能链接不完整，请从账号列表里点开")
    return found


def _person(login: str = "") -> Person:
    """Read the form; what cannot be right is told by the account itself.

    Raises:
        BadValueError: there is no such role.
    """
    form = request.form
    role = Role.__members__.get(form.get("role", ""))
    if role is None:
        raise BadValueError("请选择角色")
    return Person(login or form.get("login", ""), form.get("name", ""), role, form.get("staff_number", ""))


def _as_form(account: Account) -> dict[str, str]:
    return {"name": account.name, "role": account.role.name, "staff_number": account.staff_number}


def _counsellors(console: Console) -> list[tuple[str, str, int]]:
    with console.office.work.reading() as uow:
        season = uow.seasons.current()
        return list(uow.accounts.counsellors(season.id)) if season else []


def _missing(console: Console) -> list[tuple[str, str, int]]:
    """Return the counsellors of the roster nobody made an account for: by staff number, and by login name."""
    with console.office.work.reading() as uow:
        accounts = uow.accounts.all()
    known = {account.staff_number for account in accounts} | {account.login for account in accounts}
    return [each for each in _counsellors(console) if not {each[0], each[0].strip().lower()} & known]


def _unknown_number(console: Console, account: Account) -> str:
    """Return a soft hint if a counsellor's staff number is nobody's in the roster."""
    if account.role is not Role.COUNSELLOR or account.staff_number in {each[0] for each in _counsellors(console)}:
        return ""
    return "注意：名册里没有毕业生的“辅导员工号”是这个工号，这位辅导员现在看不到任何学生。请核对工号，或等名册导入。"


def _handed_out(console: Console, given: list[tuple[Account, str]], said: str = "") -> str:
    base = console.base_url or request.host_url.rstrip("/")
    return console.render("staff/people_passwords.html", given=given, said=said, address=f"{base}/staff/")


def _back(account_id: str, said: str) -> Response:
    flash(said)
    return redirect(url_for("staff.account", account_id=account_id))
