"""Passwords (密码): argon2id by argon2-cffi, with the parameters RFC 9106 recommends for little memory.

Hashing costs 64 MiB and a tenth of a second on purpose: never do it inside a unit of work that writes.
"""

import secrets
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import BadValueError

SHORTEST = 10
"""Fewest characters; length is what makes a password hard to guess (NIST SP 800-63B)."""
LONGEST = 128
_FEWEST_DIFFERENT = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else on paper

_HASHER = PasswordHasher()
_AT_ONCE = BoundedSemaphore(4)
"""A crowd at the login waits for its turn: 64 MiB for each thread of the server would be a gigabyte."""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password (密码哈希).

    Raises:
        BadValueError: the password does not do; the text says how to mend it.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadValueError(f"密码应为 {SHORTEST} 到 {LONGEST} 个字符，可以是一句好记的话")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise BadValueError("密码里重复的字符太多，容易被猜到，请换一个")
    with _AT_ONCE:
        return _HASHER.hash(password)


def is_password(password: str, password_hash: str) -> bool:
    """Tell whether the password fits the hash; "" fits none, and costs the same time."""
    with _AT_ONCE:
        try:
            return _HASHER.verify(password_hash or _nobodys(), password[:LONGEST]) and bool(password_hash)
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with other parameters than today's (需要重新哈希)."""
    return _HASHER.check_needs_rehash(password_hash)


def one_time_password() -> str:
    """Return a first password (一次性密码) that is easy to read out and type, and has to be changed: 59 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
