"""The staff account (工作人员账号): a name, a role, a hash of a password; no rule of the web in it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.errors import BadValueError
from bot.staff.policy import Actor, Role


@dataclass(frozen=True, slots=True)
class Account:
    """A staff account (账号).

    Attributes:
        id: identifier.
        login: what is typed at login, lower case; usually the staff number.
        name: as shown, also in the audit log.
        role: see Role.
        staff_number: of a counsellor, as in the roster (辅导员工号).
        password_hash: argon2id, or "" while no password was set.
        must_change: whether the password was given by somebody else and has to be changed first.
        totp_secret: of the second factor (动态口令), or "".
        totp_step: the last time step used, so that a code works once.
        is_active: a former colleague's account stays, without access.
        epoch: raised by everything that must end all sessions: password, role, deactivation.
        created_at, seen_at: when it was made, and last used.
        version: compare-and-swap counter of the stored row.
    """

    id: str
    login: str = field(repr=False)
    name: str = field(repr=False)
    role: Role
    created_at: datetime
    staff_number: str = ""
    password_hash: str = field(default="", repr=False)
    must_change: bool = True
    totp_secret: str = field(default="", repr=False)
    totp_step: int = 0
    is_active: bool = True
    epoch: int = 0
    seen_at: datetime | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if not self.login or self.login != self.login.strip().lower() or len(self.login) > 64:
            raise BadValueError("登录名应为 1 到 64 个字符，小写，前后没有空格")
        if not self.name.strip() or len(self.name) > 40:
            raise BadValueError("姓名应为 1 到 40 个字")
        if self.role is Role.COUNSELLOR and not self.staff_number:
            raise BadValueError("辅导员账号要填工号，与名册中的“辅导员工号”一致，否则看不到自己的学生")

    @property
    def actor(self) -> Actor:
        """Who acts with this account."""
        return Actor(self.id, self.name, self.role, self.staff_number)

    def with_password(self, password_hash: str, *, must_change: bool = False) -> "Account":
        """Set a new password; every session ends."""
        return replace(self, password_hash=password_hash, must_change=must_change, epoch=self.epoch + 1)

    def with_role(self, role: Role, staff_number: str) -> "Account":
        """Give another role; every session ends."""
        return replace(self, role=role, staff_number=staff_number, epoch=self.epoch + 1)

    def deactivated(self) -> "Account":
        """Take the access away; every session ends."""
        return replace(self, is_active=False, epoch=self.epoch + 1)

    def activated(self) -> "Account":
        """Give the access back."""
        return replace(self, is_active=True)

    def with_totp(self, secret: str) -> "Account":
        """Set or take away ("") the second factor; every session ends."""
        return replace(self, totp_secret=secret, totp_step=0, epoch=self.epoch + 1)
