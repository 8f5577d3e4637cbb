"""The accounts of the demo (演示账号): one of each kind, with passwords anybody may know; never outside the demo."""

from bot.errors import QuxiangError
from bot.staff.policy import Role
from bot.use_cases.staff_accounts import Person, add_accounts
from bot.use_cases.staff_changes import Office
from handlers.roster.invented import COLLEGES
from handlers.staff.passwords import hash_password

PASSWORD = "quxiang-demo"  # noqa: S105 -- printed for everybody; the demo listens on this machine only
_TOLD = "{login}  {name}（{role}）"


def demo_people() -> tuple[Person, ...]:
    """Return who works in the demo (演示老师): the counsellors are two of the demo roster's."""
    counsellors = [of_college[0] for _, _, of_college in COLLEGES[:2]]
    return (
        Person("admin", "管理员", Role.ADMINISTRATOR),
        Person("office", "就业办老师", Role.OFFICE),
        *(Person(number, name, Role.COUNSELLOR, number) for name, _, number in counsellors),
        Person("auditor", "审计员", Role.AUDITOR),
    )


def make_demo_accounts(office: Office, *, is_demo: bool) -> tuple[str, ...]:
    """Make the demo's accounts where they are missing (建立演示账号), and return the lines that tell how to log in.

    Raises:
        QuxiangError: this is no demo.
    """
    if not is_demo:
        raise QuxiangError("演示账号只在 demo = true 时建立：密码是公开的")
    people, hashed = demo_people(), hash_password(PASSWORD)
    add_accounts(office, [(person, hashed) for person in people], must_change=False)
    told = (_TOLD.format(login=f"{p.login:<8}", name=p.name, role=p.role.value) for p in people)
    return (*told, f"密码都是 {PASSWORD}")
